"""``epoll``: one thread, non-blocking sockets, one event loop over ``select.epoll``.

Excess connections do not wait: each is accepted on the loop's next turn, and all are in service at
once. What waits is readiness, in the kernel, while the loop is busy.
One slow client delays no other: a ``sleep`` is a timer. A ``cpu`` demand blocks the loop and so
every client, as it must; LAB_BLOCKING_SLEEP=1 makes ``sleep`` block it too, the classic mistake.
"""

import select
import time
from collections.abc import Iterator
from functools import partial

from labkit.protocol.session import End, Request
from labkit.protocol.work import SLEEP, perform
from labkit.readiness import SignalPipe, poll
from labkit.server.connection import SETTLE, TICK_S, Connection, broken, failure
from labkit.server.events import Served
from labkit.server.nonblocking import Acceptor
from labkit.server.program import main
from labkit.server.service import Service
from labkit.timers import Timers


def serve(service: Service) -> None:
    """Run the loop until the drain has closed the last connection."""
    loop = Loop(service)
    service.listening(workers=1)
    while loop.is_needed():
        loop.turn()
        service.log(1).flush_when_due()


class Loop:
    """Sockets that are ready and timers that are due; no call blocks but the poll."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._log = service.log(1)
        self._epoll = select.epoll()
        self._timers = Timers()
        self._conns: dict[int, Connection] = {}
        self._interest: dict[int, int] = {}  # by descriptor, unless it is EPOLLIN
        self._in_service: dict[Connection, int] = {}  # with the number of its timer
        self._acceptor = Acceptor(service, self._epoll, self._timers)
        self._signals = SignalPipe()
        self._epoll.register(self._signals, select.EPOLLIN)
        if service.settings.idle_timeout_s is not None:
            self._close_silent()

    def is_needed(self) -> bool:
        """Whether connections are open or may still come."""
        return bool(self._conns) or not self._service.draining

    def turn(self) -> None:
        """Wait for readiness or the next timer, and handle all that is ready or due."""
        longest_s = TICK_S if self._log.has_lines else None
        for fd, ready in poll(self._epoll, longest_s, self._timers.wait_s()):
            conn = self._conns.get(fd)
            if conn is not None and ready == select.EPOLLIN:
                self._on_readable(conn)
            elif conn is not None and ready == select.EPOLLOUT:
                self._advance(conn)
            elif conn is not None:  # EPOLLERR, EPOLLHUP
                self._close(conn, broken(conn.sock))
            elif fd == self._signals.fileno():
                self._on_signal()
            else:
                self._on_acceptable()
        self._timers.fire()

    def _on_acceptable(self) -> None:
        for conn in self._acceptor.accept():
            self._conns[conn.sock.fileno()] = conn
            self._epoll.register(conn.sock, select.EPOLLIN)

    def _on_readable(self, conn: Connection) -> None:
        """Read what has arrived; behind a request in service, it waits in the kernel."""
        if conn in self._in_service:
            self._watch(conn, 0)
            return
        try:
            is_done = conn.receive(self._log)
        except BlockingIOError:
            return
        except OSError as exc:
            self._close(conn, failure(exc))
            return
        if not is_done:
            self._advance(conn)

    def _on_signal(self) -> None:
        """Begin the drain: close each connection that is not in service."""
        self._signals.clear()
        for conn in tuple(self._conns.values()):
            self._advance(conn)
        self._timers.after(TICK_S, self._close_silent)

    def _advance(self, conn: Connection) -> None:
        """Take the next steps of ``conn`` until it waits for a timer, for bytes or for room."""
        while conn.is_open and conn not in self._in_service:
            step = conn.next_step(draining=self._service.draining)
            if isinstance(step, Request):
                self._wait(conn, self._serve(conn, step))
            elif isinstance(step, End):
                self._close(conn, step)
            elif step is not SETTLE or not self._settle(conn):
                break
        if conn.is_open:
            self._watch(conn, select.EPOLLOUT if conn.owes else select.EPOLLIN)

    def _settle(self, conn: Connection) -> bool:
        """Send the acknowledgements owed; return False if the peer does not read them."""
        try:
            conn.settle(self._log)
        except BlockingIOError:
            return False  # EPOLLOUT reports when there is room
        except OSError as exc:
            self._close(conn, failure(exc))
        return True

    def _serve(self, conn: Connection, request: Request) -> Iterator[float]:
        """Do the parts; yield how long to wait: a ``sleep`` is a timer, a ``cpu`` blocks all."""
        self._log.request_started(conn.id, request)
        started_ns, is_blocking = time.monotonic_ns(), self._service.settings.blocking_sleep
        for part in request.demand.steps:
            wait_s = part.duration_s if part.kind == SLEEP and not is_blocking else 0.0
            if wait_s:
                yield wait_s
            else:
                perform(part)
        conn.owe(Served(request, started_ns, time.monotonic_ns()))
        if request.demand.duration_s and not wait_s:
            self._settle(conn)
            yield 0.0  # other connections take their turn before the next request of this one

    def _wait(self, conn: Connection, waits: Iterator[float]) -> None:
        if (wait_s := next(waits, None)) is not None:
            self._in_service[conn] = self._timers.after(wait_s, partial(self._resume, conn, waits))

    def _resume(self, conn: Connection, waits: Iterator[float]) -> None:
        del self._in_service[conn]
        self._wait(conn, waits)
        self._advance(conn)

    def _watch(self, conn: Connection, interest: int) -> None:
        """Change what the kernel reports of ``conn``, if it differs from before."""
        fd = conn.sock.fileno()
        if self._interest.pop(fd, select.EPOLLIN) != interest:
            self._epoll.modify(fd, interest)
        if interest != select.EPOLLIN:
            self._interest[fd] = interest

    def _close_silent(self) -> None:
        """Close connections that have been silent for too long; check again in a tick."""
        for conn, end in self._service.silent_connections():
            if conn not in self._in_service:
                self._close(conn, end)
        self._timers.after(TICK_S, self._close_silent)

    def _close(self, conn: Connection, end: End) -> None:
        fd = conn.sock.fileno()
        del self._conns[fd]
        self._interest.pop(fd, None)
        self._timers.cancel(self._in_service.pop(conn, -1))
        conn.close(end, self._log)


if __name__ == "__main__":
    main("epoll", serve)
