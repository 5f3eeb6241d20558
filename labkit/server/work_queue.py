"""A pool's messages between an event loop and worker threads: what waits, and what is served.

The loop puts messages in and takes out what is served; the threads only do the work of a message,
and touch no socket. A connection has one message here at most, so its messages stay in order.
"""

import contextlib
import os
import queue
import sys
import time
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from labkit.protocol.session import End, Request
from labkit.protocol.work import perform
from labkit.server.connection import Connection
from labkit.server.events import Served
from labkit.server.service import Service

DEFECT = End("defect of the server", failed=True)


class Waiting(NamedTuple):
    """A message that waits for a worker."""

    conn: Connection
    request: Request


class Done(NamedTuple):
    """A message that ``worker`` has served; ``served`` is None after a defect."""

    conn: Connection
    worker: int
    served: Served | None


class WorkQueue:
    """The messages that wait for a worker, without a bound, and those that are served."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._waiting = queue.SimpleQueue[Waiting]()
        self._done = deque[Done]()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK)

    def fileno(self) -> int:
        """Return the descriptor that is readable if messages are served; for the loop's poll."""
        return self._wake

    def put(self, conn: Connection, request: Request) -> None:
        """Let ``request`` wait for a worker."""
        self._waiting.put(Waiting(conn, request))

    def take_back(self) -> Iterator[Waiting]:
        """Yield the messages that no worker has begun, and remove them."""
        with contextlib.suppress(queue.Empty):
            while True:
                yield self._waiting.get_nowait()

    def done(self) -> Iterator[Done]:
        """Yield the messages that were served since the last call. Does not block."""
        with contextlib.suppress(BlockingIOError):  # an earlier call has taken them all
            os.eventfd_read(self._wake)
        while self._done:
            yield self._done.popleft()

    def work(self, worker: int) -> None:
        """Serve one message after another as ``worker``, in its thread; never returns."""
        while True:
            conn, request = self._waiting.get()
            if conn.is_open:  # its peer may have left
                self._done.append(Done(conn, worker, self._serve(conn, request, worker)))
                os.eventfd_write(self._wake, 1)

    def _serve(self, conn: Connection, request: Request, worker: int) -> Served | None:
        """Do the work. After a defect let the server fail: all threads share its memory."""
        self._service.log(worker).request_started(conn.id, request)
        started_ns = time.monotonic_ns()
        try:
            perform(request.demand)
        except Exception:
            sys.excepthook(*sys.exc_info())
            self._service.give_up(f"worker {worker} met a defect")
            return None
        return Served(request, started_ns, time.monotonic_ns())
