"""Does the first part of a message with several parts, and acknowledges it."""

from labkit.protocol import work
from labkit.server import blocking
from labkit.server.program import main
from labkit.server.service import Service
from services.single import server

REJECTED_BY = "test_timing.test_no_ack_before_the_sum_of_the_parts"
BECAUSE = r"assert .* >= 100000000"


def serve(service: Service) -> None:
    """Serve, without the parts after the first."""
    setattr(blocking, "perform", lambda demand: work.perform(demand.steps[0]))  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
