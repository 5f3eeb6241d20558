"""``epoll``: one thread, non-blocking sockets, one event loop over ``select.epoll``.

Excess connections wait nowhere: each is accepted when the loop next turns, and all are in service
at once. What waits is readiness, in the kernel, while the loop is busy.
One slow client holds up nobody: a ``sleep`` is a timer. A ``cpu`` demand blocks the loop and so
every client, as it must; LAB_BLOCKING_SLEEP=1 lets ``sleep`` do the same, the classic mistake.
"""

import contextlib
import select
import signal
import socket
import time
from functools import partial

from labkit.protocol.session import End, Request
from labkit.protocol.work import SLEEP, perform
from labkit.server.blocking import DRAIN, IDLE, STALLED
from labkit.server.connection import Connection, broken, failure
from labkit.server.events import Served
from labkit.server.listener import TICK_S
from labkit.server.program import main
from labkit.server.service import ACCEPT_RETRY_S, Service
from labkit.timers import Timers

IDLE_TURN_S = 60.0  # nothing is due: any length will do
ACCEPTS_PER_TURN = 64  # so that a crowd at the door does not hold up who is inside


def serve(service: Service) -> None:
    """Run the loop until the drain has closed the last connection."""
    loop = Loop(service)
    service.listening(workers=1)
    while loop.is_needed():
        loop.turn()
        service.log(1).flush_when_due()


