"""Lets one client's reset end the server."""

import os

from labkit import conversation
from labkit.program import main
from labkit.service import Service
from labkit.session import End
from services.single import server

REJECTED_BY = "test_faults.test_a_reset_between_messages"
BECAUSE = r"Connection (refused|reset)"


def serve(service: Service) -> None:
    """Serve until a connection breaks."""

    def die(_error: OSError) -> End:
        os._exit(1)

    setattr(conversation, "failure", die)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
