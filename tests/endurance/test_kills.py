"""`kill -9` of a random worker every 100 ms under load: what is lost, and for how long.

For every model whose workers are processes, of a pool or of a connection each. At the bound such a
process is replaced as soon as it has died, by one for the next connection that waits.
"""

import os
import random
import signal
import statistics
import time
from functools import partial

import pytest

from conformance import discover_variants
from conformance.server_process import RunningServer, is_process, is_zombie, starting_variant
from conformance.target import has_room
from tests.endurance.load_fixtures import visitors

WORKERS = 5
PERIOD_S = 0.1
BACK_WITHIN_S = 0.1
VISITORS = 10


@pytest.mark.slow
@pytest.mark.parametrize("model", discover_variants())
def test_only_what_a_killed_worker_held_is_lost(model: str, is_long: bool) -> None:
    kills = 200 if is_long else 10
    with starting_variant(model) as start:
        server = start(LAB_WORKERS=str(WORKERS))
        if not _has_processes(server):
            pytest.skip("no worker processes")
        losses = kills * (VISITORS if has_room(server, WORKERS) else 1)  # at most: a loop has many
        with visitors(server, VISITORS) as crowd:
            begun_s = time.monotonic()
            killed_ns = _kill(server, kills)
            killing_s = time.monotonic() - begun_s
            server.await_true(partial(_are_back, server, killed_ns), "every killed worker is back")
        server.await_true(lambda: not any(map(is_zombie, server.process_ids())), "all are reaped")
        server.serves()
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0

    talks = [talk for visitor in crowd for talk in visitor.talks]
    failed = [talk for talk in talks if talk.lost]
    assert len(failed) <= losses + _reset_in_queues(server)
    logged = {event["request"] for event in server.of("request_acked")} - {"probe", "room"}
    assert logged <= {message for talk in talks for message in talk.ids_acked}
    assert {event["worker_pid"] for event in server.of("worker_exited")} >= set(killed_ns)
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

    def is_killed() -> bool:
        pids = server.process_ids()[1:]
        living = [pid for pid in pids if pid not in killed_ns and is_process(pid)]
        if not living:
            return False
        pid = chance.choice(living)
        now_ns = time.monotonic_ns()
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:  # its connection has ended
            return False
        killed_ns[pid] = now_ns
        return True

    server.await_true(is_killed, "a worker")


def _has_processes(server: RunningServer) -> bool:
    """Whether a process other than its first one serves a client."""
    with server.connect() as client:
        client.send(b"probe sleep=0ms\x03")
        client.await_ack()
        return len(server.process_ids()) > 1


def _are_back(server: RunningServer, killed_ns: dict[int, int]) -> bool:
    """Whether each worker that was killed was reaped, and a process started in its place."""
    deaths = [death for death in server.of("worker_exited") if death["worker_pid"] in killed_ns]
    starts = server.of("worker_started")
    return len(deaths) == len(killed_ns) and all(
        any(start["index"] == death["index"] and start["t_ns"] > death["t_ns"] for start in starts)
        for death in deaths
    )


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


def _is_past(due_s: float) -> bool:
    return time.monotonic() >= due_s
