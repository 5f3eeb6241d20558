"""Omits one acknowledgement of several that are due together."""

from labkit.server.connection import Connection
from labkit.server.events import Served
from labkit.server.program import main
from labkit.server.service import Service
from services.single import server

REJECTED_BY = "test_protocol.test_messages_in_one_segment_are_each_acked"
BECAUSE = r"assert b'ackackack' == b'ackackackack'"


def serve(service: Service) -> None:
    """Serve, without an acknowledgement for the request b."""
    owe = Connection.owe

    def owe_wrongly(conn: Connection, served: Served) -> None:
        if served.request.id != "b":
            owe(conn, served)

    setattr(Connection, "owe", owe_wrongly)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
