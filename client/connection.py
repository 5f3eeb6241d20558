"""A user's connection, and the kinds of failure of a connection."""

import errno
import socket

from client.user import User

KINDS = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.ECONNABORTED: "reset",
    errno.EPIPE: "reset",
    errno.ETIMEDOUT: "timed_out",
    errno.EADDRNOTAVAIL: "exhausted",  # no local port is left; connect(2) may say EAGAIN instead
    errno.EAGAIN: "exhausted",
    errno.EMFILE: "exhausted",
    errno.ENFILE: "exhausted",
}


class Connection:
    """A user's socket, its timestamps, and the part of its message that the kernel has not taken.

    ``send`` and ``recv`` are the socket's methods: looking them up there costs 30 ns per message.
    """

    __slots__ = ("begun_ns", "connected_ns", "port", "recv", "send", "sock", "unsent", "user")

    sock: socket.socket

    def __init__(self, user: User, begun_ns: int) -> None:
        self.user = user
        self.unsent = b""
        self.begun_ns = begun_ns
        self.connected_ns = 0
        self.port = 0

    def attach(self, sock: socket.socket) -> None:
        """Set the socket that the connection will be made with."""
        self.sock = sock
        self.send = sock.send
        self.recv = sock.recv


def failure_kind(code: int | None) -> str:
    """Return the kind, one of `labkit.wire.samples.FAILURES`, of a socket's errno.

    An errno that is not listed is ``unreachable``, like a missing route. ``exhausted`` is the
    client's own lack of a local port or a descriptor.
    """
    return KINDS.get(code or 0, "unreachable")
