"""The event loop of a worker process: when the worker leaves, its connections pass on to others.

A loop has many connections, and a queue between processes has room for some hundreds. So the other
workers take them up while the one that leaves still passes them on. If it is the only worker, its
successor takes what the queue holds, and the rest is closed.
"""

import contextlib
import math
import time
from collections.abc import Iterator
from functools import partial

from labkit.protocol.session import End
from labkit.server.connection import DRAIN, Connection
from labkit.server.handover import Handover
from labkit.server.loop import READ, Loop
from labkit.server.nonblocking import Poller
from labkit.server.service import ACCEPT_RETRY_S, Service

PASS_AGAIN_S = 0.01  # while the queue is full


class WorkerLoop(Loop):
    """A `Loop` that also takes up connections from other workers, and passes its own on.

    ``watch_listener``: more events for which the listener is watched, such as `EPOLLEXCLUSIVE`.
    """

    def __init__(
        self, service: Service, poller: Poller, worker: int, watch_listener: int = 0
    ) -> None:
        super().__init__(
            service,
            poller,
            worker=worker,
            forget=poller.unregister,  # epoll does not while the other worker has it open, too
            listener_events=READ | watch_listener,
        )
        self._worker = worker
        self._leave_by_s = math.inf  # until the signal is handled
        self._handover = service.handover or Handover()  # with a supervisor, it is shared
        self.handover_fd = self._handover.fileno()
        self._watch_handover()

    def take(self) -> Iterator[Connection]:
        """Yield the connections that another worker passed on, which the model is to register."""
        passed_on = self._service.handed_over(self._worker)
        while (conn := self._next(passed_on)) is not None:
            conn.sock.setblocking(False)
            self.conns[conn.sock.fileno()] = conn
            yield conn
            self.advance(conn)  # whole messages may have come with it

    def _next(self, passed_on: Iterator[Connection]) -> Connection | None:
        """Return the next connection; look away for a while if no descriptor is left for it."""
        try:
            return next(passed_on, None)
        except OSError as exc:
            self._poller.unregister(self.handover_fd)
            if self._service.refuse(exc, self._worker):
                self.timers.after(ACCEPT_RETRY_S, self._watch_handover)
            return None

    def _watch_handover(self) -> None:
        if not self._service.is_ending:
            self._poller.register(self.handover_fd, READ)

    def on_signal(self) -> None:
        """Begin the drain, or leave: pass each connection on that is not in service."""
        with contextlib.suppress(OSError):  # a drain may come after the worker began to leave
            self._poller.unregister(self.handover_fd)
        self._leave_by_s = time.monotonic() + self._service.settings.drain_timeout_s
        super().on_signal()

    def _close(self, conn: Connection, end: End) -> None:
        """Close ``conn``; pass it on instead if it ends only because this worker leaves."""
        if end is DRAIN and not self._service.draining:
            end = conn.session.end or end
            if end is DRAIN and self._pass_on(conn):
                return
        super()._close(conn, end)

    def _pass_on(self, conn: Connection) -> bool:
        """Pass ``conn`` on, or plan to try again; return False if it must be closed."""
        fd = conn.sock.fileno()
        self._poller.unregister(fd)  # another process keeps it open, so epoll would report it
        if self._handover.give(conn):
            del self.conns[fd]
            self._interest.pop(fd, None)
            return True
        self._poller.register(fd, self._interest.get(fd, READ))
        if self._service.settings.workers == 1 or time.monotonic() > self._leave_by_s:
            return False
        self.in_service[conn] = self.timers.after(PASS_AGAIN_S, partial(self.resume, conn))
        return True
