import os
import select
import socket
from collections.abc import Iterator

import pytest

from conformance.target import await_true
from labkit.protocol.session import ACK, Request
from labkit.server.connection import TICK_S, Connection
from labkit.server.loop import NO_TIMER, NOTHING, READ, WRITE, Loop
from labkit.server.service import Service
from tests.unit.labkit.server.program_fixtures import quick_service


class FakePoller:
    """Remembers the events for which each descriptor is watched."""

    def __init__(self) -> None:
        self.watched: dict[int, int] = {}
        self.changes = 0

    def register(self, fd: int, events: int, /) -> None:
        self.watched[fd] = events

    def modify(self, fd: int, events: int, /) -> None:
        assert fd in self.watched
        self.watched[fd] = events
        self.changes += 1

    def unregister(self, fd: int, /) -> None:
        del self.watched[fd]


@pytest.fixture
def service() -> Iterator[Service]:
    with quick_service() as started:
        yield started


@pytest.fixture
def poller() -> FakePoller:
    return FakePoller()


@pytest.fixture
def loop(service: Service, poller: FakePoller) -> Iterator[Loop]:
    made = Loop(service, poller, forget=poller.unregister)
    with made.signals:
        yield made
        for conn in made.conns.values():
            conn.sock.close()


@pytest.fixture
def client(service: Service) -> Iterator[socket.socket]:
    with socket.create_connection(service.listener.getsockname()) as connected:
        connected.settimeout(5)
        yield connected


@pytest.fixture
def conn(loop: Loop, poller: FakePoller, client: socket.socket) -> Connection:
    """Return the server's end of ``client``, accepted and registered."""
    assert client.fileno() >= 0
    (accepted,) = loop.accept()
    poller.register(accepted.sock.fileno(), READ)
    return accepted


def _arrives(client: socket.socket, conn: Connection, messages: bytes) -> None:
    client.sendall(messages)
    assert select.select((conn.sock,), (), (), 5)[0]


def _fire_when_due(loop: Loop) -> None:
    while loop.in_service:
        loop.timers.fire()


def _pass_a_tick(loop: Loop) -> None:
    await_true(lambda: loop.timers.wait_s() == 0, "a tick passes")
    loop.timers.fire()


def _inode(fd: int) -> int:
    """Return which socket it is; the listener is watched by a descriptor of its own."""
    return os.fstat(fd).st_ino


def test_the_events_are_those_of_epoll_too() -> None:
    assert (READ, WRITE) == (select.EPOLLIN, select.EPOLLOUT)


def test_it_watches_its_signals_and_the_listener(
    service: Service, loop: Loop, poller: FakePoller
) -> None:
    assert set(poller.watched.values()) == {READ}
    assert {_inode(fd) for fd in poller.watched} == {
        _inode(loop.signals.fileno()), _inode(service.listener.fileno()),
    }  # fmt: skip


def test_a_model_chooses_how_the_listener_is_watched(service: Service, poller: FakePoller) -> None:
    exclusive = select.EPOLLIN | select.EPOLLEXCLUSIVE
    with Loop(service, poller, listener_events=exclusive).signals:
        watched = {_inode(fd): events for fd, events in poller.watched.items()}
        assert watched[_inode(service.listener.fileno())] == exclusive


def test_what_needs_no_service_is_acked_without_a_change_of_events(
    loop: Loop, poller: FakePoller, client: socket.socket, conn: Connection
) -> None:
    _arrives(client, conn, b"a\x03b\x03")
    loop.on_readable(conn)
    assert client.recv(100) == ACK * 2
    assert poller.changes == 0


def test_behind_a_sleep_nothing_is_read_until_its_timer_fires(
    loop: Loop, poller: FakePoller, client: socket.socket, conn: Connection
) -> None:
    _arrives(client, conn, b"a sleep=1ms\x03")
    loop.on_readable(conn)
    _arrives(client, conn, b"b sleep=0ms\x03")
    loop.on_readable(conn)
    assert poller.watched[conn.sock.fileno()] == NOTHING
    _fire_when_due(loop)
    assert client.recv(100) == ACK
    assert poller.watched[conn.sock.fileno()] == READ
    loop.on_readable(conn)
    assert client.recv(100) == ACK


