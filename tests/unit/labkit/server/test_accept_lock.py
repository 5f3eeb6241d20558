import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import cast

import pytest

from labkit.server.accept_lock import AcceptLock, RecordLock, SemaphoreLock, Turn
from labkit.server.connection import TICK_S
from labkit.server.events import EventLog
from labkit.server.listener import ListenError

HOLDS = "import fcntl, sys; fcntl.lockf({fd}, fcntl.LOCK_EX); print(flush=True); sys.stdin.read()"
ONE, OTHER, NONE = 11, 12, 0


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


def _holder(listener: socket.socket) -> subprocess.Popen[bytes]:
    """Return a process that holds the record lock of ``listener``."""
    fd = listener.fileno()
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", HOLDS.format(fd=fd)],
        pass_fds=[fd],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"\n"
    return process


def test_a_record_lock_is_taken_by_one_process_and_released_by_its_death(
    listener: socket.socket,
) -> None:
    lock = RecordLock(listener)
    with _holder(listener) as process:
        assert not lock.take(wait=False)
        process.kill()
        assert lock.take(wait=True)
    lock.give()


def test_a_wait_for_a_record_lock_ends_if_a_signal_closes_the_listener(
    listener: socket.socket,
) -> None:
    lock = RecordLock(listener)
    before = signal.signal(signal.SIGALRM, lambda *_: listener.close())
    try:
        with _holder(listener) as process:
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            with pytest.raises(OSError, match="Bad file descriptor"):
                lock.take(wait=True)
            process.kill()
        lock.give()  # it holds none, and this is no error
    finally:
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list whose last pid is that of the process which now uses the semaphore."""
    pids = [ONE]
    monkeypatch.setattr(os, "getpid", lambda: pids[-1])
    return pids


def _permits(lock: SemaphoreLock) -> int:
    permits: int = getattr(lock, "_permits").get_value()  # noqa: B009
    return permits


def _take_and_die_before_signing(lock: SemaphoreLock) -> None:
    assert getattr(lock, "_permits").acquire(block=False)  # noqa: B009


def test_a_semaphore_is_taken_by_one_process(processes: list[int]) -> None:
    lock = SemaphoreLock()
    assert lock.take(wait=False)
    processes.append(OTHER)
    assert not lock.take(wait=False)
    begun_s = time.monotonic()
    assert not lock.take(wait=True)
    assert time.monotonic() - begun_s >= TICK_S
    processes.append(ONE)
    lock.give()
    processes.append(OTHER)
    assert lock.take(wait=True)


def test_a_semaphore_of_a_dead_worker_is_free_again(processes: list[int]) -> None:
    lock = SemaphoreLock()
    assert lock.take(wait=False)
    processes.append(OTHER)
    lock.recover(ONE)
    assert _permits(lock) == 1
    assert lock.take(wait=False)


def test_a_worker_that_died_before_it_signed_leaves_the_semaphore_free() -> None:
    lock = SemaphoreLock()
    _take_and_die_before_signing(lock)
    lock.recover(ONE)
    assert _permits(lock) == 1


@pytest.mark.parametrize("is_taken", [False, True])
def test_a_worker_that_held_nothing_changes_nothing(processes: list[int], is_taken: bool) -> None:
    lock = SemaphoreLock()
    assert not is_taken or lock.take(wait=False)
    lock.recover(OTHER)
    assert _permits(lock) == (0 if is_taken else 1)
    processes.append(OTHER)
    assert lock.take(wait=False) != is_taken


def test_a_permit_too_many_is_dropped(processes: list[int]) -> None:
    """As after the death of one that waited, while another had taken the permit, not yet signed."""
    lock = SemaphoreLock()
    _take_and_die_before_signing(lock)  # it lives and goes on below, as ONE
    lock.recover(OTHER)
    processes.append(13)
    assert lock.take(wait=False)
    processes.append(ONE)
    lock.give()
    processes.append(14)
    assert not lock.take(wait=False), "13 holds it"
    assert _permits(lock) == 0
    processes.append(13)
    lock.give()
    assert _permits(lock) == 1


def test_a_permit_that_was_returned_meanwhile_is_not_doubled() -> None:
    lock = SemaphoreLock()
    _take_and_die_before_signing(lock)
    lock.recover(ONE)
    lock.give()
    assert _permits(lock) == 1


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (PermissionError(13, "Permission denied"), "Permission denied"),
        (ImportError("none"), "none"),
    ],
)
def test_without_semaphores_the_error_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, error: Exception, why: str
) -> None:
    def fail(_name: str) -> None:
        raise error

    monkeypatch.setattr(multiprocessing, "get_context", fail)
    with pytest.raises(ListenError, match=f"LAB_ACCEPT_LOCK: .*: {why}; make /dev/shm writable"):
        SemaphoreLock()


class ScriptedLock:
    """A lock whose attempts end as scripted; records what was done with it."""

    def __init__(self, *attempts: bool) -> None:
        self._attempts = list(attempts)
        self.deeds: list[str] = []

    def take(self, *, wait: bool) -> bool:
        self.deeds.append("wait" if wait else "try")
        return self._attempts.pop(0)

    def give(self) -> None:
        self.deeds.append("give")

    def flush(self) -> None:
        self.deeds.append("flush")


def _turn(lock: ScriptedLock) -> Turn:
    return Turn(cast("AcceptLock", lock), cast("EventLog", lock))


def test_a_turn_at_once_writes_no_log() -> None:
    lock = ScriptedLock(True)
    with _turn(lock):
        lock.deeds.append("accept")
    assert lock.deeds == ["try", "accept", "give"]


def test_the_log_is_written_before_a_wait() -> None:
    lock = ScriptedLock(False, True)
    with _turn(lock):
        lock.deeds.append("accept")
    assert lock.deeds == ["try", "flush", "wait", "accept", "give"]


def test_without_a_turn_it_is_as_if_the_queue_were_empty() -> None:
    lock = ScriptedLock(False, False)
    with pytest.raises(BlockingIOError), _turn(lock):
        lock.deeds.append("accept")
    assert lock.deeds == ["try", "flush", "wait"]


def test_an_error_of_accept_ends_the_turn() -> None:
    lock = ScriptedLock(True)
    with pytest.raises(OSError, match="none left"), _turn(lock):
        raise OSError("none left")
    assert lock.deeds == ["try", "give"]
