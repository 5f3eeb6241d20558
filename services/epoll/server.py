"""``epoll``: one thread, non-blocking sockets, one event loop over ``select.epoll``.

Excess connections wait nowhere: each is accepted when the loop next turns, and all are in service
at once. What waits is readiness, in the kernel, while the loop is busy.
One slow client holds up nobody: a ``sleep`` is a timer. A ``cpu`` demand blocks the loop and so
every client, as it must; LAB_BLOCKING_SLEEP=1 lets ``sleep`` do the same, the classic mistake.
"""

import heapq
import select
import signal
import socket
import time
from collections.abc import Callable
from itertools import count

from labkit.connection import Connection, broken, failure
from labkit.conversation import DRAIN, IDLE, STALLED
from labkit.events import Served
from labkit.listener import TICK_S
from labkit.program import main
from labkit.service import ACCEPT_RETRY_S, Service
from labkit.session import End, Request
from labkit.work import SLEEP, perform


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
        self._interest: dict[int, int] = {}
        self._in_service: set[Connection] = set()
        self._timers: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()  # timers due at one instant fire in the order they were set
        service.listener.setblocking(False)
        self._listen()
        self._wake_on_signal()

    def is_needed(self) -> bool:
        """Whether there is anything left to serve or to wait for."""
        return bool(self._conns) or not self._service.draining

    def turn(self) -> None:
        """Wait for readiness or for the next timer, and act on all that came."""
        for fd, ready in self._epoll.poll(self._wait_s()):
            if fd in self._conns:
                self._on_ready(self._conns[fd], ready)
            elif fd == self._signal_in.fileno():
                self._on_signal()
            else:
                self._accept_all()
        now_ns = time.monotonic_ns()
        while self._timers and self._timers[0][0] <= now_ns:
            heapq.heappop(self._timers)[2]()

    def _wait_s(self) -> float:
        wait_s = TICK_S if self._log.has_lines else 60.0
        if self._timers:
            wait_s = min(wait_s, (self._timers[0][0] - time.monotonic_ns()) / 1e9)
        return max(wait_s, 0.0)

    def _after(self, delay_s: float, act: Callable[[], None]) -> None:
        due_ns = time.monotonic_ns() + round(delay_s * 1e9)
        heapq.heappush(self._timers, (due_ns, next(self._order), act))

    def _wake_on_signal(self) -> None:
        """Make ``poll`` return when a signal arrives; PEP 475 would restart it."""
        self._signal_in, self._signal_out = socket.socketpair()
        self._signal_in.setblocking(False)
        self._signal_out.setblocking(False)
        signal.set_wakeup_fd(self._signal_out.fileno(), warn_on_full_buffer=False)
        self._epoll.register(self._signal_in, select.EPOLLIN)

    def _on_signal(self) -> None:
        self._signal_in.recv(4096)
        for conn in set(self._conns.values()) - self._in_service:
            self._advance(conn)

    def _listen(self) -> None:
        if not self._service.draining:
            self._epoll.register(self._service.listener, select.EPOLLIN)

    def _accept_all(self) -> None:
        """Empty the accept queue; out of descriptors, look away from it for a while."""
        while not self._service.draining:
            try:
                conn = self._service.accept(worker=1)
            except BlockingIOError:
                return
            except OSError as exc:
                if not self._service.draining:
                    self._service.refuse(exc, worker=1)
                    self._epoll.unregister(self._service.listener)
                    self._after(ACCEPT_RETRY_S, self._listen)
                return
            conn.sock.setblocking(False)
            fd = conn.sock.fileno()
            self._conns[fd] = conn
            self._interest[fd] = select.EPOLLIN
            self._epoll.register(fd, select.EPOLLIN)
            self._expect_activity(conn)

    def _expect_activity(self, conn: Connection) -> None:
        """Close ``conn`` when it has been silent for the idle time-out; look again after it."""
        idle_timeout_s = self._service.settings.idle_timeout_s
        if idle_timeout_s is None or not conn.is_open:
            return
        if conn.is_idle(idle_timeout_s) and conn not in self._in_service:
            self._close(conn, IDLE)
        else:
            self._after(idle_timeout_s, lambda: self._expect_activity(conn))

    def _on_ready(self, conn: Connection, ready: int) -> None:
        """Send what is owed or read what has come; behind a request in service, it waits."""
        if ready & select.EPOLLERR:
            self._close(conn, broken(conn.sock))
        elif conn.owes:
            self._settle(conn)
        elif conn in self._in_service:
            self._watch(conn, 0)
            return
        else:
            self._receive(conn)
        self._advance(conn)

    def _receive(self, conn: Connection) -> None:
        try:
            conn.receive()
        except BlockingIOError:
            pass
        except OSError as exc:
            self._close(conn, failure(exc))

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
            if draining:
                self._close(conn, STALLED if conn.owes else DRAIN)
            elif request is not None:
                self._start(conn, request)
            elif conn.session.end is not None and not conn.owes:
                self._close(conn, conn.session.end)
            else:
                break
        if conn.is_open:
            self._watch(conn, select.EPOLLOUT if conn.owes else select.EPOLLIN)

    def _start(self, conn: Connection, request: Request) -> None:
        """Begin service: a timer for a ``sleep``; anything else is done here, blocking the loop."""
        self._log.request_started(conn.id, request)
        started_ns = time.monotonic_ns()
        kind, duration_s = request.demand
        if kind == SLEEP and duration_s and not self._service.settings.blocking_sleep:
            self._in_service.add(conn)
            self._after(duration_s, lambda: self._finish(conn, request, started_ns))
            return
        perform(request.demand)
        conn.owe(Served(request, started_ns, time.monotonic_ns()))

    def _finish(self, conn: Connection, request: Request, started_ns: int) -> None:
        self._in_service.discard(conn)
        if conn.is_open:
            conn.owe(Served(request, started_ns, time.monotonic_ns()))
            self._advance(conn)

    def _watch(self, conn: Connection, interest: int) -> None:
        """Tell the kernel what to wake the loop for, where that changes."""
        fd = conn.sock.fileno()
        if self._interest[fd] != interest:
            self._interest[fd] = interest
            self._epoll.modify(fd, interest)

    def _close(self, conn: Connection, end: End) -> None:
        if conn.is_open:
            fd = conn.sock.fileno()
            del self._conns[fd], self._interest[fd]
            self._in_service.discard(conn)
            conn.close(end, self._log)


if __name__ == "__main__":
    main("epoll", serve)
