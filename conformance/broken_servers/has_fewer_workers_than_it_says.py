"""Declares two workers and serves one connection at a time."""

from labkit.server.program import main
from labkit.server.service import Service

REJECTED_BY = "test_timing.test_as_many_sleeps_as_workers_overlap"
BECAUSE = r"assert 1 == 2"


def serve(service: Service) -> None:
    """Serve one connection after another."""
    service.listening(workers=2)
    for conn in service.connections():
        service.serve_connection(conn)


if __name__ == "__main__":
    main("broken", serve)
