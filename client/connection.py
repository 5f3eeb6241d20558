"""A user's connection, and the kinds in which a connection can fail."""

import errno
import socket

from client.user import User

KINDS = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.ECONNABORTED: "reset",
    errno.EPIPE: "reset",
    errno.ETIMEDOUT: "timed_out",
    errno.EADDRNOTAVAIL: "exhausted",  # no local port is left; and so says connect(2) of EAGAIN
    errno.EAGAIN: "exhausted",
    errno.EMFILE: "exhausted",
    errno.ENFILE: "exhausted",
}


class Link:
    """A user's socket, its instants, and what the kernel has not taken of its message.

    The socket's methods are held here too: to look them up costs 30 ns a message.
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
        """Take the socket that the connection is to be made with."""
        self.sock = sock
        self.send = sock.send
        self.recv = sock.recv


def failure_kind(code: int | None) -> str:
    """Return the kind, of `labkit.wire.wire.samples.FAILURES`, that an errno of a socket is.

    What is not known is ``unreachable``: no route. ``exhausted`` is the client's own want, of a
    local port or a descriptor.
    """
    return KINDS.get(code or 0, "unreachable")
