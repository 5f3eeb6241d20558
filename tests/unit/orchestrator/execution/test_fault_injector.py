"""Faults take place when they are due, and end whatever happens; a server of the test's own."""

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


class Scene:
    """A server that notes what is done to it; ``done`` is set by whatever comes last."""

    def __init__(self, last: str = "", *, is_deaf: bool = False) -> None:
        self.deeds: list[str] = []
        self.told: list[str] = []
        self.done = threading.Event()
        self._last = last
        self._is_deaf = is_deaf

    def _note(self, deed: str) -> None:
        if self._is_deaf:
            raise BackendError("the server has gone")
        self.deeds.append(deed)
        if deed == self._last:
            self.done.set()

    def pause(self) -> None:
        self._note("pause")

    def resume(self) -> None:
        self._note("resume")

    def limit_cpus(self, cpus: float | None) -> None:
        self._note(f"cpus {cpus}")

    def workers(self) -> list[int]:
        return [1, 2, 3]

    def kill_worker(self, index: int) -> None:
        self._note(f"kill {index}")

    def stop(self, *, is_killed: bool) -> None:
        self._note("kill" if is_killed else "terminate")

    def restart(self) -> None:
        self._note("restart")

    @property
    def toxics(self) -> "Scene":
        return self

    def add(self, toxic: Mapping[str, object]) -> None:
        self._note(f"{toxic['type']} {toxic['attributes']}")

    def lift(self, name: str) -> None:
        self._note(f"lift {name}")

    def disconnect(self) -> None:
        self._note("disconnect")

    def reconnect(self) -> None:
        self._note("reconnect")

    def fill_backlog(self, connections: int, lasts_s: float) -> None:
        self._note(f"fill backlog with {connections} for {lasts_s} s")

    def release_backlog(self) -> None:
        self._note("release backlog")


def carried_out(scene: Scene, *faults: Fault) -> FaultInjector:
    """Run ``faults`` from now on until the scene's last deed is done."""
    timeline = FaultInjector(faults, scene, 1, scene.told.append)
    with timeline:
        timeline.begin(time.monotonic_ns())
        assert scene.done.wait(DEADLINE_S)
    return timeline


PAUSE = Fault(at="1ms", fault="pause", lasts="5ms")


def test_faults_are_done_and_undone_in_the_order_of_time(tmp_path: Path) -> None:
    scene = Scene(last="terminate")
    limit = Fault(at="3ms", fault="cpu-limit", cpus=0.5, lasts="20ms")
    end = Fault(at="40ms", fault="terminate")
    carried_out(scene, end, limit, PAUSE).store(tmp_path)
    assert scene.deeds == ["pause", "cpus 0.5", "resume", "cpus None", "terminate"]
    assert scene.told == [
        "pause", "cpu-limit", "pause is over", "cpu-limit is over", "terminate",
    ]  # fmt: skip
    told = read_faults(tmp_path)
    assert [each.fault for each in told] == ["terminate", "cpu-limit", "pause"]
    assert all(each.error == "" and (each.effect_ns or 0) >= each.asked_ns for each in told)
    assert told[0].reverted_ns is None
    assert (told[2].reverted_ns or 0) >= told[2].asked_ns + 5_000_000


def test_each_fault_that_lasts_is_undone_in_its_own_way() -> None:
    scene = Scene(last="restart")
    kinds = ("disconnect", "fill-backlog", "latency", "kill")
    faults = [
        Fault(at=f"{10 * n + 1}ms", fault=kind, lasts="5ms", attributes={"latency": "9ms"}).against(
            workers=2, backlog=5
        )
        for n, kind in enumerate(kinds)
    ]
    carried_out(scene, *faults)
    assert scene.deeds == [
        "disconnect", "reconnect", "fill backlog with 8 for 0.005 s", "release backlog",
        "latency {'latency': '9ms'}", "lift latency at 21ms", "kill", "restart",
    ]  # fmt: skip


def test_a_load_that_ends_ends_what_lasts_and_what_was_not_due_never_is(tmp_path: Path) -> None:
    scene = Scene(last="pause")
    later = Fault(at="50m", fault="kill")
    carried_out(scene, Fault(at="0s", fault="pause", lasts="40m"), later).store(tmp_path)
    assert scene.deeds == ["pause", "resume"]
    paused, killed = read_faults(tmp_path)
    assert paused.reverted_ns is not None
    assert (killed.effect_ns, killed.error) == (None, TOO_LATE)


def test_an_interrupt_ends_what_lasts() -> None:
    scene = Scene(last="pause")
    timeline = FaultInjector([PAUSE], scene, 1, scene.told.append)

    def interrupted() -> None:
        with timeline:
            timeline.begin(time.monotonic_ns())
            assert scene.done.wait(DEADLINE_S)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert scene.deeds == ["pause", "resume"]


@pytest.mark.parametrize(
    ("worker", "choices"), [(2, {"kill 2"}), ("random", {"kill 1", "kill 2", "kill 3"})]
)
def test_which_worker_is_told_or_left_to_the_seed(worker: int | str, choices: set[str]) -> None:
    deeds = set()
    for _ in range(3):
        scene = Scene()
        fault = Fault(at="0s", fault="kill-worker", worker=worker)
        with FaultInjector([fault], scene, 7, scene.told.append) as line:
            line.begin(time.monotonic_ns())
            deadline_s = time.monotonic() + DEADLINE_S
            while not scene.deeds and time.monotonic() < deadline_s:
                time.sleep(0.001)
        deeds |= set(scene.deeds)
    assert len(deeds) == 1  # the seed decides, so always the same
    assert deeds <= choices


def test_what_cannot_be_done_is_told(tmp_path: Path) -> None:
    with FaultInjector([PAUSE], Scene(is_deaf=True), 1, print) as timeline:
        timeline.begin(time.monotonic_ns())
        deadline_s = time.monotonic() + DEADLINE_S
        while timeline.is_running and time.monotonic() < deadline_s:
            time.sleep(0.001)
    timeline.store(tmp_path)
    assert [each.error for each in read_faults(tmp_path)] == ["the server has gone"]


def test_without_faults_there_is_nothing_to_tell(tmp_path: Path) -> None:
    with FaultInjector([], Scene(), 1, print) as timeline:
        timeline.begin(time.monotonic_ns())
    timeline.store(tmp_path)
    assert read_faults(tmp_path) == ()
    assert read_faults(tmp_path / "none") == ()
