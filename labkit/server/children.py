"""A child process for each connection: forked after it is accepted, gone after it closes.

The parent accepts only while a place is free.
"""

import heapq
import os
import signal
from functools import partial

from labkit.server.connection import Connection
from labkit.server.events import CONNECTION_ENDED
from labkit.server.limits import start_failure
from labkit.server.pool import fork_worker
from labkit.server.reaping import log_exit, reaped
from labkit.server.service import ACCEPT_RETRY_S, SIGNALS, Service
from labkit.server.settings import Whole, variable

AWAITED = (*SIGNALS, signal.SIGCHLD)
"""The signals that the parent waits for."""


class Children:
    """The children of a server, by pid, and the places that are free, of which the lowest is next.

    A connection for which no process can be had is kept, and no other is accepted, until one can.
    """

    def __init__(self, service: Service, bound: Whole) -> None:
        self._service = service
        self._bound = bound
        self._free = list(range(1, bound.of(service.settings) + 1))  # a heap
        self._running: dict[int, int] = {}  # the place of each pid
        self._waiting: Connection | None = None
        self._is_reported = False

    @property
    def are_running(self) -> bool:
        """Whether a child is running."""
        return bool(self._running)

    @property
    def have_room(self) -> bool:
        """Whether another connection may be accepted."""
        return bool(self._free) and self._waiting is None and not self._service.draining

    @property
    def retry_s(self) -> float | None:
        """The time until the fork of a child is tried again, None if that is not planned."""
        return None if self._waiting is None else ACCEPT_RETRY_S

    def start(self, conn: Connection) -> None:
        """Fork a child that serves ``conn``; if no process can be had, try again in `reap`."""
        log = self._service.log(0)
        log.flush()  # the child must not write the gathered lines again
        place = self._free[0]
        try:
            pid = fork_worker(partial(_serve, conn), self._service, place)
        except OSError as exc:
            self._waiting = conn
            self._report(place, exc)
            return
        self._running[pid] = heapq.heappop(self._free)
        self._waiting, self._is_reported = None, False
        conn.forget()
        log.emit("worker_started", index=place, worker_pid=pid)

    def _report(self, place: int, error: OSError) -> None:
        """Report the first failure of a row."""
        if not self._is_reported:
            most = self._bound.of(self._service.settings)
            why = start_failure(place, most, error, variable(self._bound.name))
            self._service.report(f"{why}; trying again, and the other children serve on")
        self._is_reported = True

    def send_signal(self, signum: int) -> None:
        """Send a signal to every child."""
        for pid in self._running:
            os.kill(pid, signum)

    def reap(self, *, wait: bool = False) -> None:
        """Log each child that has ended, and free its place. With ``wait``, wait for all.

        Then try again to start the child that could not be had; in a drain, reset its connection.
        """
        for place, ended in reaped(self._service, self._running, wait=wait):
            heapq.heappush(self._free, place)
            reason = ended.reason if ended.code else CONNECTION_ENDED
            log_exit(self._service, place, ended, reason)
            if self._service.draining and ended.code:
                self._service.fail(f"worker {place} did not drain")
        if self._waiting is not None:
            conn, self._waiting = self._waiting, None
            if self._service.draining:
                self._service.serve_connection(conn, 0)
            else:
                self.start(conn)


def _serve(conn: Connection, service: Service, worker: int) -> None:
    """In the child: serve ``conn`` to its end; the listener is the parent's."""
    service.listener.close()
    service.log(worker).emit("dequeued", conn=conn.id)
    service.serve_connection(conn, worker)
