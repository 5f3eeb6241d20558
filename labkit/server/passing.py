"""How a parent that accepts passes each connection to a worker process that is free.

Each worker has a queue of descriptors, a Unix socket (SCM_RIGHTS, unix(7)). Back comes a notice,
the worker's number in a pipe that all share, when it is about to wait for a connection. A worker
gets one connection at a time, and the parent keeps none. One that a worker has not taken when it
dies stays in its queue, from which its successor takes it.
"""

import contextlib
import errno
import heapq
import os
import select
import socket
import struct
from collections.abc import Iterable, Iterator

from labkit.server.connection import TICK_S, Connection, State
from labkit.server.events import EventLog
from labkit.server.handover import Handover

_NOTICE = struct.Struct("H")  # a worker's number; as short as that, a write is never split
_READ_BYTES = _NOTICE.size * 2048

Passed = tuple[socket.socket, State]


class Inlet:
    """The side of a worker: the connections that the parent passes to it."""

    def __init__(self, queue: Handover, notices: int, worker: int) -> None:
        self._queue = queue
        self._notices = notices
        self._notice = _NOTICE.pack(worker)
        self._has_given_notice = False
        self._poll = select.poll()
        self._poll.register(queue, select.POLLIN)

    def take(self) -> Passed:
        """Return the next connection. If none is there, give notice once, and wait up to a tick.

        Raises:
            BlockingIOError: none has come.
            OSError: no descriptor is left for one, or this was closed.
        """
        taken = self._queue.take()
        if taken is None:
            if not self._has_given_notice:
                os.write(self._notices, self._notice)
                self._has_given_notice = True
            self._poll.poll(TICK_S * 1e3)
            taken = self._queue.take()
        if taken is None:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self._has_given_notice = False
        return taken

    def close(self) -> None:
        """Take no more, and end a wait. For this process only; safe in a signal handler."""
        self._queue.close()


class Passing:
    """The side of the parent: which workers are free, and the queue of each.

    Of the free workers the one with the lowest number is next, as in the server of the book (UNIX
    Network Programming, 30.9).
    """

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._reading, False)
        self._queues: dict[int, Handover] = {}
        self._free: list[int] = []  # a heap

    def fileno(self) -> int:
        """Return the descriptor that is readable if workers have given notice."""
        return self._reading

    @property
    def has_free(self) -> bool:
        """Whether a worker is free."""
        return bool(self._free)

    def update(self, missing: Iterable[int]) -> None:
        """Note which workers are free now; those ``missing`` have no process. Does not block."""
        self._read_notices()
        self._exclude(missing)

    def _read_notices(self) -> None:
        try:
            notices = os.read(self._reading, _READ_BYTES)
        except BlockingIOError:
            return
        for (worker,) in _NOTICE.iter_unpack(notices):
            heapq.heappush(self._free, worker)

    def _exclude(self, workers: Iterable[int]) -> None:
        if gone := set(workers):
            self._free = [worker for worker in self._free if worker not in gone]
            heapq.heapify(self._free)

    def open_inlet(self, worker: int) -> Inlet:
        """Return the inlet of the next process of ``worker``; call it before the fork.

        Raises:
            OSError: no descriptor is left.
        """
        self.update(missing=(worker,))  # what its last process said is void
        if worker not in self._queues:
            self._queues[worker] = Handover()
        return Inlet(self._queues[worker], self._writing, worker)

    def pass_on(self, conn: Connection, log: EventLog) -> None:
        """Pass ``conn`` to the next free worker; reset it if the kernel does not take it."""
        worker = heapq.heappop(self._free)
        if not self._queues[worker].give(conn):
            conn.reset("it cannot be passed to a worker", log)
            heapq.heappush(self._free, worker)

    def untaken(self) -> Iterator[Passed]:
        """Take back each connection that was passed to a worker and not taken by it."""
        for queue in self._queues.values():
            with contextlib.suppress(OSError):  # no descriptor is left: the next call takes it
                while (taken := queue.take()) is not None:
                    yield taken

    def close(self) -> None:
        """Close everything; the kernel resets what is in the queues."""
        for queue in self._queues.values():
            queue.close()
        os.close(self._reading)
        os.close(self._writing)
