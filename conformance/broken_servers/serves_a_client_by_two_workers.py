"""A loop that passes all messages of a client to its pool at once."""

from collections import Counter
from typing import ClassVar

from labkit.protocol.session import Request
from labkit.server.connection import Connection
from labkit.server.program import main
from labkit.server.service import Service
from services.half_sync import server

REJECTED_BY = "test_timing.test_one_connection_is_served_one_message_at_a_time"
BECAUSE = r"assert \d+ <= \d+|assert \['b', 'a', 'c'\]"


class Hasty(server.HalfSync):
    """Goes on with a client after the last of its messages is served."""

    left: ClassVar[Counter[Connection]] = Counter()

    def begin(self, conn: Connection, request: Request) -> None:
        """Let each message that has arrived wait for a worker."""
        super().begin(conn, request)
        self.left[conn] += 1
        while (more := conn.session.next_request()) is not None:
            self.queue.put(conn, more)
            self.left[conn] += 1

    def resume(self, conn: Connection) -> None:
        """Go on, unless other messages of ``conn`` are in the pool."""
        self.left[conn] -= 1
        if not self.left[conn]:
            super().resume(conn)


def serve(service: Service) -> None:
    """Run the loop, which lets two workers serve one client."""
    setattr(server, "HalfSync", Hasty)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
