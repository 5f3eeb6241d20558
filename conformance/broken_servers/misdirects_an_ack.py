"""Sends acknowledgements to another client."""

import contextlib
import threading

from labkit.protocol.session import ACK
from labkit.server.connection import Connection
from labkit.server.program import main
from labkit.server.service import Service

REJECTED_BY = "test_protocol.test_each_client_gets_its_own_acks"
BECAUSE = r"assert b'[ack.]*' == b'[ack.]*'"  # many are shortened: b'ackackac...kack'


def serve(service: Service) -> None:
    """Serve each connection in a thread of its own, and send each answer to the next connection."""
    service.listening(workers=6)
    conns: list[Connection] = []
    for conn in service.connections():
        conns.append(conn)
        threading.Thread(target=_work, args=(service, conn, conns), daemon=True).start()


def _work(service: Service, conn: Connection, conns: list[Connection]) -> None:
    while conn.session.end is None:
        with contextlib.suppress(BlockingIOError):
            conn.receive(service.log(1))
        while conn.session.next_request() is not None:
            other = conns[(conns.index(conn) + 1) % len(conns)]
            with contextlib.suppress(OSError):
                other.sock.sendall(ACK)
    conn.sock.close()


if __name__ == "__main__":
    main("broken", serve)
