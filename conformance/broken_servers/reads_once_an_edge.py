"""Reads once for each edge of an edge-triggered epoll, which does not report the rest again."""

import contextlib
import select

from labkit.protocol.session import ACK
from labkit.server.connection import Connection
from labkit.server.program import main
from labkit.server.service import Service

REJECTED_BY = "test_protocol.test_a_pipeline_of_any_depth_is_acked_to_the_last"
BECAUSE = r"neither answered nor closed"
ARGUMENTS = {"depth": 1000}


def serve(service: Service) -> None:
    """Run an edge-triggered loop with one read for each edge."""
    service.listening(workers=1)
    poller, conns = select.epoll(), dict[int, Connection]()
    poller.register(service.listener, select.EPOLLIN)
    while not service.draining:
        for fd, _ in poller.poll(0.1):
            if fd in conns:
                _read_once(service, conns[fd])
                continue
            conn = service.accept(1)
            conns[conn.sock.fileno()] = conn
            poller.register(conn.sock, select.EPOLLIN | select.EPOLLET)


def _read_once(service: Service, conn: Connection) -> None:
    with contextlib.suppress(BlockingIOError):
        conn.receive(service.log(1))
    while conn.session.next_request() is not None:
        conn.sock.sendall(ACK)
    if conn.session.end is not None:
        conn.close(conn.session.end, service.log(1))


if __name__ == "__main__":
    main("broken", serve)
