"""The protocol of one connection, without I/O: takes bytes, returns requests.

Blocking servers and event loops use the same object, so they agree on what a message is, what is
refused and when a connection ends. No sockets, no clock, no logging.
"""

from typing import NamedTuple

from labkit.protocol.framing import ETX, Framer
from labkit.protocol.work import Demand, DemandError, parse_demand

ACK = b"ack"
GOODBYE = b"goodbye"
_END, _GOODBYE = ETX.decode("ascii"), GOODBYE.decode("ascii")


class Limits(NamedTuple):
    """The default demand of a message, and the limits beyond which one is refused."""

    default_demand: Demand
    max_message_bytes: int
    max_service_time_s: float


class Request(NamedTuple):
    """One message to serve: its id, its demand, and when its last byte was received."""

    id: str
    demand: Demand
    received_ns: int


class End(NamedTuple):
    """Why a connection ends; ``failed`` if the peer broke the protocol or left inside a message."""

    reason: str
    failed: bool = False


EOF = End("eof")


class _RefusedError(Exception):
    """The message must not be served; its text is the reason for the log."""


class Session:
    """Turns a connection's bytes into requests, in order, until ``end`` is set.

    Messages that were complete before a refusal, a ``goodbye`` or the end of the stream are
    returned all the same: each is owed its acknowledgement.
    """

    __slots__ = ("_eof", "_framer", "_received_ns", "end", "limits", "pending")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._framer: Framer | None = None  # None between messages: saves memory when idle
        self._received_ns = 0
        self._eof = False
        self.pending: Request | None = None  # by `put_back`
        self.end: End | None = None

    def receive(self, segment: bytes, now_ns: int) -> None:
        """Add bytes of the stream, received at ``now_ns``; ``b""`` is its end."""
        if not segment:
            self._eof = True
            return
        self._received_ns = now_ns
        if self._framer is None:
            self._framer = Framer()
        self._framer.receive(segment)

    def is_prompt(self, segment: bytes) -> bool:
        """Whether ``segment``, not yet received, consists of whole messages without any demand.

        All of them may be acknowledged at once instead of being passed to `receive`. The answer may
        be False for such a segment, but True is always right: a few searches in C look at the bytes
        as a whole, as parsing each message would cost more than all else that a server does for it
        (docs/benchmarks.md).
        """
        limits = self.limits
        if not segment.isascii() or len(segment) > limits.max_message_bytes:
            return False
        text = segment.decode("ascii")  # searching a str takes a tenth of the time
        return (
            self._framer is None
            and not limits.default_demand.duration_s
            and text.endswith(_END)
            and "=" not in text  # no demand
            and _GOODBYE not in text
            and self.end is None
        )

    def next_request(self) -> Request | None:
        """Return the next request to serve; None if ``end`` is set or more bytes are needed."""
        if self.pending is not None:
            request, self.pending = self.pending, None
            return request
        if self.end is not None:
            return None
        message = self._framer.next_message() if self._framer is not None else None
        try:
            if message is None:
                self._check_tail()
                return None
            if message == GOODBYE:
                self.end = End("goodbye")
                return None
            return self._request(message)
        except _RefusedError as exc:
            self.end = End(str(exc), failed=True)
            return None

    @property
    def unserved(self) -> tuple[bytes, int]:
        """The bytes received that no returned request contains, and when the last arrived."""
        return (self._framer.rest if self._framer is not None else b"", self._received_ns)

    def put_back(self, request: Request | None) -> None:
        """Let `next_request` return ``request`` again; until then it is ``pending``."""
        self.pending = request

    def _check_tail(self) -> None:
        """Refuse an unfinished message that is invalid already; detect the end of the stream."""
        tail = self._framer.tail if self._framer is not None else b""
        if tail:
            self._check(tail)
        else:
            self._framer = None
        if self._eof:
            self.end = End("disconnected inside a message", failed=True) if tail else EOF

    def _request(self, message: bytes) -> Request:
        self._check(message)
        words = message.decode("ascii").split(None, 2)
        demand = self._demand(words[1]) if len(words) > 1 else self.limits.default_demand
        return Request(words[0] if words else "", demand, self._received_ns)

    def _check(self, message: bytes) -> None:
        if len(message) > self.limits.max_message_bytes:
            raise _RefusedError(f"message longer than {self.limits.max_message_bytes} bytes")
        if not message.isascii():
            raise _RefusedError("byte over 127")

    def _demand(self, word: str) -> Demand:
        try:
            demand = parse_demand(word)
        except DemandError as exc:
            raise _RefusedError(str(exc)) from exc
        if demand is None:
            return self.limits.default_demand
        if demand.duration_s > self.limits.max_service_time_s:
            raise _RefusedError(f"demand over {self.limits.max_service_time_s:g}s")
        return demand
