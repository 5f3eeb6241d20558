"""Ignores the signal that asks it to stop."""

import signal

from labkit.server.program import main
from labkit.server.service import Service
from services.single import server

REJECTED_BY = "test_drain.test_an_idle_connection_is_closed"
BECAUSE = r"neither answered nor closed"


def serve(service: Service) -> None:
    """Serve, and never stop."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
