"""Loops in worker processes that share a lock, as an accept mutex, and keep it while they serve."""

import fcntl
import select
import tempfile

from labkit import readiness
from labkit.server.program import main
from labkit.server.service import Service
from services.prefork_epoll import server

REJECTED_BY = "test_timing.test_a_client_is_served_while_one_worker_computes"
BECAUSE = r"assert \['long', 'short'\] == \['short', 'long'\]"


class Turn:
    """A lock that a loop takes when something is ready, and releases when it polls again."""

    def __init__(self) -> None:
        self._lock = tempfile.TemporaryFile()  # noqa: SIM115 the lock ends with its process

    def poll(
        self, epoll: select.epoll, longest_s: float | None, timer_s: float | None
    ) -> list[tuple[int, int]]:
        """Return what is ready, after the loop that serves now has finished."""
        fcntl.lockf(self._lock, fcntl.LOCK_UN)
        ready = readiness.poll(epoll, longest_s, timer_s)
        fcntl.lockf(self._lock, fcntl.LOCK_EX)
        return ready


def serve(service: Service) -> None:
    """Run loops of which one at a time handles what is ready."""
    setattr(server, "poll", Turn().poll)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve, server.SETTINGS)
