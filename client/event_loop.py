"""The client's event loop: many users in one thread, over non-blocking sockets and epoll.

While it runs it does no other I/O; samples stay in memory until the end. Who connects when, and
what a user sends, is decided in the subclasses: `client.closed_loop`, `client.open_loop`,
`client.scripted_loop`.
"""

import contextlib
import errno
import gc
import select
import socket
from abc import ABC, abstractmethod
from array import array
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import islice
from time import monotonic_ns

from client.connection import Connection, failure_kind
from client.console import Console
from client.message_format import MessageFormat
from client.recorder import Recorder
from client.task import Task
from client.user import ACKED, CONNECTING, Phase, Reply, User
from labkit.readiness import poll
from labkit.timers import Timers
from labkit.wire.histogram import bucket_of
from labkit.wire.progress import Pulse
from labkit.workload.profile import NS_PER_S

TICK_NS = NS_PER_S // 2
RECV_BYTES = 64  # more than an ack; a larger buffer would be allocated outside Python's own pools
MOST_AGED = 500
EPOLLIN, EPOLLOUT = select.EPOLLIN, select.EPOLLOUT


class EventLoop(ABC):
    """One run of a task; its abstract methods are called in its own thread and must not block.

    ``stop_fd``: once it is readable, the run is stopped and `is_stopped` is true. ``lags_ns``: how
    late the loop acted on each thing that was due by the clock. ``first_connect_ns``: when it acted
    on the start, just before the first users connect; 0 if it never did.

    The methods here exchange messages of users with one message in flight. A subclass whose users
    have several overrides `on_readable`.
    """

    def __init__(
        self, task: Task, console: Console | None = None, stop_fd: int | None = None
    ) -> None:
        group = task.share.group
        self.task = task
        self.group = group
        self.console = console
        self.message_format = MessageFormat(task.share)
        self.recorder = Recorder()
        self.timers = Timers()
        self.epoll = select.epoll()
        self.connections: dict[int, Connection] = {}  # by descriptor
        self.lags_ns = array("Q")
        self.first_connect_ns = 0
        self.is_stopped = False
        self._connect_timeout_ns = _ns(group.connect_timeout_s)
        self._answer_timeout_ns = _ns(group.answer_timeout_s)
        self._prepared: list[socket.socket] = []
        if stop_fd is not None:
            self.epoll.register(stop_fd, EPOLLIN)

    @property
    @abstractmethod
    def first_connections(self) -> int:
        """How many connections are opened at once when the load begins."""

    @abstractmethod
    def begin(self, begin_ns: int) -> None:
        """Plan the load, which begins at ``begin_ns``."""

    @abstractmethod
    def has_more(self) -> bool:
        """Tell whether a connection is still to be opened."""

    @abstractmethod
    def give_up(self) -> None:
        """Record what will not be sent because the run ends; connections are still open."""

    @abstractmethod
    def on_connected(self, connection: Connection) -> None:
        """Continue with a user whose connection is established."""

    @abstractmethod
    def on_acked(self, connection: Connection, now_ns: int) -> None:
        """Continue with a user who received an ack, which is recorded already."""

    @abstractmethod
    def on_closed(self, connection: Connection, failure: str | None) -> None:
        """Record what a user leaves unfinished; its connection is closed and recorded already."""

    def prepare(self) -> None:
        """Create the sockets of the users who connect first, as many as possible.

        This shortens the start if many replicas start together: it takes 23 of the 83 µs for which
        one replica delays the first connect of the next.
        """
        with contextlib.suppress(OSError):  # `connect` tries again and reports the failure
            for _ in range(self.first_connections):
                self._prepared.append(self._make_socket())

    def run(self, start_ns: int, on_tick: Callable[[Pulse], None] | None = None) -> None:
        """Carry out the share from ``start_ns`` on, until its deadline at the latest.

        If the start is in the future, the loop prepares everything and sleeps: replicas that spin
        or prepare at the common start would delay each other.

        ``on_tick`` is called every half second with the progress of the load. The counts add up
        however the run ends, also if ``on_tick`` raises.
        """
        deadline_ns = start_ns + round(self.task.share.timeout_s * NS_PER_S)
        gc.disable()  # a collection would delay every user
        failure: str | None = None
        try:
            self.recorder.end_ns = start_ns
            self.timers.at(start_ns, self._on_start)
            self.begin(start_ns + round(self.group.start_s * NS_PER_S))
            self._serve(deadline_ns, on_tick)
            failure = None if self.is_stopped else "timed_out"
        finally:
            self.give_up()
            for connection in list(self.connections.values()):
                self.close_connection(connection, failure)
            self.close()
            gc.enable()

    def close(self) -> None:
        """Close everything but the connections."""
        for sock in self._prepared:
            sock.close()
        self.epoll.close()

    def pulse(self) -> Pulse:
        """Return the progress of the load; it takes below 1 ms with 10,000 connections.

        Messages that wait are in the histogram with the time since they were due: each of up to
        `MOST_AGED` connections; of more, an even sample, whose messages stand for all.
        """
        recorder = self.recorder
        times = recorder.times.copy()
        self.add_ages(times, monotonic_ns())
        return Pulse(
            acked=recorder.acked,
            failed=recorder.failed,
            errors=sum(recorder.errors.values()),
            connections=len(self.connections),
            sent=self.messages_sent,
            unsent=recorder.unsent,
            times=tuple(times),
        )

    @property
    def messages_sent(self) -> int:
        """How many messages were sent so far."""
        return self.recorder.sent

    def add_ages(self, times: list[int], now_ns: int) -> None:
        """Add to the histogram ``times`` how long the messages that are due have waited."""
        step = 1 + len(self.connections) // MOST_AGED
        for connection in islice(self.connections.values(), 0, None, step):
            for due_ns in connection.user.due_of_waiting():
                if due_ns <= now_ns:
                    times[bucket_of(now_ns - due_ns)] += step

    def phases(self) -> Counter[Phase]:
        """Return how many connected users are in each phase."""
        return Counter(connection.user.phase for connection in self.connections.values())

    def connect(self, user: User) -> None:
        """Begin to connect a user."""
        connection = Connection(user, monotonic_ns())
        try:
            sock = self._prepared.pop() if self._prepared else self._make_socket()
        except OSError as exc:
            self._finish(connection, failure_kind(exc.errno))
            return
        connection.attach(sock)
        self.connections[sock.fileno()] = connection
        code = sock.connect_ex(self.task.address)
        if code not in {0, errno.EINPROGRESS}:
            self.close_connection(connection, failure_kind(code))
            return
        self.epoll.register(sock, EPOLLOUT)
        if self._connect_timeout_ns is not None:
            due_ns = connection.begun_ns + self._connect_timeout_ns
            self.timers.at(due_ns, partial(self._on_connect_timeout, connection))

    def configure(self, sock: socket.socket) -> None:
        """Set the options of a socket that is about to connect."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send_message(self, connection: Connection) -> None:
        """Send a user's next message."""
        user = connection.user
        message = user.next_message()
        if self.console is not None:
            self.console.report_sending(user, message)
        if self._answer_timeout_ns is not None:
            self.limit_answer(connection, user.message)
        self.recorder.sent += 1
        user.sent_ns = monotonic_ns()
        self.transmit(connection, message)

    def send_goodbye(self, connection: Connection) -> None:
        """Ask the server to close the connection."""
        message = connection.user.goodbye()
        if self.console is not None:
            self.console.report_sending(connection.user, message)
        self.transmit(connection, message)

    def transmit(self, connection: Connection, message: bytes) -> None:
        """Give the kernel as much of ``message`` as it takes, and the rest once it has room."""
        try:
            taken = connection.send(message)
        except BlockingIOError:
            taken = 0
        except OSError as exc:
            self.fail(connection, exc)
            return
        if taken < len(message):
            connection.unsent = message[taken:]
            self.watch(connection)
        elif connection.unsent:
            connection.unsent = b""
            self.watch(connection)

    def watch(self, connection: Connection) -> None:
        """Register for the events that the connection waits for next."""
        mask = EPOLLIN | EPOLLOUT if connection.unsent else EPOLLIN
        self.epoll.modify(connection.sock, mask)

    def limit_answer(self, connection: Connection, message: int) -> None:
        """Start the time-out, if the group has one, of the message that is about to be sent."""
        if self._answer_timeout_ns is not None:
            due_ns = monotonic_ns() + self._answer_timeout_ns
            self.timers.at(due_ns, partial(self.on_answer_timeout, connection, message))

    def on_answer_timeout(self, connection: Connection, message: int) -> None:
        """Close the connection, unless the ack of ``message`` has come."""
        if connection.user.awaits(message):
            self.close_connection(connection, "timed_out")

    def on_readable(self, connection: Connection) -> None:
        """Read the ack of the message in flight, or the end of the stream."""
        try:
            segment = connection.recv(RECV_BYTES)
        except BlockingIOError:
            return
        except OSError as exc:
            self.fail(connection, exc)
            return
        now_ns = monotonic_ns()
        reply = connection.user.receive(segment)
        if reply is ACKED:
            self.recorder.record_ack(connection.user, now_ns)
            if self.console is not None:
                self.console.report_ack(connection.user, now_ns)
            self.on_acked(connection, now_ns)
        else:
            self._on_other_reply(connection, reply, now_ns)

    def on_writable(self, connection: Connection) -> None:
        """Continue with a message that the kernel took in part."""
        self.transmit(connection, connection.unsent)

    def fail(self, connection: Connection, error: OSError) -> None:
        """Close a connection that broke; after the goodbye this is not a failure."""
        is_leaving = connection.user.phase is Phase.LEAVING
        self.close_connection(connection, None if is_leaving else failure_kind(error.errno))

    def close_connection(self, connection: Connection, failure: str | None) -> None:
        """Close a connection and record it."""
        del self.connections[connection.sock.fileno()]
        connection.sock.close()
        self._finish(connection, failure)

    def _finish(self, connection: Connection, failure: str | None) -> None:
        self.recorder.record_connection(connection, monotonic_ns(), failure)
        self.on_closed(connection, failure)
        if self.console is not None:
            self.console.report_closed(connection.user, failure)
        connection.user.phase = Phase.GONE

    def _serve(self, deadline_ns: int, on_tick: Callable[[Pulse], None] | None) -> None:
        connections, timers, on_readable = self.connections, self.timers, self.on_readable
        tick_ns = now_ns = monotonic_ns()
        while now_ns < deadline_ns and not self.is_stopped:
            if not connections and not self.has_more() and self.first_connect_ns:
                return
            for fd, ready in self._poll(now_ns, deadline_ns):
                connection = connections.get(fd)
                if connection is None:  # no event closes the connection of another: `stop_fd`
                    self.is_stopped = True
                elif ready == EPOLLIN:
                    on_readable(connection)
                else:
                    self._on_ready(connection, ready)
            if timers:
                timers.fire()
            now_ns = monotonic_ns()
            if on_tick is not None and now_ns - tick_ns >= TICK_NS:
                tick_ns = now_ns
                on_tick(self.pulse())

    def _poll(self, now_ns: int, deadline_ns: int) -> list[tuple[int, int]]:
        """Wait for a socket, a timer, the tick or the deadline; return the sockets ready."""
        wait_s = min(deadline_ns - now_ns, TICK_NS) / NS_PER_S
        return poll(self.epoll, wait_s, self.timers.wait_s())

    def _on_start(self) -> None:
        self.first_connect_ns = monotonic_ns()

    def _on_ready(self, connection: Connection, ready: int) -> None:
        """Handle events other than data to read alone."""
        if connection.user.phase is CONNECTING:
            self._on_connect_ended(connection)
        elif ready & EPOLLOUT:
            self.on_writable(connection)
        else:
            self.on_readable(connection)

    def _on_connect_ended(self, connection: Connection) -> None:
        code = connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self.close_connection(connection, failure_kind(code))
            return
        connection.connected_ns = monotonic_ns()
        connection.port = connection.sock.getsockname()[1]
        self.watch(connection)
        if self.console is not None:
            self.console.report_connected(connection.user)
        self.on_connected(connection)

    def _on_other_reply(self, connection: Connection, reply: Reply, now_ns: int) -> None:
        """Handle a reply that is not one whole ack; a failure's value is its kind."""
        user = connection.user
        if reply is Reply.PARTIAL:
            user.first_byte_ns = user.first_byte_ns or now_ns
        elif reply is Reply.END:
            self.close_connection(connection, None)
        else:
            if user.has_ack:
                self.recorder.record_ack(user, now_ns)
                user.schedule(user.message + 1, now_ns)
            self.close_connection(connection, reply.value)

    def _on_connect_timeout(self, connection: Connection) -> None:
        if connection.user.phase is CONNECTING:
            self.close_connection(connection, "timed_out")

    def _make_socket(self) -> socket.socket:
        sock = socket.socket(self.task.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.configure(sock)
        return sock


def _ns(duration_s: float | None) -> int | None:
    return None if duration_s is None else round(duration_s * NS_PER_S)
