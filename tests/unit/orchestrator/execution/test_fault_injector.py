"""Faults are injected when they are due, and reverted whatever happens."""

import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestrator.execution.backend import BackendError
from orchestrator.execution.fault_injector import FaultInjector
from orchestrator.results.fault_log import TOO_LATE, read_faults
from orchestrator.scenario.faults import Fault

DEADLINE_S = 20.0


class RecordingServer:
    """A server that records what is done to it; ``done`` is set by the action ``last``."""

    def __init__(self, last: str = "", *, is_gone: bool = False) -> None:
        self.actions: list[str] = []
        self.reports: list[str] = []
        self.done = threading.Event()
        self._last = last
        self._is_gone = is_gone

    def _record(self, action: str) -> None:
        if self._is_gone:
            raise BackendError("the server has gone")
        self.actions.append(action)
        if action == self._last:
            self.done.set()

    def pause(self) -> None:
        self._record("pause")

    def resume(self) -> None:
        self._record("resume")

    def limit_cpus(self, cpus: float | None) -> None:
        self._record(f"cpus {cpus}")

    def workers(self) -> list[int]:
        return [1, 2, 3]

    def kill_worker(self, index: int) -> None:
        self._record(f"kill {index}")

    def stop(self, *, is_killed: bool) -> None:
        self._record("kill" if is_killed else "terminate")

    def restart(self) -> None:
        self._record("restart")

    @property
    def toxics(self) -> "RecordingServer":
        return self

    def add(self, toxic: Mapping[str, object]) -> None:
        self._record(f"{toxic['type']} {toxic['attributes']}")

    def lift(self, name: str) -> None:
        self._record(f"lift {name}")

    def disconnect(self) -> None:
        self._record("disconnect")

    def reconnect(self) -> None:
        self._record("reconnect")

    def fill_backlog(self, connections: int, lasts_s: float) -> None:
        self._record(f"fill backlog with {connections} for {lasts_s} s")

    def release_backlog(self) -> None:
        self._record("release backlog")


def injected(server: RecordingServer, *faults: Fault) -> FaultInjector:
    """Inject ``faults`` from now on until the server's last action."""
    injector = FaultInjector(faults, server, 1, server.reports.append)
    with injector:
        injector.begin(time.monotonic_ns())
        assert server.done.wait(DEADLINE_S)
    return injector


PAUSE = Fault(at="1ms", fault="pause", lasts="5ms")


def test_faults_are_injected_and_reverted_in_the_order_of_time(tmp_path: Path) -> None:
    server = RecordingServer(last="terminate")
    limit = Fault(at="3ms", fault="cpu-limit", cpus=0.5, lasts="20ms")
    end = Fault(at="40ms", fault="terminate")
    injected(server, end, limit, PAUSE).store(tmp_path)
    assert server.actions == ["pause", "cpus 0.5", "resume", "cpus None", "terminate"]
    assert server.reports == [
        "pause", "cpu-limit", "pause is over", "cpu-limit is over", "terminate",
    ]  # fmt: skip
    records = read_faults(tmp_path)
    assert [each.fault for each in records] == ["terminate", "cpu-limit", "pause"]
    assert all(each.error == "" and (each.effect_ns or 0) >= each.asked_ns for each in records)
    assert records[0].reverted_ns is None
    assert (records[2].reverted_ns or 0) >= records[2].asked_ns + 5_000_000


def test_each_fault_that_lasts_is_reverted_in_its_own_way() -> None:
    server = RecordingServer(last="restart")
    kinds = ("disconnect", "fill-backlog", "latency", "kill")
    faults = [
        Fault(at=f"{10 * n + 1}ms", fault=kind, lasts="5ms", attributes={"latency": "9ms"}).against(
            workers=2, backlog=5
        )
        for n, kind in enumerate(kinds)
    ]
    injected(server, *faults)
    assert server.actions == [
        "disconnect", "reconnect", "fill backlog with 8 for 0.005 s", "release backlog",
        "latency {'latency': '9ms'}", "lift latency at 21ms", "kill", "restart",
    ]  # fmt: skip


def test_the_end_of_the_load_reverts_lasting_faults_and_later_ones_are_skipped(
    tmp_path: Path,
) -> None:
    server = RecordingServer(last="pause")
    later = Fault(at="50m", fault="kill")
    injected(server, Fault(at="0s", fault="pause", lasts="40m"), later).store(tmp_path)
    assert server.actions == ["pause", "resume"]
    paused, killed = read_faults(tmp_path)
    assert paused.reverted_ns is not None
    assert (killed.effect_ns, killed.error) == (None, TOO_LATE)


def test_an_interrupt_reverts_lasting_faults() -> None:
    server = RecordingServer(last="pause")
    injector = FaultInjector([PAUSE], server, 1, server.reports.append)

    def interrupted() -> None:
        with injector:
            injector.begin(time.monotonic_ns())
            assert server.done.wait(DEADLINE_S)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert server.actions == ["pause", "resume"]


@pytest.mark.parametrize(
    ("worker", "choices"), [(2, {"kill 2"}), ("random", {"kill 1", "kill 2", "kill 3"})]
)
def test_the_worker_is_given_or_chosen_by_the_seed(worker: int | str, choices: set[str]) -> None:
    actions = set()
    for _ in range(3):
        server = RecordingServer()
        fault = Fault(at="0s", fault="kill-worker", worker=worker)
        with FaultInjector([fault], server, 7, server.reports.append) as injector:
            injector.begin(time.monotonic_ns())
            deadline_s = time.monotonic() + DEADLINE_S
            while not server.actions and time.monotonic() < deadline_s:
                time.sleep(0.001)
        actions |= set(server.actions)
    assert len(actions) == 1  # the seed decides, so always the same
    assert actions <= choices


def test_a_fault_that_cannot_be_injected_is_recorded(tmp_path: Path) -> None:
    with FaultInjector([PAUSE], RecordingServer(is_gone=True), 1, print) as injector:
        injector.begin(time.monotonic_ns())
        deadline_s = time.monotonic() + DEADLINE_S
        while injector.is_running and time.monotonic() < deadline_s:
            time.sleep(0.001)
    injector.store(tmp_path)
    assert [each.error for each in read_faults(tmp_path)] == ["the server has gone"]


def test_without_faults_there_are_no_records(tmp_path: Path) -> None:
    with FaultInjector([], RecordingServer(), 1, print) as injector:
        injector.begin(time.monotonic_ns())
    injector.store(tmp_path)
    assert read_faults(tmp_path) == ()
    assert read_faults(tmp_path / "none") == ()
