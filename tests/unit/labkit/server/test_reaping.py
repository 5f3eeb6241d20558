import os
import signal
from types import SimpleNamespace
from typing import cast

import pytest

from labkit.server.reaping import Exit, log_exit, reaped
from labkit.server.service import Service


class FakeService:
    """What is used of a service; records what is logged and excluded."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []
        self.excluded: list[object] = []
        self.exclude_cpu_times = self.excluded.append

    def log(self, worker: int) -> "FakeService":
        assert worker == 0
        return self

    def emit(self, event: str, **fields: object) -> None:
        self.events.append((event, fields))

    def flush(self) -> None:
        pass


def _end(monkeypatch: pytest.MonkeyPatch, *ended: tuple[int, int]) -> None:
    """Let wait4(2) report ``ended``, each a pid and its status, and then that none has ended."""
    left = list(ended)

    def wait4(_pid: int, options: int) -> tuple[int, int, SimpleNamespace]:
        assert left or options == os.WNOHANG, "it would wait for ever"
        return (*(left.pop(0) if left else (0, 0)), SimpleNamespace(ru_maxrss=7))

    monkeypatch.setattr(os, "wait4", wait4)


@pytest.mark.parametrize("wait", [False, True])
def test_each_child_that_has_ended_is_yielded_and_strange_ones_are_excluded(
    monkeypatch: pytest.MonkeyPatch, wait: bool
) -> None:
    _end(monkeypatch, (7, 0), (11, 3 << 8), (8, 0), (12, signal.SIGKILL))
    service, running = FakeService(), {11: "one", 12: "two"}
    found = list(reaped(cast("Service", service), running, wait=wait))
    assert found == [("one", Exit(11, 3, 7 * 1024)), ("two", Exit(12, -signal.SIGKILL, 7 * 1024))]
    assert (running, len(service.excluded)) == ({}, 2)


def test_without_children_it_asks_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even to wait: wait4(2) would fail, or wait for a child of others."""
    _end(monkeypatch)
    assert list(reaped(cast("Service", FakeService()), {}, wait=True)) == []


def test_one_that_still_runs_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    _end(monkeypatch, (11, 0))
    running = {11: "one", 12: "two"}
    assert [kept for kept, _ in reaped(cast("Service", FakeService()), running)] == ["one"]
    assert running == {12: "two"}


@pytest.mark.parametrize(
    ("code", "reason"),
    [(0, "exit code 0"), (7, "exit code 7"), (-9, "SIGKILL"), (-37, "signal 37")],
)
def test_the_reason_is_a_code_or_a_signal(code: int, reason: str) -> None:
    assert Exit(1, code, 0).reason == reason


def test_an_exit_is_logged_by_the_parent() -> None:
    service = FakeService()
    log_exit(cast("Service", service), 3, Exit(11, -9, 7168), "SIGKILL")
    fields = {
        "index": 3,
        "worker_pid": 11,
        "exit_code": -9,
        "reason": "SIGKILL",
        "peak_memory_bytes": 7168,
    }
    assert service.events == [("worker_exited", fields)]
