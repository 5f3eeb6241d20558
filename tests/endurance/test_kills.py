"""`kill -9` of a random worker every 100 ms under load: what is lost, and for how long.

For every model whose workers are processes.
"""

import os
import random
import signal
import statistics
import time
from functools import partial
from pathlib import Path

import pytest

from conformance import discover_models
from conformance.server_process import RunningServer, has_process_pool, is_process, starting
from tests.endurance.load_fixtures import visitors

WORKERS = 5
PERIOD_S = 0.1
BACK_WITHIN_S = 0.1
VISITORS = 10


@pytest.mark.slow
@pytest.mark.parametrize("model", discover_models())
def test_only_what_a_killed_worker_held_is_lost(model: str, is_long: bool) -> None:
    kills = 200 if is_long else 20
    with starting(f"services.{model}.server") as start:
        server = start(LAB_WORKERS=str(WORKERS))
        if not has_process_pool(server):
            pytest.skip("no worker processes")
        with visitors(server, VISITORS) as crowd:
            begun_s = time.monotonic()
            killed_ns = _kill(server, kills)
            killing_s = time.monotonic() - begun_s
            server.await_event("worker_started", WORKERS + kills)
        assert _zombies(server) == []
        server.serves()
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0

    talks = [talk for visitor in crowd for talk in visitor.talks]
    failed = [talk for talk in talks if talk.lost]
    assert len(failed) <= kills + _reset_in_queues(server)  # a worker holds one connection
    logged = {event["request"] for event in server.of("request_acked")} - {"probe"}
    assert logged <= {message for talk in talks for message in talk.ids_acked}
    deaths = {event["worker_pid"] for event in server.of("worker_exited")}
    assert deaths >= set(killed_ns)
    absent_s = _absences_s(server, killed_ns)
    late = sum(absence_s > BACK_WITHIN_S for absence_s in absent_s)
    print(
        f"\n{model}: {kills} kills in {killing_s:.1f} s, "
        f"{sum(len(talk.sent) for talk in talks)} messages sent, "
        f"{sum(talk.lost for talk in talks)} lost on {len(failed)} of {len(talks)} connections, "
        f"every one known to its client; worker back after {statistics.median(absent_s) * 1e3:.1f} "
        f"ms (median), {max(absent_s) * 1e3:.1f} ms (worst), {late} later than 100 ms"
    )
    assert statistics.median(absent_s) < BACK_WITHIN_S


def _reset_in_queues(server: RunningServer) -> int:
    """Return how many connections waited at a killed worker's own listener, if it had one."""
    return sum(event["accept_queue_reset"] for event in server.of("listener_closed"))


def _kill(server: RunningServer, kills: int) -> dict[int, int]:
    """Kill a worker every period; return the pids and the times."""
    begun_s, killed_ns = time.monotonic(), dict[int, int]()
    for number in range(1, kills + 1):
        server.await_true(partial(_is_past, begun_s + number * PERIOD_S), "the next period")
        _kill_one(server, killed_ns, random.Random(number))
    return killed_ns


def _kill_one(server: RunningServer, killed_ns: dict[int, int], chance: random.Random) -> None:
    """Kill a random running worker, and record the time."""
    living: list[int] = []

    def lives() -> bool:
        pids = server.process_ids()[1:]
        living[:] = [pid for pid in pids if pid not in killed_ns and is_process(pid)]
        return bool(living)

    server.await_true(lives, "a worker")
    pid = chance.choice(living)
    killed_ns[pid] = time.monotonic_ns()
    os.kill(pid, signal.SIGKILL)


def _absences_s(server: RunningServer, killed_ns: dict[int, int]) -> list[float]:
    """Return how long each worker was missing: from the kill to the next fork."""
    absences_s = []
    for death in server.of("worker_exited"):
        if (since_ns := killed_ns.get(death["worker_pid"])) is not None:
            next_ns = min(
                event["t_ns"]
                for event in server.of("worker_started")
                if event["index"] == death["index"] and event["t_ns"] > since_ns
            )
            absences_s.append((next_ns - since_ns) / 1e9)
    return absences_s


def _zombies(server: RunningServer) -> list[int]:
    pids = server.process_ids()
    return [pid for pid in pids if "State:\tZ" in Path(f"/proc/{pid}/status").read_text()]


def _is_past(due_s: float) -> bool:
    return time.monotonic() >= due_s
