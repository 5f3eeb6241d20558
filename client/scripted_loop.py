"""The loop of misbehaving clients: it carries out the scripts of `client.behaviours`."""

import select
import socket
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from struct import pack
from time import monotonic_ns
from typing import cast

from client.behaviours import (
    BEHAVIOURS,
    Acks,
    Leave,
    Offer,
    OneAck,
    Pause,
    Send,
    Silence,
    Step,
)
from client.closed_loop import UserSchedule
from client.connection import Connection
from client.console import Console
from client.event_loop import EventLoop
from client.message_format import MessageFormat
from client.task import Task
from client.user import Phase, User
from labkit.protocol.session import ACK
from labkit.workload.load_order import GroupOrder

TCP_REPAIR = 19  # <linux/tcp.h>; Python's socket module has no name for it
RECV_BYTES = 4096
SMALLEST_BUFFER = 1  # the kernel raises it to its minimum, socket(7)
LINGER_RESETS = pack("ii", 1, 0)


class BehaviourError(Exception):
    """A behaviour is not allowed on this machine; the message says why."""


@dataclass(slots=True)
class Flight:
    """A message in flight; see `labkit.wire.samples.Row`."""

    number: int
    message: int
    due_ns: int
    sent_ns: int
    first_byte_ns: int = 0


class ScriptedUser(User):
    """A user that follows the script of its behaviour, with any number of messages in flight.

    ``reads``: whether it reads at the moment; ``owed``: how many acks its step still waits for;
    ``is_sending``: whether its step waits until the kernel has taken a message; ``mask``: the
    events that it is registered for.
    """

    __slots__ = (
        "_limit", "_stream", "depth", "flights", "is_blocked", "is_sending", "mask", "owed",
        "pace_s", "reads", "script", "step",
    )  # fmt: skip

    def __init__(
        self,
        number: int,
        message_format: MessageFormat,
        group: GroupOrder,
        due_ns: int,
        stop_ns: int,
    ) -> None:
        super().__init__(number, message_format, due_ns, stop_ns)
        self.depth = group.pipeline
        self.pace_s = group.pace_s
        self.flights: deque[Flight] = deque()
        self.script = BEHAVIOURS[group.behaviour](self)
        self.step: object = None
        self.reads = True
        self.owed = 0
        self.mask = 0
        self.is_sending = self.is_blocked = False
        self._limit = group.messages or sys.maxsize
        self._stream = b""

    def messages(self) -> Iterator[bytes]:
        """Yield each message as its turn comes; it counts as sent."""
        while self.message < self._limit and (now_ns := monotonic_ns()) < self.stop_ns:
            text = self.next_message()
            self.flights.append(Flight(self.number, self.message, now_ns, now_ns))
            self.message += 1
            yield text

    @property
    def in_flight(self) -> int:
        """How many messages were sent and are not acknowledged."""
        return len(self.flights)

    @property
    def read_bytes(self) -> int:
        """How many bytes to read at once."""
        return len(ACK) - len(self._stream) if isinstance(self.step, OneAck) else RECV_BYTES

    def awaits(self, message: int) -> bool:
        """Tell whether the ack of ``message`` is still to come."""
        return any(flight.message == message for flight in self.flights)

    def due_of_waiting(self) -> Sequence[int]:
        """Return when each of its messages was due that has no ack yet, in ns."""
        return [flight.due_ns for flight in self.flights]

    def take(self, segment: bytes, now_ns: int) -> tuple[list[Flight], str | None]:
        """Return the messages that ``segment`` acknowledges, and the kind of failure, if any."""
        self._stream += segment
        acked: list[Flight] = []
        while self._stream.startswith(ACK) and self.flights:
            self._stream = self._stream[len(ACK) :]
            acked.append(self.flights.popleft())
        self.owed = max(self.owed - len(acked), 0)
        if not self._stream:
            return acked, None
        if not self.flights:
            return acked, "surplus_reply"
        if not ACK.startswith(self._stream):
            return acked, "bad_reply"
        self.flights[0].first_byte_ns = self.flights[0].first_byte_ns or now_ns
        return acked, None


