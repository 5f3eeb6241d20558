"""Writes to a stream without ``await writer.drain()``: it keeps what the peer does not read."""

from labkit.server.program import main
from labkit.server.service import Service
from labkit.server.streams import StreamSocket
from services.asyncio import server

REJECTED_BY = "test_faults.test_a_client_that_never_reads_costs_one_connection_and_no_memory"
BECAUSE = r"assert \d+ < 83886080"


def serve(service: Service) -> None:
    """Serve, and take for sent what the transport only holds."""

    def send(sock: StreamSocket, unsent: bytes) -> int:
        sock._transport.write(unsent)  # noqa: SLF001
        return len(unsent)

    setattr(StreamSocket, "send", send)  # noqa: B010
    server.serve(service)


if __name__ == "__main__":
    main("broken", serve)
