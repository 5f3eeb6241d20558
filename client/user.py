"""One user's dialogue with the server, without I/O: what to send next, what a reply means.

A user sends a message, waits for its ``ack``, and sends again; at the end it says ``goodbye`` and
waits for the server to close. No sockets, no clock.
"""

import sys
from collections.abc import Sequence
from enum import Enum

from client.message_format import MessageFormat
from labkit.protocol.framing import ETX
from labkit.protocol.session import ACK, GOODBYE


class Phase(Enum):
    """What a user is doing; GONE is the last phase, whatever the reason."""

    CONNECTING = "connecting"
    WAITING = "waiting for an ack"
    THINKING = "thinking"
    LEAVING = "waiting for the server to close"
    GONE = "gone"


class Reply(Enum):
    """The meaning of a segment from the server; the value of a failure is its kind."""

    ACKED = "acked"
    PARTIAL = "the beginning of an ack"
    END = "the end of the stream after the goodbye"
    CLOSED_EARLY = "closed_early"
    BAD = "bad_reply"
    SURPLUS = "surplus_reply"


# Used for every message; a look-up in an Enum would cost 50 ns each time.
CONNECTING, WAITING, THINKING = Phase.CONNECTING, Phase.WAITING, Phase.THINKING
ACKED = Reply.ACKED


class User:
    """Its number in its group, its phase, and the timestamps of its current message.

    ``stop_ns``: from then on it begins no message.
    """

    __slots__ = (
        "_form", "_format", "_is_constant", "_partial", "due_ns", "first_byte_ns", "message",
        "number", "phase", "sent_ns", "stop_ns",
    )  # fmt: skip

    def __init__(
        self, number: int, message_format: MessageFormat, due_ns: int, stop_ns: int = sys.maxsize
    ) -> None:
        self.number = number
        self.phase = Phase.CONNECTING
        self.message = 0
        self.due_ns = due_ns
        self.sent_ns = 0
        self.first_byte_ns = 0
        self.stop_ns = stop_ns
        self._format = message_format
        constant = message_format.constant
        self._is_constant = constant is not None
        self._form = message_format.prefix(number) + b"%d" + (constant or b"%b")
        self._partial = b""

    def next_message(self) -> bytes:
        """Return the message to send now; the user then waits for its ack."""
        self.phase = WAITING
        if self._is_constant:
            return self._form % self.message
        return self._form % (self.message, self._format.suffix(self.number, self.message))

    def goodbye(self) -> bytes:
        """Return the message that asks the server to close."""
        self.phase = Phase.LEAVING
        return GOODBYE + ETX

    def receive(self, segment: bytes) -> Reply:
        """Take bytes from the server, ``b""`` at the end of the stream, and return their meaning.

        SURPLUS is more than the user waits for; it may follow the ack of the message in flight.
        """
        if segment == ACK and self.phase is WAITING and not self._partial:
            return ACKED
        if not segment:
            return Reply.END if self.phase is Phase.LEAVING else Reply.CLOSED_EARLY
        if self.phase is not WAITING:
            return Reply.SURPLUS
        self._partial += segment
        if self._partial == ACK:
            self._partial = b""
            return ACKED
        if self._partial.startswith(ACK):
            return Reply.SURPLUS
        return Reply.PARTIAL if ACK.startswith(self._partial) else Reply.BAD

    @property
    def has_ack(self) -> bool:
        """Whether the ack of the message in flight came, with more bytes after it."""
        return self.phase is WAITING and self._partial.startswith(ACK)

    def awaits(self, message: int) -> bool:
        """Tell whether the ack of ``message`` is still to come."""
        return self.phase is WAITING and self.message == message

    def due_of_waiting(self) -> Sequence[int]:
        """Return when each of its messages without an ack was due, in ns; it may be in future."""
        return (self.due_ns,) if self.phase is WAITING or self.phase is CONNECTING else ()

    def schedule(self, message: int, due_ns: int) -> None:
        """Make ``message`` the next one, due at ``due_ns``."""
        self.message = message
        self.due_ns = due_ns
        self.first_byte_ns = 0
        self.phase = THINKING
