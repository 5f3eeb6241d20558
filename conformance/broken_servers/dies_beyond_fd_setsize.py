"""Accepts more connections than select(2) can watch, and dies of the first that it cannot."""

from labkit.server.program import main
from labkit.server.service import Service
from services.select import server

REJECTED_BY = "test_faults.test_more_connections_than_select_can_watch_are_no_end"
BECAUSE = r"Connection (refused|reset)|assert b'' == b'ack'"


def serve(service: Service) -> None:
    """Run the loop without a limit on descriptors."""
    setattr(Service, "limit_descriptors", lambda *_: None)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
