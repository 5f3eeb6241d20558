"""Acknowledges without doing the work."""

from labkit.server import blocking
from labkit.server.program import main
from labkit.server.service import Service
from services.single import server

REJECTED_BY = "test_timing.test_no_ack_before_the_service_time"
BECAUSE = r"assert .* >= 100000000"


def serve(service: Service) -> None:
    """Serve, without the work that a message demands."""
    setattr(blocking, "perform", lambda _demand: None)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
