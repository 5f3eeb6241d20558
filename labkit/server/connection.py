"""One accepted connection: its socket, its session, and the acknowledgements it is owed.

Serves a blocking and a non-blocking socket alike: where a call would block, it says so by
`BlockingIOError` and nothing is lost.
"""

import contextlib
import os
import socket
import struct
from time import monotonic_ns
from typing import Protocol

from labkit.protocol.framing import ETX
from labkit.protocol.session import ACK, EOF, End, Limits, Session
from labkit.server.events import EventLog, Served

RECV_BYTES = 16_384
_DISCARD_BYTES = 1 << 18
NOTHING: list["Served"] = []  # shared, never filled: an idle connection holds no list of its own
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, for 0 s: close sends RST, socket(7)


class Registry(Protocol):
    """What a connection leaves when it closes."""

    def discard(self, conn: "Connection", /) -> None:
        """Forget ``conn``."""


class Connection:
    """A connection from accept to close; closes once, and logs that once."""

    __slots__ = ("_acked", "_offset", "_owed", "_registry", "active_ns", "id", "session", "sock")

    def __init__(
        self, sock: socket.socket, conn_id: str, limits: Limits, registry: Registry
    ) -> None:
        self.sock = sock
        self.id = conn_id
        self.session = Session(limits)
        self.active_ns = monotonic_ns()
        self._registry = registry
        self._owed: list[Served] = NOTHING
        self._offset = 0  # bytes of the first owed acknowledgement that are sent
        self._acked = 0

    @property
    def is_open(self) -> bool:
        """Whether neither `close` nor `reset` was called."""
        return self.sock.fileno() != -1

    def is_idle(self, idle_timeout_s: float | None) -> bool:
        """Whether nothing has passed for ``idle_timeout_s``; None is for ever."""
        idle_ns = monotonic_ns() - self.active_ns
        return idle_timeout_s is not None and idle_ns >= idle_timeout_s * 1e9

    def receive(self, log: EventLog) -> bool:
        """Read once; return whether all that came is acknowledged already.

        What needs no service is acknowledged here; the rest is for the session to hand out.

        Raises:
            BlockingIOError: nothing has come.
            OSError: the connection is broken.
        """
        segment = self.sock.recv(RECV_BYTES)
        self.active_ns = received_ns = monotonic_ns()
        if self._owed or log.is_narrated or not self.session.is_prompt(segment):
            self.session.receive(segment, received_ns)
            return False
        acks = ACK * segment.count(ETX)
        try:
            sent = self.sock.send(acks)
        except BlockingIOError:
            sent = 0
        if sent < len(acks):
            self._owe_all(segment, received_ns)
            self._note_sent(sent, log)
            return False
        self._acked += sent // len(ACK)
        if log.is_traced:
            demand = self.session.limits.default_demand
            log.prompt_acked(self.id, segment, demand, (received_ns, monotonic_ns()))
        return True

    def _owe_all(self, segment: bytes, received_ns: int) -> None:
        self.session.receive(segment, received_ns)
        while (request := self.session.next_request()) is not None:
            self.owe(Served(request, received_ns, received_ns))

    def owe(self, served: Served) -> None:
        """Note that ``served`` is to be acknowledged, in this order."""
        if self._owed:
            self._owed.append(served)
        else:
            self._owed = [served]
        self.active_ns = served.finished_ns  # silence begins when the service is done

    @property
    def owes(self) -> bool:
        """Whether acknowledgements wait to be sent."""
        return bool(self._owed)

    def settle(self, log: EventLog) -> None:
        """Send the acknowledgements owed, in one segment where they fit; each is logged when sent.

        Raises:
            BlockingIOError: the peer does not read; what is not sent is still owed.
            OSError: the connection is broken.
        """
        while self._owed:
            unsent = ACK * len(self._owed)
            sent = self.sock.send(unsent[self._offset :] if self._offset else unsent)
            self._note_sent(sent, log)

    def _note_sent(self, sent: int, log: EventLog) -> None:
        acked, self._offset = divmod(self._offset + sent, len(ACK))
        self.active_ns = monotonic_ns()
        self._acked += acked
        for served in self._owed[:acked]:
            log.request_acked(self.id, served, self.active_ns)
        self._owed = self._owed[acked:] or NOTHING

    def stop_reading(self) -> None:
        """End the incoming half, which wakes a `receive` that blocks; safe in a signal handler."""
        with contextlib.suppress(OSError):  # the peer may be gone, or the socket closed
            self.sock.shutdown(socket.SHUT_RD)

    def close(self, end: End, log: EventLog) -> None:
        """Close in good order and log why.

        Closing with unread bytes would send RST, and RST may overtake acknowledgements on their
        way (RFC 1122, 4.2.2.13); so what has come is discarded first, up to 256 KiB.
        """
        if end is not EOF:  # else all was read: two calls of the kernel less, 4% of a short one
            self._discard_incoming()
        self._end(end, log)

    def _discard_incoming(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
            discarded = 0
            while discarded < _DISCARD_BYTES:
                segment = self.sock.recv(RECV_BYTES, socket.MSG_DONTWAIT)
                if not segment:
                    break
                discarded += len(segment)

    def reset(self, reason: str, log: EventLog) -> None:
        """Close with RST, so that the peer knows that nothing more was served; log why."""
        reset_on_close(self.sock)
        self._end(End(reason, failed=True), log)

    def _end(self, end: End, log: EventLog) -> None:
        self._registry.discard(self)
        self.sock.close()
        event = "connection_failed" if end.failed else "connection_closed"
        log.emit(event, conn=self.id, requests=self._acked, reason=end.reason)


def reset_on_close(sock: socket.socket) -> None:
    """Make closing ``sock`` send RST instead of FIN."""
    with contextlib.suppress(OSError):  # the peer was faster
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)


def broken(sock: socket.socket) -> End:
    """Return the end of a connection on which the kernel reports an error."""
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    return failure(OSError(code, os.strerror(code)))


def failure(error: OSError) -> End:
    """Return the end of a connection that ``error`` broke."""
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return End("reset by the peer", failed=True)
    return End(error.strerror or type(error).__name__, failed=True)
