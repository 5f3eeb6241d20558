"""Counts the connections in the queue of one listener at the drain, though each worker has one."""

from labkit.server.program import main
from labkit.server.service import Service
from services.reuseport import server

REJECTED_BY = "test_drain.test_connections_waiting_to_be_accepted_are_reset_and_counted"
BECAUSE = r"assert \(\d+ \+ \d+\) == 20"


def serve(service: Service) -> None:
    """Serve, and forget all listeners but the last at the drain."""
    setattr(Service, "_listeners", property(lambda it: (it.listener,)))  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
