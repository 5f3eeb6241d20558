"""Polls its clients in a busy loop."""

from labkit.server.connection import Connection
from labkit.server.events import EventLog
from labkit.server.program import main
from labkit.server.service import Service
from services.single import server

REJECTED_BY = "test_faults.test_a_silent_client_does_not_make_it_spin"
BECAUSE = r"assert \(.* < 0.1"


def serve(service: Service) -> None:
    """Serve on sockets that do not block."""
    receive = Connection.receive

    def ask(conn: Connection, log: EventLog) -> bool:
        conn.sock.setblocking(False)
        return receive(conn, log)

    setattr(Connection, "receive", ask)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