class Loop:
    """Sockets that are ready, timers that are due, and nothing that blocks between them."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._log = service.log(1)
        self._epoll = select.epoll()
        self._conns: dict[int, Connection] = {}
        self._interest: dict[int, int] = {}  # by descriptor, where it is not EPOLLIN
        self._in_service: dict[Connection, int] = {}  # with the number of its timer
        self._timers = Timers()
        self._listen()
        self._wake_on_signal()
        if service.settings.idle_timeout_s is not None:
            self._close_silent()

    def is_needed(self) -> bool:
        """Whether there is anything left to serve or to wait for."""
        return bool(self._conns) or not self._service.draining

    def turn(self) -> None:
        """Wait for readiness or for the next timer, and act on all that came."""
        for fd, ready in self._await_readiness():
            conn = self._conns.get(fd)
            if conn is not None and ready == select.EPOLLIN:
                self._on_readable(conn)
            elif conn is not None:
                self._on_writable(conn, ready)
            elif fd == self._signal_in.fileno():
                self._on_signal()
            else:
                self._accept_some()
        self._timers.fire()

    def _await_readiness(self) -> list[tuple[int, int]]:
        """Poll until the next timer; to the microsecond by select, as epoll counts whole ms."""
        wait_s = TICK_S if self._log.has_lines else IDLE_TURN_S
        timer_s = self._timers.wait_s()
        if timer_s is not None and timer_s < wait_s:
            if timer_s:
                select.select((self._epoll,), (), (), timer_s)
            wait_s = 0
        return self._epoll.poll(wait_s)

    def _wake_on_signal(self) -> None:
        """Make ``poll`` return when a signal arrives; PEP 475 would restart it."""
        self._signal_in, self._signal_out = socket.socketpair()
        self._signal_in.setblocking(False)
        self._signal_out.setblocking(False)
        signal.set_wakeup_fd(self._signal_out.fileno(), warn_on_full_buffer=False)
        self._epoll.register(self._signal_in, select.EPOLLIN)

    def _on_signal(self) -> None:
        self._signal_in.recv(4096)
        for conn in tuple(self._conns.values()):
            self._advance(conn)
        self._timers.after(TICK_S, self._close_silent)

    def _listen(self) -> None:
        try:
            self._service.listener.setblocking(False)
            self._epoll.register(self._service.listener, select.EPOLLIN)
        except (OSError, ValueError):
            if not self._service.draining:  # else a signal has closed it
                raise

    def _accept_some(self) -> None:
        """Take from the accept queue; out of descriptors, look away from it for a while."""
        for _ in range(ACCEPTS_PER_TURN):
            if self._service.draining:
                return
            try:
                conn = self._service.accept(worker=1)
            except BlockingIOError:
                return
            except OSError as exc:
                if not self._service.draining:
                    self._look_away(exc)
                return
            conn.sock.setblocking(False)
            fd = conn.sock.fileno()
            self._conns[fd] = conn
            self._epoll.register(fd, select.EPOLLIN)

    def _look_away(self, error: OSError) -> None:
        self._service.refuse(error, worker=1)
        with contextlib.suppress(OSError, ValueError):  # a signal may have closed it just now
            self._epoll.unregister(self._service.listener)
        self._timers.after(ACCEPT_RETRY_S, self._listen)

    def _close_silent(self) -> None:
        """Close who outstays the idle time-out or, in a drain, takes no acks; look again later."""
        silence_s, end = self._service.settings.idle_timeout_s, IDLE
        if self._service.draining:
            silence_s, end = TICK_S, STALLED
        for conn in tuple(self._conns.values()):
            if conn not in self._in_service and conn.is_idle(silence_s):
                self._close(conn, end)
        self._timers.after(TICK_S, self._close_silent)

    def _on_readable(self, conn: Connection) -> None:
        """Read what has come; behind a request in service, it waits."""
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

    def _on_writable(self, conn: Connection, ready: int) -> None:
        """Send what is owed, or notice that the connection is broken."""
        if ready & (select.EPOLLERR | select.EPOLLHUP):
            self._close(conn, broken(conn.sock))
        else:
            self._settle(conn)
            self._advance(conn)

    def _settle(self, conn: Connection) -> None:
        try:
            conn.settle(self._log)
        except BlockingIOError:
            pass  # EPOLLOUT will tell
        except OSError as exc:
            self._close(conn, failure(exc))

    def _advance(self, conn: Connection) -> None:
        """Serve what has come until a timer runs, bytes are missing, or the connection ends."""
        while conn.is_open and conn not in self._in_service:
            draining = self._service.draining
            request = conn.session.next_request()
            if conn.owes and (request is None or request.demand.duration_s or draining):
                self._settle(conn)
            if not conn.is_open or (draining and conn.owes):
                break
            if draining:
                self._close(conn, DRAIN)
            elif request is not None:
                self._start(conn, request)
            elif conn.session.end is not None and not conn.owes:
                self._close(conn, conn.session.end)
            else:
                break
        if conn.is_open:
            self._watch(conn, select.EPOLLOUT if conn.owes else select.EPOLLIN)

    def _resume(self, conn: Connection) -> None:
        del self._in_service[conn]
        self._advance(conn)

    def _start(self, conn: Connection, request: Request) -> None:
        """Begin service: a timer for a ``sleep``; anything else is done here, blocking the loop."""
        self._log.request_started(conn.id, request)
        started_ns = time.monotonic_ns()
        kind, duration_s = request.demand
        if kind == SLEEP and duration_s and not self._service.settings.blocking_sleep:
            finish = partial(self._finish, conn, request, started_ns)
            self._in_service[conn] = self._timers.after(duration_s, finish)
            return
        perform(request.demand)
        conn.owe(Served(request, started_ns, time.monotonic_ns()))
        if duration_s:  # others take their turn before its next
            self._settle(conn)
            self._in_service[conn] = self._timers.after(0, partial(self._resume, conn))

    def _finish(self, conn: Connection, request: Request, started_ns: int) -> None:
        del self._in_service[conn]
        conn.owe(Served(request, started_ns, time.monotonic_ns()))
        self._advance(conn)

    def _watch(self, conn: Connection, interest: int) -> None:
        """Tell the kernel what to wake the loop for, where that changes."""
        fd = conn.sock.fileno()
        if self._interest.pop(fd, select.EPOLLIN) != interest:
            self._epoll.modify(fd, interest)
        if interest != select.EPOLLIN:
            self._interest[fd] = interest

    def _close(self, conn: Connection, end: End) -> None:
        if conn.is_open:
            fd = conn.sock.fileno()
            del self._conns[fd]
            self._interest.pop(fd, None)
            self._timers.cancel(self._in_service.pop(conn, -1))
            conn.close(end, self._log)


if __name__ == "__main__":
    main("epoll", serve)
