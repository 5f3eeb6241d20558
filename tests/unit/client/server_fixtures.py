"""Servers in the test process, which do what a real one does rarely."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from client.event_loop import EventLoop
from client.load import make_loop
from client.task import Task
from labkit.wire.samples import OUTCOMES, ConnectionRow, Row, connection_rows, rows
from tests.unit.client.share_fixtures import share_of

Serve = Callable[[socket.socket], None]
DEADLINE_S = 20.0


@contextmanager
def served_by(serve: Serve, users: int = 1) -> Iterator[tuple[str, int]]:
    """Serve ``users`` connections, each in a thread of its own, and wait for their ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(DEADLINE_S)

        def accept() -> None:
            with listener.accept()[0] as conn:
                conn.settimeout(DEADLINE_S)
                serve(conn)

        threads = [threading.Thread(target=accept) for _ in range(users)]
        for thread in threads:
            thread.start()
        yield listener.getsockname()
        for thread in threads:
            thread.join()


def loop_of(address: tuple[str, int], stop_fd: int | None = None, **changes: Any) -> EventLoop:  # noqa: ANN401
    """Return the loop of a group at ``address``; ``changes`` as in `share_of`."""
    return make_loop(Task(socket.AF_INET, address, share_of(**changes)), stop_fd=stop_fd)


def ran(loop: EventLoop) -> list[Row]:
    """Run a loop to its end and return its samples; its counts must add up."""
    loop.run(time.monotonic_ns())
    counts = loop.recorder.counts
    planned = loop.task.share.planned
    assert planned is None or counts["sent"] + counts["unsent"] == planned
    assert counts["sent"] == counts["acked"] + counts["failed"] + counts["in_flight"]
    sent = list(rows(loop.recorder.packed()[0]))
    assert len(sent) == counts["sent"] + counts["retries"]
    assert sum(OUTCOMES[row.outcome] == "retried" for row in sent) == counts["retries"]
    return sent


def connections_of(loop: EventLoop) -> list[ConnectionRow]:
    """Return the connections that a loop booked."""
    return list(connection_rows(loop.recorder.packed()[1]))


def messages_of(conn: socket.socket) -> Iterator[bytes]:
    stream = b""
    while segment := conn.recv(65_536):
        *messages, stream = (stream + segment).split(b"\x03")
        yield from messages


def serve_well(conn: socket.socket) -> None:
    for message in messages_of(conn):
        if message == b"goodbye":
            return
        conn.sendall(b"ack")
