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
}


class Link:
    """A user's socket, and what the kernel has not taken of its message."""

    __slots__ = ("sock", "unsent", "user")

    def __init__(self, user: User, sock: socket.socket) -> None:
        self.user = user
        self.sock = sock
        self.unsent = b""


def failure_kind(code: int | None) -> str:
    """Return the kind, of `labkit.samples.FAILURES`, that an errno of a socket is.

    What is not known is ``unreachable``: no route, no local port, no file descriptor.
    """
    return KINDS.get(code or 0, "unreachable")
