"""One accepted connection: its socket, its session, and the acknowledgements that it is owed.

For blocking and non-blocking sockets alike: a call that would block, or has blocked for a tick,
raises `BlockingIOError`, and no bytes are lost. When to send, serve, read or close is decided here,
by `Connection.next_step` and `Connection.silence_end`; how to wait is decided by the server.
"""

import contextlib
import os
import socket
import struct
from enum import Enum
from time import monotonic_ns
from typing import NamedTuple, Protocol

from labkit.protocol.framing import ETX
from labkit.protocol.session import ACK, EOF, End, Limits, Request, Session
from labkit.server.events import EventLog, Served

TICK_S = 0.1
RECV_BYTES = 16_384
DRAIN = End("drain")
IDLE = End("idle")
STALLED = End("drain, while the peer did not read", failed=True)
_DISCARD_BYTES = 1 << 18
_NONE_OWED: list["Served"] = []  # shared and never filled: an idle connection has no own list
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, for 0 s: close sends RST, socket(7)


class Transfer(Enum):
    """What to do with the socket next: send the acknowledgements owed, or receive."""

    SETTLE = "settle"
    RECEIVE = "receive"


SETTLE, RECEIVE = Transfer.SETTLE, Transfer.RECEIVE


class State(NamedTuple):
    """What a process knows of a connection beside its socket, between two messages.

    ``acked``: how many requests; ``active_ns`` and ``received_ns``: when it was last active, and
    when its last bytes were received; ``rest``: the bytes received that are not served yet.
    """

    conn_id: str
    acked: int
    active_ns: int
    received_ns: int
    rest: bytes


class Registry(Protocol):
    """Where a connection is removed when it closes."""

    def discard(self, conn: "Connection", /) -> None:
        """Remove ``conn``."""


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
        self._owed: list[Served] = _NONE_OWED
        self._offset = 0  # bytes of the first owed acknowledgement that are sent
        self._acked = 0

    @property
    def is_open(self) -> bool:
        """Whether neither `close` nor `reset` was called."""
        return self.sock.fileno() != -1

    def next_step(self, *, draining: bool) -> Request | End | Transfer:
        """Return what to do next: serve a request, close for an end, `SETTLE` or `RECEIVE`.

        Acknowledgements are sent before the server may block in a service or in a read, and before
        the connection is closed. In a drain no further request is served, except one for which the
        acknowledgements before it were being sent already: the client may count on it.
        """
        session = self.session
        if draining and session.pending is None:
            return SETTLE if self._owed else DRAIN
        request = session.next_request()
        if self._owed and (request is None or request.demand.duration_s):
            session.put_back(request)
            return SETTLE
        return request or session.end or RECEIVE

    def silence_end(self, *, draining: bool, idle_timeout_s: float | None) -> End | None:
        """Return why to close this connection, which is not in service; None if it may stay.

        The reasons are silence for ``idle_timeout_s`` (None is no limit) and, in a drain, a peer
        that has read no acknowledgement for a tick.
        """
        if draining:
            return STALLED if self._owed and self._is_silent_for(TICK_S) else None
        if idle_timeout_s is not None and self._is_silent_for(idle_timeout_s):
            return IDLE
        return None

    def _is_silent_for(self, duration_s: float) -> bool:
        return monotonic_ns() - self.active_ns >= duration_s * 1e9

    def receive(self, log: EventLog) -> bool:
        """Read once; return whether everything that arrived is acknowledged already.

        Messages that need no service are acknowledged here; the session hands out the others.

        Raises:
            BlockingIOError: no bytes have arrived.
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
        """Add ``served`` to the requests to acknowledge, in this order."""
        if self._owed:
            self._owed.append(served)
        else:
            self._owed = [served]
        self.active_ns = served.finished_ns  # silence begins at the end of service

    @property
    def owes(self) -> bool:
        """Whether acknowledgements remain to be sent."""
        return bool(self._owed)

    @property
    def has_unread(self) -> bool:
        """Whether bytes have arrived, and may be read, that a busy loop has not read yet."""
        if self._owed:
            return False
        try:
            return bool(self.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except OSError:
            return False

    def settle(self, log: EventLog) -> None:
        """Send the acknowledgements owed, in one segment if they fit; each is logged when sent.

        Raises:
            BlockingIOError: the peer does not read; what is not sent remains owed.
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
        self._owed = self._owed[acked:] or _NONE_OWED

    @property
    def state(self) -> State:
        """What `resume` needs in another process; without acknowledgements that are owed."""
        rest, received_ns = self.session.unserved
        return State(self.id, self._acked, self.active_ns, received_ns, rest)

    def resume(self, state: State) -> None:
        """Continue, in a new process, from the state that the connection had in another."""
        self._acked, self.active_ns = state.acked, state.active_ns
        if state.rest:
            self.session.receive(state.rest, state.received_ns)

    def forget(self) -> None:
        """Close this process's descriptor only, and log nothing: another process has the socket."""
        self._registry.discard(self)
        self.sock.close()

    def stop_reading(self) -> None:
        """End the incoming half, which ends a `receive` that blocks; safe in a signal handler."""
        with contextlib.suppress(OSError):  # the peer may have left, or the socket be closed
            self.sock.shutdown(socket.SHUT_RD)

    def close(self, end: End, log: EventLog) -> None:
        """Close without a reset and log why.

        Closing a socket with unread bytes sends RST, which may overtake acknowledgements on their
        way (RFC 1122, 4.2.2.13). So unread bytes are discarded first, up to 256 KiB.
        """
        if end is not EOF:  # at EOF all was read: skipping two system calls saves 4% (short)
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
        """Close with RST, so that the peer knows that no more was served; log why."""
        reset_on_close(self.sock)
        self._end(End(reason, failed=True), log)

    def _end(self, end: End, log: EventLog) -> None:
        self._registry.discard(self)
        self.sock.close()
        event = "connection_failed" if end.failed else "connection_closed"
        log.emit(event, conn=self.id, requests=self._acked, reason=end.reason)


def reset_on_close(sock: socket.socket) -> None:
    """Make closing ``sock`` send RST instead of FIN."""
    with contextlib.suppress(OSError):  # the peer may have reset it already
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
