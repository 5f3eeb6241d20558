"""Connections that pass from one process to another; here both are the test's own."""

import os
import socket
from collections.abc import Iterator

import pytest

from labkit.protocol.session import Limits
from labkit.protocol.work import Demand
from labkit.server.connection import Connection
from labkit.server.events import EventLog
from labkit.server.handover import Handover
from labkit.server.logs import Counts
from labkit.server.stream import Stream
from tests.unit.labkit.server.program_fixtures import no_descriptor_is_left

LIMITS = Limits(Demand("sleep", 0.0), 1 << 20, 1.0)


@pytest.fixture
def handover() -> Iterator[Handover]:
    queue = Handover()
    yield queue
    queue.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, Connection]]:
    client, server = socket.socketpair()
    with client, server:
        yield client, Connection(server, "2.7", LIMITS, set())


def log() -> EventLog:
    stream = Stream("m", os.open(os.devnull, os.O_WRONLY), as_text=False, level="trace")
    return EventLog(stream, 1, Counts(1).row(0))


def test_an_empty_queue_does_not_block(handover: Handover) -> None:
    assert handover.take() is None


def test_the_client_of_a_connection_that_passes_on_notices_nothing(
    handover: Handover, pair: tuple[socket.socket, Connection]
) -> None:
    """What it sent before, meanwhile and after is served in this order."""
    client, conn = pair
    client.sendall(b"a\x03b sleep=0ms\x03c d")
    conn.receive(log())
    assert conn.session.next_request() is not None
    state = conn.state
    client.sendall(b"\x03last\x03")
    assert handover.give(conn)
    assert not conn.is_open
    taken = handover.take()
    assert taken is not None
    sock, found = taken
    assert found == state
    assert (found.conn_id, found.rest) == ("2.7", b"b sleep=0ms\x03c d")
    with sock:
        successor = Connection(sock, found.conn_id, LIMITS, set())
        successor.resume(found)
        successor.receive(log())
        requests = iter(successor.session.next_request, None)
        assert [request.id for request in requests if request] == ["b", "c", "last"]
        sock.send(b"ack")
        assert client.recv(8) == b"ack"


def test_without_a_descriptor_for_it_a_connection_stays_in_the_queue(
    handover: Handover, pair: tuple[socket.socket, Connection]
) -> None:
    """The kernel would drop it, and its client would find the connection closed."""
    client, conn = pair
    assert handover.give(conn)
    with no_descriptor_is_left(), pytest.raises(OSError, match="Too many open files"):
        handover.take()
    taken = handover.take()
    assert taken is not None
    with taken[0] as sock:
        sock.send(b"ack")
        assert client.recv(8) == b"ack"


def test_a_connection_whose_bytes_do_not_fit_stays_where_it_is(
    handover: Handover, pair: tuple[socket.socket, Connection]
) -> None:
    _, conn = pair
    conn.session.receive(b"x" * (1 << 19), 1)
    assert not handover.give(conn)
    assert conn.is_open
    assert handover.take() is None
