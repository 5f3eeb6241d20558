import errno
import os
import signal
import time
from itertools import count
from types import SimpleNamespace
from typing import cast

import pytest

from labkit.server import supervisor
from labkit.server.service import EXIT_LISTENER_BROKEN, LEAVE, Service
from labkit.server.supervisor import IDLE_WAIT_S, SHORT_LIVES_ALLOWED, Supervisor


class FakeService:
    """What a supervisor uses of a service; records what is logged and why it fails."""

    def __init__(self, workers: int) -> None:
        self.settings = SimpleNamespace(workers=workers)
        self.draining = False
        self.failure = ""
        self.events: list[tuple[str, dict[str, object]]] = []
        self.reports: list[str] = []
        self.excluded: list[SimpleNamespace] = []
        self.handover: object = None
        self.closed = 0
        self.listeners: list[str] = []

    def log(self, _worker: int) -> "FakeService":
        return self

    def emit(self, event: str, **fields: object) -> None:
        self.events.append((event, fields))

    def flush(self) -> None:
        pass

    def fail(self, reason: str) -> None:
        self.failure = reason

    give_up = fail
    start_workers = Service.start_workers

    def close_handed_over(self) -> None:
        self.closed += 1

    def open_listener_of(self, worker: int) -> None:
        self.listeners.append(f"open {worker}")

    def close_listener_of(self, worker: int) -> None:
        self.listeners.append(f"close {worker}")

    def report(self, text: str) -> None:
        self.reports.append(text)

    def exclude_cpu_times(self, usage: SimpleNamespace) -> None:
        self.excluded.append(usage)


