"""Sends one acknowledgement twice."""

from labkit.server.connection import Connection
from labkit.server.events import Served
from labkit.server.program import main
from labkit.server.service import Service
from services.single import server

REJECTED_BY = "test_protocol.test_one_ack_for_each_message"
BECAUSE = r"assert b'[ack.]+' == b''"  # many are shortened: b'ackackac...kack'


def serve(service: Service) -> None:
    """Serve, with two acknowledgements for each request."""
    owe = Connection.owe

    def owe_wrongly(conn: Connection, served: Served) -> None:
        owe(conn, served)
        owe(conn, served)

    setattr(Connection, "owe", owe_wrongly)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
