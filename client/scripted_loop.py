"""The loop of clients that misbehave: it does what their scripts say, step by step."""
# MERGED: A user with a script: its messages in flight, and the acks that came for them. No sockets.

import select
import socket
import sys
from collections import deque
from collections.abc import Iterator
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
from client.closed_loop import UserLoop
from client.connection import Link
from client.console import Story
from client.message_format import Wording
from client.task import Task
from client.user import Phase, User
from labkit.protocol.session import ACK
from labkit.workload.load_order import GroupOrder

TCP_REPAIR = 19  # <linux/tcp.h>; Python's socket module has no name for it
SMALLEST_BUFFER = 1  # the kernel makes of it the least it can, socket(7)
LINGER_RESETS = pack("ii", 1, 0)


class BehaviourError(Exception):
    """The machine does not let a client behave like that; the message says why."""


class ScriptedLoop(UserLoop):
    """Users with scripts, who come when it is their time."""

    def __init__(self, task: Task, story: Story | None = None, stop_fd: int | None = None) -> None:
        super().__init__(task, story, stop_fd)
        if self.group.behaviour == "vanish":
            _check_vanishing(task.family)

    def make_user(self, number: int, start_ns: int, stop_ns: int) -> User:
        """Return a user with a script."""
        return Talker(number, self.wording, self.group, start_ns, stop_ns)

    def set_up(self, sock: socket.socket) -> None:
        """Give a slow reader little room, so that the server feels it."""
        super().set_up(sock)
        if self.group.behaviour == "slow-reader":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALLEST_BUFFER)

    def on_connected(self, link: Link) -> None:
        """Begin the script."""
        self._go_on(link)

    def on_readable(self, link: Link) -> None:
        """Take acks, or the end."""
        talker = _talker(link)
        try:
            segment = link.recv(talker.read_bytes)
        except BlockingIOError:
            return
        except OSError as exc:
            self.break_off(link, exc)
            return
        if not segment:
            self.leave(link, None if talker.phase is Phase.LEAVING else "closed_early")
            return
        now_ns = monotonic_ns()
        acked, failure = talker.take(segment, now_ns)
        for flight in acked:
            self.books.record_ack(flight, now_ns)
        if failure is not None:
            self.leave(link, failure)
        elif isinstance(talker.step, Acks | OneAck) and not talker.owed:
            self._go_on(link)

    def on_writable(self, link: Link) -> None:
        """Go on with a message that the kernel took in part, and then with the script."""
        super().on_writable(link)
        talker = _talker(link)
        if talker.is_sending and not talker.is_blocked and talker.phase is not Phase.GONE:
            self._go_on(link)

    def on_gone(self, link: Link, failure: str | None) -> None:
        """Book the messages in flight, and those that this user will not send."""
        talker = _talker(link)
        now_ns = monotonic_ns()
        for flight in talker.flights:
            self.books.record_loss(flight, now_ns, failure)
        self.book_unsent(self.messages - talker.message)

    def transmit(self, link: Link, message: bytes) -> None:
        """Hand the kernel as much as it takes, and note whether that was all."""
        super().transmit(link, message)
        _talker(link).is_blocked = bool(link.unsent)

    def watch(self, link: Link) -> None:
        """Wait for what the step that the user is at may bring."""
        talker = _talker(link)
        mask = (select.EPOLLIN if talker.reads else 0) | (select.EPOLLOUT if link.unsent else 0)
        if mask != talker.mask:
            talker.mask = mask
            self.epoll.modify(link.sock, mask)

    def _go_on(self, link: Link) -> None:
        """Do step after step until one has to wait."""
        talker = _talker(link)
        talker.is_sending = False
        for step in talker.script:
            talker.step = step
            is_done = (
                self._leave_by(link, step) if isinstance(step, Leave) else self._do(link, step)
            )
            if not is_done or talker.phase is Phase.GONE:
                return

    def _do(self, link: Link, step: Step) -> bool:
        """Begin a step; tell whether it is done already."""
        talker = _talker(link)
        talker.reads = not isinstance(step, Offer | Pause)
        match step:
            case Send(message) | Offer(message):
                self.limit_answer(link, talker.message - 1)
                self.transmit(link, message)
                talker.is_sending = isinstance(step, Send) and talker.is_blocked
            case Pause(seconds):
                self.timers.after(seconds, partial(self._resume, link))
            case Acks(number):
                talker.owed = number
            case OneAck():
                talker.owed = 1
            case Silence():
                self.timers.at(talker.stop_ns, partial(self._resume, link))
        if talker.phase is not Phase.GONE:
            self.watch(link)
        return not (talker.is_sending or talker.owed or isinstance(step, Pause | Silence))

    def _leave_by(self, link: Link, how: Leave) -> bool:
        talker = _talker(link)
        if how is Leave.GOODBYE:
            talker.reads = True
            self.transmit(link, talker.goodbye())
            if talker.phase is not Phase.GONE:
                self.watch(link)
            return False
        if how is Leave.RESET:
            link.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESETS)
        elif how is Leave.VANISH:
            link.sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        self.leave(link, None)
        return False

    def _resume(self, link: Link) -> None:
        if link.user.phase is not Phase.GONE:
            self._go_on(link)


def _talker(link: Link) -> Talker:
    return cast("Talker", link.user)  # `_enter` makes no other


def _check_vanishing(family: int) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        except PermissionError as exc:
            raise BehaviourError(
                "to vanish without FIN or RST takes CAP_NET_ADMIN (TCP_REPAIR)"
            ) from exc


RECV_BYTES = 4096


@dataclass(slots=True)
class Flight:
    """A message on its way; see `labkit.wire.wire.samples.Row`."""

    number: int
    message: int
    due_ns: int
    sent_ns: int
    first_byte_ns: int = 0


class Talker(User):
    """A user that does what the script of its behaviour says.

    ``reads``: whether it takes what comes; ``owed``: how many acks its step still waits for;
    ``is_sending``: whether it waits for the kernel to take a message.
    """

    __slots__ = (
        "_limit", "_stream", "depth", "flights", "is_blocked", "is_sending", "mask", "owed",
        "pace_s", "reads", "script", "step",
    )  # fmt: skip

    def __init__(
        self, number: int, wording: Wording, group: GroupOrder, due_ns: int, stop_ns: int
    ) -> None:
        super().__init__(number, wording, due_ns, stop_ns)
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
        """How many messages were sent and not acknowledged."""
        return len(self.flights)

    @property
    def read_bytes(self) -> int:
        """How much to read at once."""
        return len(ACK) - len(self._stream) if isinstance(self.step, OneAck) else RECV_BYTES

    def awaits(self, message: int) -> bool:
        """Tell whether the ack of ``message`` is still to come."""
        return any(flight.message == message for flight in self.flights)

    def take(self, segment: bytes, now_ns: int) -> tuple[list[Flight], str | None]:
        """Return the messages that ``segment`` acknowledges, and a failure, if it is one."""
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