class Machine:
    """Processes that end when the test says so, and a clock that it sets."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, workers: int = 1, processes: int = 1000
    ) -> None:
        self.now_s = 100.0
        self.processes_left = processes
        self.alive: list[int] = []
        self.signalled: list[tuple[int, int]] = []
        self._ended: list[tuple[int, int]] = []
        self._pids = count(1000)
        monkeypatch.setattr(time, "monotonic", lambda: self.now_s)
        monkeypatch.setattr(os, "wait4", self._wait4)
        monkeypatch.setattr(os, "kill", lambda pid, signum: self.signalled.append((pid, signum)))
        monkeypatch.setattr(supervisor, "Handover", object)  # which nothing here would close
        self.service = FakeService(workers)
        self.exits: list[int] = []
        self.supervisor = Supervisor(cast("Service", self.service), self._fork, self.exits.append)
        self.supervisor.start()

    def end(self, *pids: int, status: int = 0, wait: bool = False) -> None:
        for pid in pids:
            self._ended.append((pid, status))
            if pid in self.alive:
                self.alive.remove(pid)
        self.supervisor.reap(wait=wait)

    def _fork(self, _service: object, _worker: int) -> int:
        if not self.processes_left:
            raise BlockingIOError(errno.EAGAIN, "no process left")
        self.processes_left -= 1
        self.alive.append(next(self._pids))
        return self.alive[-1]

    def _wait4(self, _pid: int, options: int) -> tuple[int, int, SimpleNamespace]:
        assert self._ended or options == os.WNOHANG, "it would wait for ever"
        pid, status = self._ended.pop(0) if self._ended else (0, 0)
        return pid, status, SimpleNamespace(ru_maxrss=7)


def test_every_worker_is_started_and_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, workers=3)
    started = [fields for event, fields in machine.service.events if event == "worker_started"]
    assert [fields["index"] for fields in started] == [1, 2, 3]
    assert [fields["worker_pid"] for fields in started] == machine.alive
    assert machine.supervisor.has_workers
    assert machine.supervisor.wait_s() == IDLE_WAIT_S


def test_a_worker_that_dies_takes_its_listener_with_it_and_one_that_leaves_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine(monkeypatch, workers=2, processes=4)
    assert machine.service.listeners == ["open 1", "open 2"]
    machine.now_s += 1
    machine.end(machine.alive[0], status=signal.SIGKILL)
    assert machine.service.listeners[2:] == ["close 1"]
    machine.supervisor.restart()
    machine.supervisor.reload()
    machine.supervisor.restart()
    machine.end(machine.alive[0])
    machine.supervisor.restart()
    assert machine.service.listeners[3:] == ["open 1", "open 2"]
    machine.now_s += 1
    machine.end(machine.alive[0], status=signal.SIGKILL)  # no process is left for its successor
    machine.supervisor.restart()
    assert machine.service.listeners[5:] == ["close 1", "open 1", "close 1"]
    machine.service.draining = True  # which closes them all
    machine.end(machine.alive[0])
    assert machine.service.listeners[8:] == []


def test_a_worker_that_lived_is_restarted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, workers=2)
    machine.now_s += 1
    machine.end(machine.alive[1], status=signal.SIGKILL)
    event, fields = machine.service.events[-1]
    assert event == "worker_exited"
    assert (fields["index"], fields["exit_code"], fields["reason"]) == (2, -9, "SIGKILL")
    assert fields["peak_memory_bytes"] == 7 * 1024
    assert machine.exits == [1001]
    assert machine.supervisor.wait_s() == 0
    assert machine.supervisor.missing == [2]
    machine.supervisor.restart()
    assert machine.supervisor.missing == []
    assert machine.service.events[-1][1]["index"] == 2
    assert len(machine.alive) == 2


def test_a_worker_that_dies_at_its_start_is_restarted_later_and_later_then_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine, waits_s = Machine(monkeypatch), []
    for _ in range(SHORT_LIVES_ALLOWED):
        machine.end(machine.alive[0], status=7 << 8)
        waits_s.append(machine.supervisor.wait_s())
        machine.supervisor.restart()
        assert machine.alive == []  # not before the wait is over
        machine.now_s += waits_s[-1]
        machine.supervisor.restart()
        assert len(machine.alive) == 1
        assert machine.service.failure == ""
    assert waits_s == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8])
    machine.end(machine.alive[0], status=7 << 8)
    machine.now_s += machine.supervisor.wait_s()
    machine.supervisor.restart()
    assert machine.alive == []
    assert machine.service.failure == "worker 1 dies whenever it starts"


def test_a_long_life_ends_a_row_of_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    for life_s in (0.0, 0.0, 1.0, 0.0):
        machine.now_s += life_s
        machine.end(machine.alive[0])
        wait_s = machine.supervisor.wait_s()
        machine.now_s += wait_s
        machine.supervisor.restart()
    assert wait_s == pytest.approx(0.05)


@pytest.mark.parametrize(("status", "failure"), [(0, ""), (1 << 8, "worker 1 did not drain")])
def test_in_a_drain_no_worker_is_restarted_and_each_must_end_well(
    monkeypatch: pytest.MonkeyPatch, status: int, failure: str
) -> None:
    machine = Machine(monkeypatch, workers=2)
    machine.supervisor.send_signal(signal.SIGTERM)
    assert machine.signalled == [(pid, signal.SIGTERM) for pid in machine.alive]
    machine.service.draining = True
    machine.end(machine.alive[0], status=status)
    machine.supervisor.restart()
    assert len(machine.alive) == 1
    assert machine.service.failure == failure


@pytest.mark.parametrize("draining", [False, True])
def test_a_worker_without_a_listener_ends_the_server_unless_it_drains(
    monkeypatch: pytest.MonkeyPatch, draining: bool
) -> None:
    machine = Machine(monkeypatch, workers=2)
    machine.service.draining = draining
    machine.end(machine.alive[0], status=EXIT_LISTENER_BROKEN << 8)
    machine.supervisor.restart()
    assert len(machine.alive) == 1
    assert machine.service.failure == (
        "" if draining else "worker 1 cannot accept: a broken listener"
    )


@pytest.mark.parametrize("wait", [False, True])
def test_a_child_that_is_no_worker_is_reaped_and_not_logged(
    monkeypatch: pytest.MonkeyPatch, wait: bool
) -> None:
    machine = Machine(monkeypatch, workers=2)
    machine.service.draining = wait
    machine.end(7, machine.alive[0], 8, *machine.alive[1:2], wait=wait)
    exited = [fields for event, fields in machine.service.events if event == "worker_exited"]
    assert [fields["worker_pid"] for fields in exited] == [1000, 1001]
    assert len(machine.service.excluded) == 2
    assert not machine.supervisor.has_workers


def test_a_worker_that_a_nameless_signal_ended_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    machine.end(machine.alive[0], status=signal.SIGRTMIN + 3)
    assert machine.service.events[-1][1]["reason"] == f"signal {signal.SIGRTMIN + 3}"


def test_a_worker_that_cannot_be_started_makes_it_give_up(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, workers=8, processes=2)
    assert len(machine.alive) == 2
    assert machine.service.failure.startswith("cannot start worker 3 of 8: no process left (")
    assert machine.service.failure.endswith("lower LAB_WORKERS")


def test_a_restart_that_fails_is_tried_later_and_later_until_it_succeeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine(monkeypatch, workers=2, processes=2)
    machine.now_s += 1
    machine.end(machine.alive[0], status=signal.SIGKILL)
    waits_s = []
    for _ in range(8):
        machine.supervisor.restart()
        waits_s.append(machine.supervisor.wait_s())
        machine.now_s += waits_s[-1]
    assert waits_s == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8, 1, 1, 1])
    assert len(machine.alive) == 1
    assert machine.service.failure == ""
    (report,) = machine.service.reports
    assert report.startswith("cannot start worker 1 of 2: no process left (")
    machine.processes_left = 1
    machine.supervisor.restart()
    assert len(machine.alive) == 2
    assert machine.supervisor.wait_s() == IDLE_WAIT_S
    machine.now_s += 1
    machine.end(machine.alive[-1])
    machine.supervisor.restart()
    assert machine.supervisor.wait_s() == pytest.approx(0.05)  # a new row of failures
    assert len(machine.service.reports) == 2


def test_in_a_drain_it_does_not_wait_for_a_restart_that_is_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine(monkeypatch, workers=2)
    machine.end(machine.alive[0])
    machine.service.draining = True
    machine.now_s += 1
    machine.supervisor.restart()
    assert machine.supervisor.wait_s() == IDLE_WAIT_S
    assert len(machine.alive) == 1


def test_a_reload_replaces_each_worker_and_begins_with_the_next_when_the_last_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine(monkeypatch, workers=3)
    old = machine.alive.copy()
    machine.supervisor.reload()
    for number, pid in enumerate(old, start=1):
        machine.supervisor.restart()
        assert machine.signalled == [(each, LEAVE) for each in old[:number]]
        machine.supervisor.restart()  # nothing more to do before it has left
        assert len(machine.signalled) == number
        machine.end(pid)
        assert machine.service.events[-1][1]["reason"] == "reload"
    machine.supervisor.restart()
    assert set(old).isdisjoint(machine.alive)
    assert len(machine.alive) == 3
    reloads = [(name, of) for name, of in machine.service.events if name.startswith("reload")]
    assert reloads == [("reload_begun", {"workers": 3}), ("reload_ended", {"workers": 3})]


def test_a_reload_waits_for_a_worker_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, workers=2)
    machine.end(machine.alive[0], status=signal.SIGKILL)  # right after its start: it backs off
    machine.supervisor.reload()
    machine.supervisor.restart()
    assert machine.signalled == []
    machine.now_s += 1
    machine.supervisor.restart()
    assert machine.signalled == [(machine.alive[0], LEAVE)]


def test_a_worker_that_is_killed_instead_of_leaving_has_died(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine(monkeypatch)
    machine.now_s += 1
    machine.supervisor.reload()
    machine.supervisor.restart()
    machine.end(machine.alive[0], status=signal.SIGKILL)
    assert machine.service.events[-1][1]["reason"] == "SIGKILL"
    machine.supervisor.restart()
    assert machine.service.events[-1] == ("reload_ended", {"workers": 0})


def test_a_reload_right_after_another_replaces_the_new_workers_too_and_is_no_short_life(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = Machine(monkeypatch)
    for _ in range(2 * SHORT_LIVES_ALLOWED):
        machine.supervisor.reload()
        machine.supervisor.restart()
        machine.end(machine.alive[0])
        machine.supervisor.restart()
    assert machine.service.failure == ""
    assert machine.alive == [1000 + 2 * SHORT_LIVES_ALLOWED]


def test_a_drain_ends_a_reload(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, workers=2)
    machine.supervisor.reload()
    machine.service.draining = True
    machine.supervisor.restart()
    machine.supervisor.reload()
    assert machine.signalled == []
    assert machine.service.closed == 1
