import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from conformance.target import await_true
from labkit.server import threads
from labkit.server.connection import Connection
from labkit.server.service import SIGNALS, Service
from labkit.server.settings import Whole

BOUND = Whole("most", default=8, low=1, high=8)


class FakeService:
    """What threads use of a service; records what is logged and reported, and why it fails."""

    def __init__(self, failures: int = 0) -> None:
        self.settings = SimpleNamespace(workers=3, own={"most": 8})
        self.draining = False
        self.failures = failures
        self.events: list[tuple[str, dict[str, object]]] = []
        self.reports: list[str] = []
        self.failure = ""

    def log(self, _worker: int) -> "FakeService":
        return self

    def emit(self, event: str, **fields: object) -> None:
        self.events.append((event, fields))

    def flush(self) -> None:
        pass

    def give_up(self, reason: str) -> None:
        self.failure = reason

    start_workers = Service.start_workers

    def report(self, text: str) -> None:
        self.reports.append(text)

    def serve_connection(self, _conn: Connection, _worker: int) -> None:
        if self.failures:
            raise ValueError("planted defect")


class FakeConnection:
    """A connection that records the reason of its reset."""

    def __init__(self, *, is_open: bool = True) -> None:
        self.is_open = is_open
        self.resets: list[str] = []

    def reset(self, reason: str, _log: object) -> None:
        self.resets.append(reason)


@pytest.fixture
def short_of_threads(monkeypatch: pytest.MonkeyPatch) -> list[RuntimeError]:
    """Return the errors with which the next starts of a thread fail; no retry waits."""
    errors: list[RuntimeError] = []
    start = threading.Thread.start

    def start_or_fail(thread: threading.Thread) -> None:
        if errors:
            raise errors.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_or_fail)
    monkeypatch.setattr(threads, "ACCEPT_RETRY_S", 0)
    return errors


def test_a_pool_has_a_thread_for_each_worker_and_logs_it() -> None:
    service, worked = FakeService(), list[int]()
    started = threads.start_pool(cast("Service", service), worked.append)
    for thread in started:
        thread.join()
    assert sorted(worked) == [1, 2, 3]
    assert service.events == [
        ("worker_started", {"index": worker, "worker_pid": thread.native_id})
        for worker, thread in enumerate(started, start=1)
    ]


def test_a_pool_that_cannot_be_started_gives_up(short_of_threads: list[RuntimeError]) -> None:
    short_of_threads.append(RuntimeError("can't start new thread"))
    service = FakeService()
    assert threads.start_pool(cast("Service", service), lambda _worker: None) == []
    assert service.failure.startswith("cannot start worker 1 of 3: can't start new thread")


def test_a_thread_has_the_signals_blocked_and_its_starter_has_not() -> None:
    masks = list[set[int | signal.Signals]]()
    read_mask = partial(signal.pthread_sigmask, signal.SIG_BLOCK, ())
    (thread, *_) = threads.start_pool(
        cast("Service", FakeService()), lambda _worker: masks.append(read_mask())
    )
    thread.join()
    assert masks[0] >= set(SIGNALS)
    assert not read_mask() & set(SIGNALS)


def test_a_start_that_fails_leaves_no_signal_blocked(short_of_threads: list[RuntimeError]) -> None:
    short_of_threads.append(RuntimeError("no"))
    threads.start_pool(cast("Service", FakeService()), lambda _worker: None)
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & set(SIGNALS)


def test_a_thread_that_cannot_be_had_is_tried_again_and_reported_once(
    short_of_threads: list[RuntimeError],
) -> None:
    short_of_threads += [RuntimeError("can't start new thread")] * 3
    service, served = FakeService(), threading.Event()
    work = cast("threads.Work", lambda _worker: served.set())
    assert threads.start_when_possible(cast("Service", service), work, 4, BOUND)
    assert served.wait(10)
    (line,) = service.reports
    assert line.startswith("cannot start worker 4 of 8: can't start new thread (")
    assert "lower LAB_MOST; trying again" in line


def test_in_a_drain_no_thread_is_started(short_of_threads: list[RuntimeError]) -> None:
    service = FakeService()

    def begin_drain(_text: str) -> None:
        service.draining = True

    setattr(service, "report", begin_drain)  # noqa: B010
    short_of_threads += [RuntimeError("no")] * 2
    assert not threads.start_when_possible(cast("Service", service), lambda _worker: None, 1, BOUND)
    assert len(short_of_threads) == 1


@pytest.mark.parametrize("is_open", [True, False])
def test_a_defect_resets_the_connection_and_ends_the_server(
    capsys: pytest.CaptureFixture[str], *, is_open: bool
) -> None:
    service, conn = FakeService(failures=1), FakeConnection(is_open=is_open)
    threads.serve_or_give_up(cast("Service", service), cast("Connection", conn), 2)
    assert conn.resets == ["defect of the server"] * is_open
    assert service.failure == "worker 2 met a defect"
    assert "ValueError: planted defect" in capsys.readouterr().err


def test_a_connection_without_a_defect_is_served() -> None:
    service, conn = FakeService(), FakeConnection()
    threads.serve_or_give_up(cast("Service", service), cast("Connection", conn), 2)
    assert (conn.resets, service.failure) == ([], "")


@pytest.fixture
def usr1_for_other_threads() -> Iterator[Callable[[Callable[[], None]], object]]:
    """Return a function that sets what SIGUSR1 does, which the main thread does not take itself."""
    before = signal.getsignal(signal.SIGUSR1)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    yield lambda act: signal.signal(signal.SIGUSR1, lambda _signum, _frame: act())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("wait", ["put", "get", "join"])
def test_the_main_thread_takes_a_signal_that_did_not_end_its_wait(
    usr1_for_other_threads: Callable[[Callable[[], None]], object], wait: str
) -> None:
    """Another thread takes it here, so the wait goes on as if it had come just before."""
    full, empty = queue.Queue[int](maxsize=1), queue.Queue[int]()
    full.put(1)
    thread = threading.Thread(target=_take_signal, args=(signal.SIGUSR1, done := threading.Event()))

    def end_each_wait() -> None:
        full.get()
        empty.put(1)
        done.set()

    usr1_for_other_threads(end_each_wait)
    thread.start()
    waits: dict[str, Callable[[], object]] = {
        "put": partial(threads.put, full, 2),
        "get": partial(threads.get, empty),
        "join": partial(threads.join, [thread]),
    }
    waits[wait]()
    thread.join()


def _take_signal(signum: int, done: threading.Event) -> None:
    """Take ``signum`` while the main thread waits, and live on until it is ``done``."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signum])
    await_true(_main_thread_waits, "the main thread waits", 5)
    signal.pthread_kill(threading.get_ident(), signum)
    done.wait()


def _main_thread_waits() -> bool:
    """Whether it sleeps though the interpreter lock was free, proc_pid_stat(5)."""
    time.sleep(0.001)
    stat = Path(f"/proc/self/task/{threading.main_thread().native_id}/stat")
    return stat.read_text().rpartition(") ")[2].startswith("S")
