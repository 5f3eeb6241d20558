import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from labkit.protocol.session import EOF, End, Limits, Request
from labkit.protocol.work import Demand
from labkit.server.blocking import ServerState, converse
from labkit.server.connection import DRAIN, IDLE, STALLED, Connection
from labkit.server.events import EventLog, Served
from labkit.server.logs import Counts
from labkit.server.stream import Stream

LIMITS = Limits(Demand("sleep", 0.0), 64, 1.0)


@pytest.fixture
def log() -> Iterator[EventLog]:
    fd = os.open(os.devnull, os.O_WRONLY)
    yield EventLog(Stream("m", fd, as_text=False, level="trace"), 1, Counts(1).row(0))
    os.close(fd)


@pytest.fixture
def peers() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Give a client's socket and a server's, which blocks for a moment at most."""
    client, server = socket.socketpair()
    with client, server:
        server.setblocking(False)
        yield client, server


def _server(
    *,
    draining: Callable[[], bool] = lambda: False,
    idle_timeout_s: float | None = None,
    is_leaving: bool = False,
) -> ServerState:
    class State:
        settings = SimpleNamespace(idle_timeout_s=idle_timeout_s, drain_timeout_s=0.001)
        draining = property(lambda _state: is_draining())
        leaving = is_leaving

    is_draining = draining
    return cast("ServerState", State())


@pytest.mark.parametrize(
    ("sent", "acks", "end"),
    [
        (b"a\x03b\x03", 2, EOF),
        (b"a\x03b sleep=1us\x03goodbye\x03c\x03", 2, End("goodbye")),
        (b"a\x03b", 1, End("disconnected inside a message", failed=True)),
        (b"a\x03\xff", 1, End("byte over 127", failed=True)),
    ],
)
def test_it_serves_to_the_end_of_the_session(
    peers: tuple[socket.socket, socket.socket], log: EventLog, sent: bytes, acks: int, end: End
) -> None:
    client, server = peers
    client.sendall(sent)
    client.shutdown(socket.SHUT_WR)
    conn = Connection(server, "1.1", LIMITS, set())
    assert converse(conn, log, _server()) == end
    assert conn.is_open
    assert client.recv(64) == b"ack" * acks


def test_silence_ends_it(peers: tuple[socket.socket, socket.socket], log: EventLog) -> None:
    conn = Connection(peers[1], "1.1", LIMITS, set())
    assert converse(conn, log, _server(idle_timeout_s=0.001)) == IDLE


def test_a_drain_ends_it(peers: tuple[socket.socket, socket.socket], log: EventLog) -> None:
    answers = iter([False, False, True])
    conn = Connection(peers[1], "1.1", LIMITS, set())
    assert converse(conn, log, _server(draining=lambda: next(answers))) == DRAIN


@pytest.mark.slow
def test_a_drain_does_not_wait_for_a_peer_that_does_not_read(
    peers: tuple[socket.socket, socket.socket], log: EventLog
) -> None:
    client, server = peers
    server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    client.sendall(b"\x03" * 5000)
    conn = Connection(server, "1.1", LIMITS, set())
    assert converse(conn, log, _server(draining=lambda: conn.owes)) == STALLED


def test_a_reset_ends_it(log: EventLog) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        client.close()
        with server:
            conn = Connection(server, "1.1", LIMITS, set())
            assert converse(conn, log, _server()) == End("reset by the peer", failed=True)


def test_a_worker_that_leaves_begins_no_request(
    peers: tuple[socket.socket, socket.socket], log: EventLog
) -> None:
    client, server = peers
    client.sendall(b"a\x03")
    conn = Connection(server, "1.1", LIMITS, set())
    assert converse(conn, log, _server(is_leaving=True)) == DRAIN
    assert server.recv(8) == b"a\x03"


def test_a_worker_that_leaves_does_not_wait_for_ever_for_a_peer_that_does_not_read(
    peers: tuple[socket.socket, socket.socket], log: EventLog
) -> None:
    _, server = peers
    with contextlib.suppress(BlockingIOError):
        while True:
            server.send(b"x" * 65_536)
    conn = Connection(server, "1.1", LIMITS, set())
    conn.owe(Served(Request("a", LIMITS.default_demand, 1), 1, 2))
    assert converse(conn, log, _server(is_leaving=True)) == IDLE
