"""A lock around ``accept``, which the worker processes of a server take in turn.

A wait for the lock ends after a tick, like one in ``accept``, or with the signal to drain or leave.
If a worker dies while it holds the lock, the others go on: the kernel releases a lock of fcntl(2)
by itself; a semaphore stays taken, so the parent releases it.
"""

import contextlib
import fcntl
import mmap
import multiprocessing
import os
import socket
from typing import Protocol

from labkit.server.connection import TICK_S
from labkit.server.events import EventLog
from labkit.server.listener import QUEUE_IS_EMPTY, ListenError


class AcceptLock(Protocol):
    """A lock that processes share; make it before they are forked."""

    def take(self, *, wait: bool) -> bool:
        """Take the lock; return whether that succeeded, at once or, with ``wait``, in a while.

        Raises:
            OSError: the listener was closed meanwhile.
        """

    def give(self) -> None:
        """Release the lock."""

    def recover(self, pid: int) -> None:
        """In the parent: release the lock for a worker that has died, if it held it."""


class Turn:
    """For ``with``: the lock, held by one worker; its log is written before it waits."""

    def __init__(self, lock: AcceptLock, log: EventLog) -> None:
        self._lock = lock
        self._log = log

    def __enter__(self) -> None:
        """Take the lock.

        Raises:
            BlockingIOError: no turn came in a while; as if ``accept`` had found no connection.
            OSError: the listener was closed.
        """
        if not self._lock.take(wait=False):
            self._log.flush()
            if not self._lock.take(wait=True):
                raise BlockingIOError(QUEUE_IS_EMPTY, os.strerror(QUEUE_IS_EMPTY))

    def __exit__(self, *_: object) -> None:
        self._lock.give()


class RecordLock:
    """A lock of fcntl(2) on the listener itself, so it needs no file.

    It belongs to a process: the kernel releases it when the process ends or closes the listener.
    Python begins a wait anew after each signal (PEP 475); as the handler that drains or leaves has
    closed the listener, that fails.
    """

    def __init__(self, listener: socket.socket) -> None:
        self._descriptor = listener.fileno()

    def take(self, *, wait: bool) -> bool:
        """Take the lock; with ``wait``, however long that takes."""
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True

    def give(self) -> None:
        """Release the lock, unless that was done by closing the listener."""
        with contextlib.suppress(OSError):
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN)

    def recover(self, pid: int) -> None:
        """Do nothing: the kernel has released what the process held."""


class SemaphoreLock:
    """A POSIX semaphore with one permit, and, in shared memory, the pid that has taken it.

    A worker may be killed after it took the permit and before it wrote its pid. So the parent makes
    a new permit whenever it is gone and nobody else has signed for it. That may be one too many, if
    another worker is between the two steps, and does no harm: two processes may ``accept`` at once.
    A worker that takes one while another has signed drops it, so one is left again. One too few
    would be the end: every worker would wait forever.
    """

    def __init__(self) -> None:
        try:
            self._permits = multiprocessing.get_context("fork").BoundedSemaphore()
        except (ImportError, OSError) as exc:
            why = exc.strerror if isinstance(exc, OSError) else exc
            raise ListenError(
                f"LAB_ACCEPT_LOCK: cannot make a semaphore: {why}; "
                "make /dev/shm writable for the server, or use fcntl"
            ) from exc
        self._holder = memoryview(mmap.mmap(-1, 8)).cast("q")

    def take(self, *, wait: bool) -> bool:
        """Take the permit; with ``wait``, within a tick."""
        if not self._permits.acquire(wait, TICK_S):
            return False
        if self._holder[0]:
            return False  # one permit too many, which is dropped
        self._holder[0] = os.getpid()
        return True

    def give(self) -> None:
        """Return the permit."""
        if self._holder[0] == os.getpid():
            self._holder[0] = 0
        with contextlib.suppress(ValueError):  # it was one too many
            self._permits.release()

    def recover(self, pid: int) -> None:
        """Make a new permit if the dead process may have taken the only one with it."""
        holder = self._holder[0]
        if holder == pid or not (holder or self._permits.get_value()):
            self._holder[0] = 0
            with contextlib.suppress(ValueError):  # another worker has returned it
                self._permits.release()
