"""Closes the connections of a worker that it replaces, and what they had sent is lost."""

from labkit.server.handover import Handover
from labkit.server.program import main
from labkit.server.service import Service
from services.prefork import server

REJECTED_BY = "test_reload.test_clients_between_messages_or_inside_one_go_on"
BECAUSE = r"assert b'' == b'ack'|reset by peer|Broken pipe"


def serve(service: Service) -> None:
    """Pass no connection on to the next worker."""
    setattr(Handover, "give", lambda _handover, _conn: False)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
