"""How an event loop accepts: without blocking, and without spinning if that fails."""

import contextlib
import select
from collections.abc import Iterator

from labkit.server.connection import Connection
from labkit.server.listener import QUEUE_IS_EMPTY
from labkit.server.service import ACCEPT_RETRY_S, Service
from labkit.timers import Timers

ACCEPTS_PER_TURN = 64  # so that many new connections do not delay those that are open


class Acceptor:
    """Watches the listener in a loop's epoll, and accepts when that is readable.

    A listener with a connection that cannot be accepted stays readable and would wake the loop
    again and again. So, if ``accept`` fails, the listener is not watched for a while.
    """

    def __init__(self, service: Service, epoll: select.epoll, timers: Timers) -> None:
        self._service = service
        self._epoll = epoll
        self._timers = timers
        self._watch()

    def accept(self) -> Iterator[Connection]:
        """Yield connections that wait to be accepted, made non-blocking; not all, if many wait."""
        for _ in range(ACCEPTS_PER_TURN):
            if self._service.draining:
                return
            try:
                conn = self._service.accept(worker=1)
            except OSError as exc:
                if exc.errno != QUEUE_IS_EMPTY and self._service.refuse(exc, worker=1):
                    self._pause()
                return
            conn.sock.setblocking(False)
            yield conn

    def _watch(self) -> None:
        try:
            self._service.listener.setblocking(False)
            self._epoll.register(self._service.listener, select.EPOLLIN)
        except (OSError, ValueError):
            if not self._service.draining:  # in a drain the signal handler has closed it
                raise

    def _pause(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # a signal may have closed it just now
            self._epoll.unregister(self._service.listener)
        self._timers.after(ACCEPT_RETRY_S, self._watch)
