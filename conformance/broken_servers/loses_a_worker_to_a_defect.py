"""Loses a thread of its pool to a defect, and serves on with the others."""

from labkit.server.connection import Connection
from labkit.server.program import main
from labkit.server.service import Service
from services.threaded import server

REJECTED_BY = "test_defects.test_a_defect_never_leaves_a_server_with_fewer_workers"
BECAUSE = r"neither answered nor closed|somebody dies of it"


def serve(service: Service) -> None:
    """Serve, without a handler for unexpected exceptions."""

    def serve_or_leave(service: Service, conn: Connection, worker: int) -> None:
        try:
            service.serve_connection(conn, worker)
        except Exception:
            raise SystemExit from None

    setattr(server, "serve_or_give_up", serve_or_leave)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
