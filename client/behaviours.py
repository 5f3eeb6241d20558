"""How clients misbehave: one function a behaviour, each a script of steps.

A script says what one connection does, in order; the scripted loop does it. No sockets, no clock.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol, TypeAlias

from labkit.protocol.framing import ETX

NOT_ASCII = b"\xff\x80"
OVERSIZE_BYTES = (1 << 20) + 1  # no server can be set to take more than a MiB


@dataclass(frozen=True)
class Send:
    """Send all of it, and go on once the kernel has taken it."""

    message: bytes


@dataclass(frozen=True)
class Offer:
    """Begin to send it, and go on at once; the kernel takes the rest as it has room."""

    message: bytes


class Pause(NamedTuple):
    """Neither send nor read for so long."""

    seconds: float


class Acks(NamedTuple):
    """Read until that many acks have come, and what has come with them."""

    number: int


class OneAck(NamedTuple):
    """Read one ack and no byte more."""


class Silence(NamedTuple):
    """Say nothing until the server closes or the user's time is over."""


class Leave(Enum):
    """How a connection is ended."""

    GOODBYE = "ask the server to close, and wait for it"
    CLOSE = "FIN, without a word"
    RESET = "RST"
    VANISH = "neither: as if the cable were cut"


Step: TypeAlias = Send | Offer | Pause | Acks | OneAck | Silence | Leave
Script: TypeAlias = Iterator[Step]


class Talk(Protocol):
    """What a script knows of its connection."""

    depth: int
    pace_s: float

    def messages(self) -> Iterator[bytes]:
        """Yield each message as its turn comes; it counts as sent."""

    @property
    def in_flight(self) -> int:
        """How many messages were sent and not acknowledged."""

    @property
    def is_blocked(self) -> bool:
        """Whether the kernel has not taken all that was offered."""


def no_goodbye(talk: Talk) -> Script:
    """Close after the last ack, without asking."""
    for message in talk.messages():
        yield Send(message)
        yield Acks(1)
    yield Leave.CLOSE


def pipeline(talk: Talk) -> Script:
    """Keep several messages in flight."""
    for message in talk.messages():
        yield Send(message)
        if talk.in_flight == talk.depth:
            yield Acks(1)
    yield Acks(talk.in_flight)
    yield Leave.GOODBYE


def slow_sender(talk: Talk) -> Script:
    """Send a byte at a time."""
    for message in talk.messages():
        for byte in message:
            yield Send(bytes((byte,)))
            yield Pause(talk.pace_s)
        yield Acks(1)
    yield Leave.GOODBYE


def slow_reader(talk: Talk) -> Script:
    """Send without waiting for acks, and read them one at a time."""
    for message in talk.messages():
        yield Offer(message)
        while talk.is_blocked:
            yield Pause(talk.pace_s)
            yield OneAck()
    while talk.in_flight:
        yield Pause(talk.pace_s)
        yield OneAck()
    yield Leave.GOODBYE


def silent(_talk: Talk) -> Script:
    """Connect, and say nothing."""
    yield Silence()
    yield Leave.CLOSE


def vanish(talk: Talk) -> Script:
    """Send, and be gone without a trace while the server serves."""
    for message in talk.messages():
        yield Send(message)
    yield Pause(talk.pace_s)
    yield Leave.VANISH


def reset(talk: Talk) -> Script:
    """Send, and reset the connection while the server serves."""
    for message in talk.messages():
        yield Send(message)
    yield Pause(talk.pace_s)
    yield Leave.RESET


def garbage(talk: Talk) -> Script:
    """Send what is not ASCII, and see what the server does."""
    for message in talk.messages():
        yield Send(message.removesuffix(ETX) + NOT_ASCII + ETX)
    yield Silence()
    yield Leave.CLOSE


def oversize(talk: Talk) -> Script:
    """Send more than a message may hold, and see what the server does."""
    for message in talk.messages():
        yield Send(message.removesuffix(ETX).ljust(OVERSIZE_BYTES, b"x") + ETX)
    yield Silence()
    yield Leave.CLOSE


BEHAVIOURS: dict[str, Callable[[Talk], Script]] = {
    script.__name__.replace("_", "-"): script
    for script in (
        no_goodbye, pipeline, slow_sender, slow_reader, silent, vanish, reset, garbage, oversize,
    )
}  # fmt: skip
"""By the name that a scenario calls each; ``polite`` is none of them."""
