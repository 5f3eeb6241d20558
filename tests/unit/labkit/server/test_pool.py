import signal
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import cast

import pytest

from labkit.server import pool
from labkit.server.pool import drain, run_pool
from labkit.server.service import RELOAD, Service


class Recorder:
    """A service and its workers at once: records in which order what is called."""

    def __init__(self) -> None:
        self.draining = False
        self.has_workers = True
        self.settings = SimpleNamespace(workers=3)
        self.deeds: list[object] = []

    def keep_blocked(self, signals: Iterable[int]) -> None:
        assert {signal.SIGTERM, signal.SIGCHLD, RELOAD} <= set(signals)

    def start(self) -> None:
        self.deeds.append("start")

    def listening(self, workers: int) -> None:
        self.deeds.append(("listening", workers))

    def wait_s(self) -> float:
        return 0.0

    def reload(self) -> None:
        self.deeds.append("reload")

    def restart(self) -> None:
        self.deeds.append("restart")

    def send_signal(self, signum: int) -> None:
        self.deeds.append(("send", signum))

    def reap(self, *, wait: bool = False) -> None:
        self.deeds.append("reap all" if wait else "reap")
        self.has_workers = not self.draining

    def handle_signal(self, signum: int) -> None:
        self.deeds.append(("handle", signum))
        self.draining = True


def test_the_first_signal_drains_the_workers() -> None:
    parent = Recorder()
    drain(cast("Service", parent), parent, signal.SIGINT)
    assert parent.deeds == [("send", signal.SIGTERM), ("handle", signal.SIGINT)]


def test_another_kills_them_before_the_parent_ends() -> None:
    """It exits in its handler, and nothing must outlive it."""
    parent = Recorder()
    parent.draining = True
    drain(cast("Service", parent), parent, signal.SIGALRM)
    assert parent.deeds == [("send", signal.SIGKILL), "reap all", ("handle", signal.SIGALRM)]


def _run(monkeypatch: pytest.MonkeyPatch, *signals: int) -> list[object]:
    """Return what a pool does while ``signals`` arrive, of which the last makes it drain."""
    parent, left = Recorder(), list(signals)

    def supervisor(
        _service: object, _fork: object, on_exit: Callable[[int], None] | None
    ) -> Recorder:
        assert on_exit is None
        return parent

    monkeypatch.setattr(pool, "Supervisor", supervisor)
    monkeypatch.setattr(
        signal, "sigtimedwait", lambda *_: SimpleNamespace(si_signo=left.pop(0)) if left else None
    )
    run_pool(cast("Service", parent), lambda _service, _worker: None)
    return parent.deeds


def test_the_workers_are_started_before_it_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _run(monkeypatch, signal.SIGTERM)[:2] == ["start", ("listening", 3)]


def test_after_each_signal_it_reaps_and_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    turn = ["reap", "restart"]
    assert _run(monkeypatch, signal.SIGCHLD, RELOAD, signal.SIGTERM)[2:] == [
        *turn,
        "reload",
        *turn,
        ("send", signal.SIGTERM),
        ("handle", signal.SIGTERM),
        *turn,
    ]
