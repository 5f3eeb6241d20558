"""One closed-loop user, without I/O: what to send next, and what an answer means.

A user sends a message, waits for its ``ack``, thinks, and sends again; after the last it says
``goodbye`` and waits for the server to close. No sockets, no clock.
"""

from dataclasses import dataclass, field
from enum import Enum

from labkit.framing import ETX
from labkit.samples import request_id
from labkit.session import ACK, GOODBYE


class Phase(Enum):
    """What a user is doing; GONE is the end, whatever led there."""

    CONNECTING = "connecting"
    WAITING = "waiting for an ack"
    THINKING = "thinking"
    LEAVING = "waiting for the server to close"
    GONE = "gone"


class Reply(Enum):
    """What a segment from the server amounts to."""

    ACKED = "acked"
    PARTIAL = "the beginning of an ack"
    END = "the end that was asked for"
    CLOSED_EARLY = "closed_early"
    BAD = "bad_reply"


# On the path of every message; each look-up in an Enum would cost 50 ns.
CONNECTING, WAITING, THINKING = Phase.CONNECTING, Phase.WAITING, Phase.THINKING
ACKED = Reply.ACKED


@dataclass(frozen=True, slots=True)
class Script:
    """What every user of a replica does: how many messages, and the demand of each, if any."""

    messages: int
    demand: str | None = None
    replica: int = 0
    ending: bytes = field(init=False)

    def __post_init__(self) -> None:
        demand = "" if self.demand is None else f" {self.demand}"
        object.__setattr__(self, "ending", demand.encode("ascii") + ETX)


class User:
    """Its number over all replicas, how far it is, and the instants of its current message."""

    __slots__ = (
        "_beginning", "_partial", "_script", "due_ns", "message", "number", "phase", "sent_ns",
    )  # fmt: skip

    def __init__(self, number: int, script: Script, due_ns: int) -> None:
        self.number = number
        self.phase = Phase.CONNECTING
        self.message = 0
        self.due_ns = due_ns
        self.sent_ns = 0
        self._script = script
        self._beginning = request_id(script.replica, number, 0).removesuffix("0").encode("ascii")
        self._partial = b""

    def next_message(self, sent_ns: int) -> bytes:
        """Return what to send now, a message or the goodbye, and wait for what it brings."""
        script = self._script
        if self.message == script.messages:
            self.phase = Phase.LEAVING
            return GOODBYE + ETX
        self.phase = WAITING
        self.sent_ns = sent_ns
        return b"%b%d%b" % (self._beginning, self.message, script.ending)

    def receive(self, segment: bytes) -> Reply:
        """Take bytes from the server, ``b""`` for the end of them, and say what they amount to."""
        if segment == ACK and self.phase is WAITING and not self._partial:
            return ACKED
        if not segment:
            return Reply.END if self.phase is Phase.LEAVING else Reply.CLOSED_EARLY
        so_far = self._partial + segment
        if self.phase is not WAITING or not ACK.startswith(so_far):
            return Reply.BAD
        if so_far == ACK:
            self._partial = b""
            return ACKED
        self._partial = so_far
        return Reply.PARTIAL

    def advance(self, due_ns: int) -> bool:
        """After an ack: plan the next message for ``due_ns``; tell whether there is one."""
        self.message += 1
        self.due_ns = due_ns
        self.phase = THINKING
        return self.message < self._script.messages

    @property
    def unsent(self) -> int:
        """How many messages this user has not sent; of interest once it is gone."""
        return self._script.messages - self.message - (self.phase is WAITING)
