"""What every event loop of the lab does with its connections; how it waits is left to the model.

A model polls, passes each descriptor that is ready to its `Loop`, by `accept`, `on_readable`,
`advance`, `on_broken` or `on_signal`, and lets the timers fire. Nothing here waits, except for a
demand that computes; a ``sleep`` is a timer.
"""

import select
import time
from collections.abc import Callable, Iterator
from functools import partial

from labkit.protocol.session import End, Request
from labkit.protocol.work import SLEEP, perform
from labkit.readiness import SignalPipe
from labkit.server.connection import IDLE, SETTLE, TICK_S, Connection, broken, failure
from labkit.server.events import Served
from labkit.server.nonblocking import Acceptor, Poller
from labkit.server.service import Service
from labkit.timers import Timers

NOTHING = 0
READ = select.POLLIN  # the same numbers as EPOLLIN and EPOLLOUT
WRITE = select.POLLOUT
NO_TIMER = -1


class Loop:
    """The connections of one loop, the listener, the timers and the signals; for one thread.

    ``poller`` is what the model waits with: a `select.epoll`, or an object with its methods. epoll
    forgets a descriptor when it is closed, epoll(7); for a poller that does not, pass its
    ``unregister`` as ``forget``.
    """

    def __init__(
        self,
        service: Service,
        poller: Poller,
        *,
        worker: int = 1,
        forget: Callable[[int], None] | None = None,
        listener_events: int = READ,
    ) -> None:
        self._service = service
        self._poller = poller
        self._forget = forget
        self._interest: dict[int, int] = {}  # by descriptor, unless it is READ
        self.log = service.log(worker)
        self.conns: dict[int, Connection] = {}  # by descriptor
        self.in_service: dict[Connection, int] = {}  # with the number of its timer, or NO_TIMER
        self.timers = Timers()
        self.signals = SignalPipe()
        poller.register(self.signals.fileno(), READ)
        self._acceptor = Acceptor(service, poller, self.timers, worker, listener_events)
        if service.settings.idle_timeout_s is not None:
            self._close_silent()

    @property
    def is_needed(self) -> bool:
        """Whether connections are open or may still come."""
        return bool(self.conns) or not self._service.is_ending

    @property
    def longest_s(self) -> float | None:
        """How long a poll may wait if nothing happens: a tick if lines are to be written."""
        return TICK_S if self.log.has_lines else None

    @property
    def wait_s(self) -> float | None:
        """How long a poll may wait at most: also no longer than until the next timer."""
        waits_s = [
            wait_s for wait_s in (self.longest_s, self.timers.wait_s()) if wait_s is not None
        ]
        return min(waits_s, default=None)

    def accept(self) -> Iterator[Connection]:
        """Yield the connections that wait to be accepted, which the model is to register."""
        for conn in self._acceptor.accept():
            self.conns[conn.sock.fileno()] = conn
            yield conn

    def on_readable(self, conn: Connection) -> None:
        """Read what has arrived; behind a request in service, it waits in the kernel."""
        if conn in self.in_service:
            self._watch(conn, NOTHING)
            return
        try:
            is_done = conn.receive(self.log)
        except BlockingIOError:
            return
        except OSError as exc:
            self._close(conn, failure(exc))
            return
        if not is_done:
            self.advance(conn)

    def advance(self, conn: Connection) -> None:
        """Take the next steps of ``conn`` until it waits for a timer, for bytes or for room."""
        while conn.is_open and conn not in self.in_service:
            step = conn.next_step(draining=self._service.is_ending)
            if isinstance(step, Request):
                self.begin(conn, step)
            elif isinstance(step, End):
                self._close(conn, step)
            elif step is not SETTLE or not self._settle(conn):
                break
        if conn.is_open:
            self._watch(conn, WRITE if conn.owes else READ)

    def on_broken(self, conn: Connection) -> None:
        """Close ``conn``, of which the kernel reports an error or a hang-up."""
        self._close(conn, broken(conn.sock))

    def on_signal(self) -> None:
        """Begin the drain: close each connection that is not in service."""
        self.signals.clear()
        if not self._service.is_ending:
            return
        self._acceptor.stop()
        for conn in tuple(self.conns.values()):
            self.advance(conn)
        self.timers.after(TICK_S, self._close_silent)

    def begin(self, conn: Connection, request: Request) -> None:
        """Begin to serve ``request``; `resume` continues if it is not served when this returns."""
        self._wait(conn, self._serve(conn, request))

    def resume(self, conn: Connection) -> None:
        """Go on with ``conn``, whose request is served and owed."""
        del self.in_service[conn]
        self.advance(conn)

    def _serve(self, conn: Connection, request: Request) -> Iterator[float]:
        """Do the parts; yield how long to wait: a ``sleep`` is a timer, a ``cpu`` blocks all."""
        self.log.request_started(conn.id, request)
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
            self.in_service[conn] = self.timers.after(wait_s, partial(self._go_on, conn, waits))

    def _go_on(self, conn: Connection, waits: Iterator[float]) -> None:
        del self.in_service[conn]
        self._wait(conn, waits)
        self.advance(conn)

    def _settle(self, conn: Connection) -> bool:
        """Send the acknowledgements owed; return False if the peer does not read them."""
        try:
            conn.settle(self.log)
        except BlockingIOError:
            return False  # the poll reports when there is room
        except OSError as exc:
            self._close(conn, failure(exc))
        return True

    def _watch(self, conn: Connection, interest: int) -> None:
        """Change what the poll reports of ``conn``, if it differs from before."""
        fd = conn.sock.fileno()
        if self._interest.pop(fd, READ) != interest:
            self._poller.modify(fd, interest)
        if interest != READ:
            self._interest[fd] = interest

    def _close_silent(self) -> None:
        """Close connections that have been silent for too long; check again in a tick."""
        for conn, end in self._service.silent_connections():
            if conn not in self.in_service and not (end is IDLE and conn.has_unread):
                self._close(conn, end)
        self.timers.after(TICK_S, self._close_silent)

    def _close(self, conn: Connection, end: End) -> None:
        fd = conn.sock.fileno()
        del self.conns[fd]
        self._interest.pop(fd, None)
        if self._forget is not None:
            self._forget(fd)
        self.timers.cancel(self.in_service.pop(conn, NO_TIMER))
        conn.close(end, self.log)
