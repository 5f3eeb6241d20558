"""How clients misbehave: one function per behaviour, each a script of steps.

A script lists what one connection does, in order; `client.scripted_loop` carries it out. No
sockets, no clock.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Protocol, TypeAlias

from labkit.protocol.framing import ETX

NOT_ASCII = b"\xff\x80"
OVERSIZE_BYTES = (1 << 20) + 1  # the servers' limit is 1 MiB at most


@dataclass(frozen=True)
class Send:
    """Send a message, and continue once the kernel has taken all of it."""

    message: bytes


@dataclass(frozen=True)
class Offer:
    """Begin to send a message, and continue at once; the kernel takes the rest as it has room."""

    message: bytes


class Pause(NamedTuple):
    """Neither send nor read for that many seconds."""

    seconds: float


class Acks(NamedTuple):
    """Read until that many acks have come, and all that came with them."""

    number: int


class OneAck(NamedTuple):
    """Read one ack and no further byte."""


class Silence(NamedTuple):
    """Send nothing until the server closes or the user's time is over."""


class Leave(Enum):
    """How the client ends a connection."""

    GOODBYE = "ask the server to close, and wait for it"
    CLOSE = "FIN, without a goodbye"
    RESET = "RST"
    VANISH = "neither FIN nor RST, as if the cable were cut"


Step: TypeAlias = Send | Offer | Pause | Acks | OneAck | Silence | Leave
Script: TypeAlias = Iterator[Step]


class Dialogue(Protocol):
    """What a script can see of its connection."""

    depth: int
    pace_s: float

    def messages(self) -> Iterator[bytes]:
        """Yield each message as its turn comes; it counts as sent."""

    @property
    def in_flight(self) -> int:
        """How many messages were sent and are not acknowledged."""

    @property
    def is_blocked(self) -> bool:
        """Whether the kernel has not yet taken all that was sent."""


def no_goodbye(dialogue: Dialogue) -> Script:
    """Close after the last ack, without a goodbye."""
    for message in dialogue.messages():
        yield Send(message)
        yield Acks(1)
    yield Leave.CLOSE


def pipeline(dialogue: Dialogue) -> Script:
    """Keep several messages in flight."""
    for message in dialogue.messages():
        yield Send(message)
        if dialogue.in_flight == dialogue.depth:
            yield Acks(1)
    yield Acks(dialogue.in_flight)
    yield Leave.GOODBYE


def slow_sender(dialogue: Dialogue) -> Script:
    """Send one byte at a time."""
    for message in dialogue.messages():
        for byte in message:
            yield Send(bytes((byte,)))
            yield Pause(dialogue.pace_s)
        yield Acks(1)
    yield Leave.GOODBYE


def slow_reader(dialogue: Dialogue) -> Script:
    """Send without waiting for acks, and read them one at a time."""
    for message in dialogue.messages():
        yield Offer(message)
        while dialogue.is_blocked:
            yield Pause(dialogue.pace_s)
            yield OneAck()
    while dialogue.in_flight:
        yield Pause(dialogue.pace_s)
        yield OneAck()
    yield Leave.GOODBYE


def silent(_dialogue: Dialogue) -> Script:
    """Connect, and send nothing."""
    yield Silence()
    yield Leave.CLOSE


def vanish(dialogue: Dialogue) -> Script:
    """Send, and disappear without FIN or RST while the server serves."""
    for message in dialogue.messages():
        yield Send(message)
    yield Pause(dialogue.pace_s)
    yield Leave.VANISH


def reset(dialogue: Dialogue) -> Script:
    """Send, and reset the connection while the server serves."""
    for message in dialogue.messages():
        yield Send(message)
    yield Pause(dialogue.pace_s)
    yield Leave.RESET


def garbage(dialogue: Dialogue) -> Script:
    """Send bytes that are not ASCII, and wait for the server's reaction."""
    for message in dialogue.messages():
        yield Send(message.removesuffix(ETX) + NOT_ASCII + ETX)
    yield Silence()
    yield Leave.CLOSE


def oversize(dialogue: Dialogue) -> Script:
    """Send a message over the size limit, and wait for the server's reaction."""
    for message in dialogue.messages():
        yield Send(message.removesuffix(ETX).ljust(OVERSIZE_BYTES, b"x") + ETX)
    yield Silence()
    yield Leave.CLOSE


BEHAVIOURS: dict[str, Callable[[Dialogue], Script]] = {
    script.__name__.replace("_", "-"): script
    for script in (
        no_goodbye, pipeline, slow_sender, slow_reader, silent, vanish, reset, garbage, oversize,
    )
}  # fmt: skip
"""By the names that scenarios use; ``polite`` is not one of them."""
