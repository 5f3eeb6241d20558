"""Exits when one client resets its connection."""

import os

from labkit.protocol.session import End
from labkit.server import blocking
from labkit.server.program import main
from labkit.server.service import Service
from services.single import server

REJECTED_BY = "test_faults.test_a_reset_between_messages"
BECAUSE = r"Connection (refused|reset)"


def serve(service: Service) -> None:
    """Serve until a connection is reset."""

    def die(_error: OSError) -> End:
        os._exit(1)

    setattr(blocking, "failure", die)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
