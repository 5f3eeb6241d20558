"""What one client is to do, and the kinds in which doing it can fail."""

import errno
from dataclasses import dataclass

from client.resolve import Address
from client.user import Script

KINDS = {
    errno.ECONNREFUSED: "refused",
    errno.ECONNRESET: "reset",
    errno.ECONNABORTED: "reset",
    errno.EPIPE: "reset",
    errno.ETIMEDOUT: "timed_out",
}


@dataclass(frozen=True)
class Task:
    """For how many users, against which address, and until when.

    ``address`` is resolved. ``first_user`` is the number of its first user over all replicas.
    """

    family: int
    address: Address
    script: Script
    users: int
    first_user: int = 0
    think_time_s: float = 0.0
    timeout_s: float = 120.0


def failure_kind(code: int | None) -> str:
    """Return the kind, of `labkit.samples.FAILURES`, that an errno of a socket is.

    What is not known is ``unreachable``: no route, no local port, no file descriptor.
    """
    return KINDS.get(code or 0, "unreachable")