class ScriptedLoop(EventLoop):
    """Users with scripts, each of whom connects at its own time."""

    def __init__(
        self, task: Task, console: Console | None = None, stop_fd: int | None = None
    ) -> None:
        super().__init__(task, console, stop_fd)
        self._users = UserSchedule(self)
        if self.group.behaviour == "vanish":
            _check_vanishing(task.family)

    @property
    def first_connections(self) -> int:
        """How many users connect when the load begins."""
        return self._users.first_connections

    @property
    def messages_sent(self) -> int:
        """How many messages were sent so far; the recorder knows those of closed connections."""
        open_ones = sum(connection.user.message for connection in self.connections.values())
        return self.recorder.sent + open_ones

    def begin(self, begin_ns: int) -> None:
        """Plan when each user connects."""
        self._users.begin(begin_ns, self._make_user)

    def has_more(self) -> bool:
        """Tell whether a user is still to connect."""
        return self._users.has_more

    def give_up(self) -> None:
        """Record the messages of users who never connected."""
        self._users.give_up()

    def configure(self, sock: socket.socket) -> None:
        """Give a slow reader a small receive buffer, so that the server's sends block."""
        super().configure(sock)
        if self.group.behaviour == "slow-reader":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALLEST_BUFFER)

    def on_connected(self, connection: Connection) -> None:
        """Start the script."""
        self._continue(connection)

    def on_readable(self, connection: Connection) -> None:
        """Read acks, or the end of the stream."""
        user = _user(connection)
        try:
            segment = connection.recv(user.read_bytes)
        except BlockingIOError:
            return
        except OSError as exc:
            self.fail(connection, exc)
            return
        if not segment:
            is_leaving = user.phase is Phase.LEAVING
            self.close_connection(connection, None if is_leaving else "closed_early")
            return
        now_ns = monotonic_ns()
        acked, failure = user.take(segment, now_ns)
        for flight in acked:
            self.recorder.record_ack(flight, now_ns)
        if failure is not None:
            self.close_connection(connection, failure)
        else:
            self.on_acked(connection, now_ns)

    def on_acked(self, connection: Connection, now_ns: int) -> None:  # noqa: ARG002 as in the others
        """Continue with the script once its step has all the acks that it waits for."""
        user = _user(connection)
        if isinstance(user.step, Acks | OneAck) and not user.owed:
            self._continue(connection)

    def on_writable(self, connection: Connection) -> None:
        """Continue with a message that the kernel took in part, and then with the script."""
        super().on_writable(connection)
        user = _user(connection)
        if user.is_sending and not user.is_blocked and user.phase is not Phase.GONE:
            self._continue(connection)

    def on_closed(self, connection: Connection, failure: str | None) -> None:
        """Record the messages in flight, and those that this user will not send."""
        user = _user(connection)
        now_ns = monotonic_ns()
        self.recorder.sent += user.message
        for flight in user.flights:
            self.recorder.record_loss(flight, now_ns, failure)
        self._users.record_unsent(self._users.messages - user.message)

    def transmit(self, connection: Connection, message: bytes) -> None:
        """Give the kernel as much as it takes, and note whether that was all."""
        super().transmit(connection, message)
        _user(connection).is_blocked = bool(connection.unsent)

    def watch(self, connection: Connection) -> None:
        """Register for the events that the current step waits for."""
        user = _user(connection)
        mask = (select.EPOLLIN if user.reads else 0) | (select.EPOLLOUT if connection.unsent else 0)
        if mask != user.mask:
            user.mask = mask
            self.epoll.modify(connection.sock, mask)

    def _make_user(self, number: int, start_ns: int, stop_ns: int) -> User:
        return ScriptedUser(number, self.message_format, self.group, start_ns, stop_ns)

    def _continue(self, connection: Connection) -> None:
        """Carry out steps until one has to wait."""
        user = _user(connection)
        user.is_sending = False
        for step in user.script:
            user.step = step
            if isinstance(step, Leave):
                self._leave(connection, step)
                return
            if not self._carry_out(connection, step) or user.phase is Phase.GONE:
                return

    def _carry_out(self, connection: Connection, step: Step) -> bool:
        """Begin a step; tell whether it is done already."""
        user = _user(connection)
        user.reads = not isinstance(step, Offer | Pause)
        match step:
            case Send(message) | Offer(message):
                self.limit_answer(connection, user.message - 1)
                self.transmit(connection, message)
                user.is_sending = isinstance(step, Send) and user.is_blocked
            case Pause(seconds):
                self.timers.after(seconds, partial(self._resume, connection))
            case Acks(number):
                user.owed = number
            case OneAck():
                user.owed = 1
            case Silence():
                self.timers.at(user.stop_ns, partial(self._resume, connection))
        if user.phase is not Phase.GONE:
            self.watch(connection)
        return not (user.is_sending or user.owed or isinstance(step, Pause | Silence))

    def _leave(self, connection: Connection, how: Leave) -> None:
        """End the connection; after a goodbye, the server closes it."""
        user = _user(connection)
        if how is Leave.GOODBYE:
            user.reads = True
            self.transmit(connection, user.goodbye())
            if user.phase is not Phase.GONE:
                self.watch(connection)
            return
        if how is Leave.RESET:
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESETS)
        elif how is Leave.VANISH:
            connection.sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        self.close_connection(connection, None)

    def _resume(self, connection: Connection) -> None:
        if connection.user.phase is not Phase.GONE:
            self._continue(connection)


def _user(connection: Connection) -> ScriptedUser:
    return cast("ScriptedUser", connection.user)  # `_make_user` makes no other


def _check_vanishing(family: int) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        except PermissionError as exc:
            raise BehaviourError(
                "a client that vanishes without FIN or RST needs CAP_NET_ADMIN (TCP_REPAIR)"
            ) from exc
