"""Counts events whose lines are never written."""

from labkit.server.program import main
from labkit.server.service import Service

REJECTED_BY = "test_log.test_every_line_is_an_event"
BECAUSE = r"assert \{.*\} == Counter"


def serve(service: Service) -> None:
    """Serve, and drop the log lines of each connection."""
    service.listening(workers=1)
    for conn in service.connections():
        service.serve_connection(conn)
        log = service.log(1)
        getattr(log, "_lines").clear()  # noqa: B009


if __name__ == "__main__":
    main("broken", serve)
