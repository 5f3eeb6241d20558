"""Closes every connection but keeps its descriptor open."""

import socket

from labkit.protocol.session import End
from labkit.server.connection import Connection
from labkit.server.events import EventLog
from labkit.server.program import main
from labkit.server.service import Service
from services.single import server

REJECTED_BY = "test_faults.test_a_thousand_visitors_leave_nothing_behind"
BECAUSE = r"descriptors are closed"


def serve(service: Service) -> None:
    """Serve, and keep a reference to every connection."""
    kept = []

    def keep(conn: Connection, end: End, log: EventLog) -> None:
        kept.append(socket.socket(fileno=conn.sock.detach()))
        log.emit("connection_closed", conn=conn.id, requests=0, reason=end.reason)

    def shut(conn: Connection, end: End, log: EventLog) -> None:
        try:
            conn.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            end = End("it has gone")
        keep(conn, end, log)

    setattr(Connection, "close", shut)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
