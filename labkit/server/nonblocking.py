"""How an event loop accepts: without blocking, and without spinning if that fails."""

import contextlib
import os
from collections.abc import Iterator
from typing import Protocol

from labkit.server.connection import Connection
from labkit.server.listener import QUEUE_IS_EMPTY
from labkit.server.service import ACCEPT_RETRY_S, Service
from labkit.timers import Timers

CLOSED = -1
ACCEPTS_PER_TURN = 64  # so that many new connections do not delay those that are open


class Poller(Protocol):
    """The descriptors that a loop waits for, each with its events; `select.epoll` is one."""

    def register(self, fd: int, events: int, /) -> None:
        """Watch ``fd`` from now on."""

    def modify(self, fd: int, events: int, /) -> None:
        """Change the events for which ``fd`` is watched."""

    def unregister(self, fd: int, /) -> None:
        """Watch ``fd`` no longer."""


class Acceptor:
    """Watches the listener for ``events``, and accepts when it is readable.

    A listener with a connection that cannot be accepted stays readable and would wake the loop
    again and again. So, if ``accept`` fails, the listener is not watched for a while.

    It is watched by a descriptor of its own. A signal handler closes the service's, and if another
    process has the listener open, epoll would report it for ever: a descriptor that is closed can
    no longer be removed, epoll(7).
    """

    def __init__(
        self, service: Service, poller: Poller, timers: Timers, worker: int, events: int
    ) -> None:
        self._service = service
        self._poller = poller
        self._timers = timers
        self._worker = worker
        self._events = events
        self._fd = CLOSED
        try:
            service.listener.setblocking(False)
            self._fd = os.dup(service.listener.fileno())
        except (OSError, ValueError):
            if not service.is_ending:  # otherwise the signal handler has closed it
                raise
        self._watch()

    def accept(self) -> Iterator[Connection]:
        """Yield connections that wait to be accepted, made non-blocking; not all, if many wait."""
        for _ in range(ACCEPTS_PER_TURN):
            if self._service.is_ending:
                return
            try:
                conn = self._service.accept(self._worker)
            except OSError as exc:
                if exc.errno != QUEUE_IS_EMPTY:
                    self._pause(exc)
                return
            conn.sock.setblocking(False)
            yield conn

    def stop(self) -> None:
        """Watch the listener no longer, and never again."""
        if self._fd != CLOSED:
            self._look_away()
            os.close(self._fd)
            self._fd = CLOSED

    def _watch(self) -> None:
        if self._fd != CLOSED:
            self._poller.register(self._fd, self._events)

    def _look_away(self) -> None:
        with contextlib.suppress(OSError, ValueError, KeyError):  # it is not watched just now
            self._poller.unregister(self._fd)

    def _pause(self, error: OSError) -> None:
        self._look_away()
        if self._service.refuse(error, self._worker):
            self._timers.after(ACCEPT_RETRY_S, self._watch)
