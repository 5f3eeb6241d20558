"""How an event loop accepts: without blocking, and without spinning if that fails."""

import contextlib
from collections.abc import Iterator
from typing import Protocol

from labkit.server.connection import Connection
from labkit.server.listener import QUEUE_IS_EMPTY
from labkit.server.service import ACCEPT_RETRY_S, Service
from labkit.timers import Timers

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
    """

    def __init__(
        self, service: Service, poller: Poller, timers: Timers, worker: int, events: int
    ) -> None:
        self._service = service
        self._poller = poller
        self._timers = timers
        self._worker = worker
        self._events = events
        self._fd = service.listener.fileno()
        self._watch()

    def accept(self) -> Iterator[Connection]:
        """Yield connections that wait to be accepted, made non-blocking; not all, if many wait."""
        for _ in range(ACCEPTS_PER_TURN):
            if self._service.draining:
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
        """Watch the listener no longer; no error if it is closed, or is not watched just now."""
        with contextlib.suppress(OSError, ValueError, KeyError):
            self._poller.unregister(self._fd)

    def _watch(self) -> None:
        try:
            self._service.listener.setblocking(False)
            self._poller.register(self._fd, self._events)
        except (OSError, ValueError):
            if not self._service.draining:  # in a drain the signal handler has closed it
                raise

    def _pause(self, error: OSError) -> None:
        self.stop()
        if self._service.refuse(error, self._worker):
            self._timers.after(ACCEPT_RETRY_S, self._watch)
