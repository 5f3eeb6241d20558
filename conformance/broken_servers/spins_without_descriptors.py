"""Retries `accept` at once when it is out of descriptors."""

import time

from labkit.server.program import main
from labkit.server.service import Service
from services.single import server

REJECTED_BY = "test_faults.test_out_of_descriptors_it_waits_and_recovers"
BECAUSE = r"assert \(.* < 0.1"


def serve(service: Service) -> None:
    """Serve, without a pause before the next `accept`."""
    setattr(time, "sleep", lambda _seconds: None)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
