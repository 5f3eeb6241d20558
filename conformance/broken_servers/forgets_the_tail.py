"""Drops the unfinished message at the end of a read."""

from labkit.protocol.framing import Framer
from labkit.server.program import main
from labkit.server.service import Service
from services.single import server

REJECTED_BY = "test_protocol.test_a_split_goodbye_still_closes"
BECAUSE = r"neither answered nor closed"


def serve(service: Service) -> None:
    """Serve with a framer that keeps no bytes between two reads."""
    receive = Framer.receive

    def forget(framer: Framer, segment: bytes) -> None:
        framer.tail = b""
        receive(framer, segment)

    setattr(Framer, "receive", forget)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
