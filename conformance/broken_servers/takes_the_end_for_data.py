"""Treats the end of the stream as the end of a message."""

from labkit.protocol.session import Session
from labkit.server.program import main
from labkit.server.service import Service
from services.single import server

REJECTED_BY = "test_protocol.test_an_end_inside_a_message_is_a_disconnect"
BECAUSE = r"assert b'ackack' == b'ack'"


def serve(service: Service) -> None:
    """Serve with a session that completes an unfinished message."""
    receive = Session.receive

    def complete(session: Session, segment: bytes, now_ns: int) -> None:
        if not segment:
            receive(session, b"\x03", now_ns)
        receive(session, segment, now_ns)

    setattr(Session, "receive", complete)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
