"""Loses a thread of its pool to a defect, and serves on with the others."""

from labkit.server.connection import Connection
from labkit.server.program import main
from labkit.server.service import Service
from services.threaded import server

REJECTED_BY = "test_defects.test_a_defect_never_leaves_a_server_with_fewer_workers"
BECAUSE = r"neither answered nor closed|somebody dies of it"


def serve(service: Service) -> None:
    """Serve, without a handler for unexpected exceptions."""

    def leave(_service: Service, _conn: Connection, _worker: int) -> None:
        raise SystemExit

    setattr(server, "_give_up", leave)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