def test_after_a_computation_the_ack_is_sent_and_others_take_their_turn(
    loop: Loop, client: socket.socket, conn: Connection
) -> None:
    _arrives(client, conn, b"a cpu=1ms\x03b cpu=1ms\x03")
    loop.on_readable(conn)
    assert client.recv(100) == ACK
    assert conn in loop.in_service
    assert loop.timers.wait_s() == 0
    loop.timers.fire()
    assert client.recv(100) == ACK


def test_a_peer_that_does_not_read_is_watched_for_room(
    loop: Loop, poller: FakePoller, client: socket.socket, conn: Connection
) -> None:
    conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    messages = sent = 0
    while not conn.owes:
        _arrives(client, conn, b"\x03" * 8192)
        messages += 8192
        loop.on_readable(conn)
    assert poller.watched[conn.sock.fileno()] == WRITE
    while sent < messages * len(ACK):
        sent += len(client.recv(1 << 20))
        loop.advance(conn)
        while select.select((conn.sock,), (), (), 0)[0]:
            loop.on_readable(conn)
    assert poller.watched[conn.sock.fileno()] == READ


def test_a_closed_connection_is_forgotten_with_its_timer(
    loop: Loop, poller: FakePoller, client: socket.socket, conn: Connection
) -> None:
    fd = conn.sock.fileno()
    _arrives(client, conn, b"a sleep=1s\x03")
    loop.on_readable(conn)
    loop.on_broken(conn)
    assert fd not in poller.watched
    assert (loop.conns, loop.in_service, len(loop.timers)) == ({}, {}, 0)


def test_a_drain_finishes_what_is_in_service_and_closes_the_rest(
    service: Service,
    loop: Loop,
    poller: FakePoller,
    client: socket.socket,
    conn: Connection,
) -> None:
    _arrives(client, conn, b"a sleep=1ms\x03b\x03")
    loop.on_readable(conn)
    with socket.create_connection(service.listener.getsockname()) as idle:
        (other,) = loop.accept()
        poller.register(other.sock.fileno(), READ)
        service.draining = True
        loop.on_signal()
        assert idle.recv(100) == b""
    assert service.listener.fileno() not in poller.watched
    assert loop.is_needed
    _fire_when_due(loop)
    assert client.recv(100) == ACK
    assert client.recv(100) == b""
    assert not loop.is_needed
    assert loop.log.count("connection_closed") == 2


def test_a_signal_without_a_drain_closes_nothing(loop: Loop, conn: Connection) -> None:
    loop.on_signal()
    assert list(loop.conns.values()) == [conn]


def test_lines_that_wait_to_be_written_limit_the_wait(
    loop: Loop, client: socket.socket, conn: Connection
) -> None:
    _arrives(client, conn, b"a\x03")
    loop.on_readable(conn)
    assert (loop.longest_s, loop.wait_s) == (TICK_S, TICK_S)
    loop.log.flush()
    assert (loop.longest_s, loop.wait_s) == (None, None)


def test_a_timer_limits_the_wait(loop: Loop) -> None:
    loop.timers.after(0.0, lambda: None)
    assert loop.wait_s == 0


class Pooled(Loop):
    """A loop that does no work: its requests are served elsewhere, until `resume`."""

    def begin(self, conn: Connection, request: Request) -> None:
        assert request.id == "a"
        self.in_service[conn] = NO_TIMER


def test_a_model_may_serve_a_request_elsewhere(
    service: Service, poller: FakePoller, client: socket.socket
) -> None:
    loop = Pooled(service, poller)
    with loop.signals:
        (conn,) = loop.accept()
        with conn.sock:
            poller.register(conn.sock.fileno(), READ)
            _arrives(client, conn, b"a sleep=1s\x03goodbye\x03")
            loop.on_readable(conn)
            assert len(loop.timers) == 0
            loop.resume(conn)
            assert not conn.is_open


def test_a_client_whose_bytes_a_busy_loop_has_not_read_is_not_silent(
    service: Service, poller: FakePoller, client: socket.socket
) -> None:
    service.settings = service.settings._replace(idle_timeout_s=0.3)
    loop = Loop(service, poller, forget=poller.unregister)
    with loop.signals:
        (conn,) = loop.accept()
        poller.register(conn.sock.fileno(), READ)
        client.send(b"a\x03")
        await_true(lambda: conn.has_unread, "the bytes arrive")
        conn.active_ns -= round(0.4e9)
        _pass_a_tick(loop)
        loop.on_readable(conn)
        assert client.recv(100) == ACK
        conn.active_ns -= round(0.4e9)
        _pass_a_tick(loop)
        assert client.recv(100) == b""
