"""Treats the end of the stream as an empty read, and reads again."""

from labkit.protocol.session import Session
from labkit.server.program import main
from labkit.server.service import Service
from services.single import server

REJECTED_BY = "test_protocol.test_a_half_closed_client_gets_what_it_is_owed"
BECAUSE = r"neither answered nor closed"


def serve(service: Service) -> None:
    """Serve with a session that ignores the end of a stream."""
    receive = Session.receive

    def ignore_end(session: Session, segment: bytes, now_ns: int) -> None:
        if segment:
            receive(session, segment, now_ns)

    setattr(Session, "receive", ignore_end)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
