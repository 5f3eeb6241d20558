"""Treats what one read returns as one message."""

from labkit.protocol.session import ACK, End
from labkit.server.program import main
from labkit.server.service import Service

REJECTED_BY = "test_protocol.test_messages_in_one_segment_are_each_acked"
BECAUSE = r"assert b'ack' == b'ackackackack'"


def serve(service: Service) -> None:
    """Acknowledge every read that ends in ETX."""
    service.listening(workers=1)
    for conn in service.connections():
        while segment := conn.sock.recv(1024):
            if segment.endswith(b"goodbye\x03"):
                conn.sock.send(ACK)
                break
            if segment.endswith(b"\x03"):
                conn.sock.send(ACK)
        conn.close(End("eof"), service.log(1))


if __name__ == "__main__":
    main("broken", serve)
