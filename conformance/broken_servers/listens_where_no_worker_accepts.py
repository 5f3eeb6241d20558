"""Its parent process listens at the address of its workers, and accepts nothing."""

import socket

from labkit.server import own_listeners
from labkit.server.listener import open_listener
from labkit.server.program import main
from labkit.server.service import Service
from labkit.server.settings import Settings
from services.reuseport import server

REJECTED_BY = "test_peers.test_a_thousand_visitors_are_served"
BECAUSE = r"neither answered nor closed"


def listen(settings: Settings, **_: bool) -> socket.socket:
    """Return a socket that listens, although it shall only hold the address."""
    return open_listener(settings, shares_address=True)


def serve(service: Service) -> None:
    """Serve what the kernel's hash sends to the workers."""
    setattr(own_listeners, "open_listener", listen)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
