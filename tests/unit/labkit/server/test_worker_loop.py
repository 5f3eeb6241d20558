"""A worker's loop that leaves, or takes up connections; the other worker is the test."""

import errno
import os
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.protocol.session import ACK
from labkit.server.connection import Connection
from labkit.server.handover import Handover
from labkit.server.loop import READ
from labkit.server.service import ACCEPT_RETRY_S, Service
from labkit.server.settings import Settings
from labkit.server.worker_loop import PASS_AGAIN_S, WorkerLoop
from tests.unit.labkit.server.program_fixtures import kept_signals, no_descriptor_is_left

TIMEOUT_S = 5


@pytest.fixture
def service() -> Iterator[Service]:
    settings = Settings(host="127.0.0.1", port=0, log_format="json", workers=2)
    started = Service("tested", settings)
    started.handover = Handover()
    with kept_signals(), started.listener:
        yield started
    started.handover.close()


@pytest.fixture
def epoll() -> Iterator[select.epoll]:
    with select.epoll() as opened:
        yield opened


@pytest.fixture
def loop(service: Service, epoll: select.epoll) -> Iterator[WorkerLoop]:
    made = WorkerLoop(service, epoll, 2)
    with made.signals:
        yield made
        for conn in made.conns.values():
            conn.sock.close()


@pytest.fixture
def client(service: Service) -> Iterator[socket.socket]:
    with socket.create_connection(service.listener.getsockname()) as connected:
        connected.settimeout(TIMEOUT_S)
        yield connected


@pytest.fixture
def conn(loop: WorkerLoop, epoll: select.epoll, client: socket.socket) -> Connection:
    """Return the server's end of ``client``, accepted and registered."""
    assert client.fileno() >= 0
    (accepted,) = loop.accept()
    epoll.register(accepted.sock, READ)
    return accepted


def _leave(service: Service, loop: WorkerLoop) -> None:
    service.leaving = True
    loop.on_signal()


def _arrives(client: socket.socket, conn: Connection, loop: WorkerLoop, messages: bytes) -> None:
    client.sendall(messages)
    assert select.select((conn.sock,), (), (), TIMEOUT_S)[0]
    loop.on_readable(conn)


def _fire_later(monkeypatch: pytest.MonkeyPatch, loop: WorkerLoop, later_s: float) -> None:
    """Fire the timers that are due in ``later_s``."""
    now_ns = time.monotonic_ns
    monkeypatch.setattr(time, "monotonic_ns", lambda: now_ns() + round(later_s * 1e9))
    loop.timers.fire()


def _without_a_descriptor(_worker: int) -> Iterator[Connection]:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    yield


def _watched(epoll: select.epoll) -> int:
    return Path(f"/proc/self/fdinfo/{epoll.fileno()}").read_text().count("tfd:")


def test_when_a_worker_leaves_an_idle_connection_passes_on_and_is_watched_no_longer(
    service: Service, loop: WorkerLoop, epoll: select.epoll, client: socket.socket, conn: Connection
) -> None:
    """Also not by this epoll, though the other process keeps the socket open."""
    assert loop.is_needed
    _leave(service, loop)
    assert not loop.is_needed
    assert not conn.is_open
    assert _watched(epoll) == 1  # the signals; neither listener nor queue nor connection
    assert service.handover is not None
    taken = service.handover.take()
    assert taken is not None
    with taken[0] as sock:
        sock.send(b"from the other")
        assert client.recv(64) == b"from the other"


def test_a_message_in_service_is_finished_before_its_connection_passes_on(
    monkeypatch: pytest.MonkeyPatch,
    service: Service,
    loop: WorkerLoop,
    client: socket.socket,
    conn: Connection,
) -> None:
    _arrives(client, conn, loop, b"a sleep=50ms\x03b sleep=0ms\x03")
    _leave(service, loop)
    assert loop.is_needed
    assert service.handover is not None
    assert service.handover.take() is None
    _fire_later(monkeypatch, loop, 0.06)
    _fire_later(monkeypatch, loop, 0.06)  # the turn after a service
    assert client.recv(64) == ACK
    assert not loop.is_needed
    taken = service.handover.take()
    assert taken is not None
    with taken[0]:
        assert (taken[1].acked, taken[1].rest) == (1, b"b sleep=0ms\x03")


def test_what_came_with_a_connection_is_served_where_it_is_taken_up(
    service: Service, loop: WorkerLoop, epoll: select.epoll, client: socket.socket, conn: Connection
) -> None:
    conn.session.receive(b"a sleep=0ms\x03b sl", 1)
    assert service.handover is not None
    del loop.conns[conn.sock.fileno()]
    epoll.unregister(conn.sock)
    assert service.handover.give(conn)
    for taken in loop.take():
        assert not taken.sock.getblocking()
        epoll.register(taken.sock, READ)
    assert client.recv(64) == ACK
    (conn,) = loop.conns.values()
    _arrives(client, conn, loop, b"eep=0ms\x03")
    assert client.recv(64) == ACK
    assert list(loop.take()) == []


def test_without_a_descriptor_a_connection_waits_to_be_taken_up(
    monkeypatch: pytest.MonkeyPatch,
    service: Service,
    loop: WorkerLoop,
    epoll: select.epoll,
    conn: Connection,
) -> None:
    """Meanwhile the loop looks away, or it would spin."""
    assert service.handover is not None
    del loop.conns[conn.sock.fileno()]
    epoll.unregister(conn.sock)
    assert service.handover.give(conn)
    with no_descriptor_is_left():
        assert list(loop.take()) == []
    assert epoll.poll(0) == []
    assert service.log(2).count("accept_refused") == 1
    _fire_later(monkeypatch, loop, ACCEPT_RETRY_S)
    assert epoll.poll(0) == [(loop.handover_fd, READ)]
    for taken in loop.take():
        epoll.register(taken.sock, READ)
    assert [taken.id for taken in loop.conns.values()] == [conn.id]


def test_a_worker_that_leaves_looks_at_the_queue_no_more(
    monkeypatch: pytest.MonkeyPatch, service: Service, loop: WorkerLoop, epoll: select.epoll
) -> None:
    monkeypatch.setattr(service, "handed_over", _without_a_descriptor)
    assert list(loop.take()) == []
    _leave(service, loop)
    _fire_later(monkeypatch, loop, ACCEPT_RETRY_S)
    assert _watched(epoll) == 1


def test_a_connection_that_ends_is_watched_no_longer_though_another_process_has_it_open(
    loop: WorkerLoop, epoll: select.epoll, client: socket.socket, conn: Connection
) -> None:
    """As the worker that passed it on may, a little longer; its number may be given to another."""
    before = _watched(epoll)
    with conn.sock.dup():
        _arrives(client, conn, loop, b"goodbye\x03")
        assert not conn.is_open
        assert _watched(epoll) == before - 1


def test_while_the_queue_is_full_it_tries_again(
    monkeypatch: pytest.MonkeyPatch, service: Service, loop: WorkerLoop, conn: Connection
) -> None:
    assert service.handover is not None
    with monkeypatch.context() as full:
        full.setattr(service.handover, "give", lambda _conn: False)
        _leave(service, loop)
        assert conn.is_open
        _fire_later(full, loop, PASS_AGAIN_S)
        assert conn.is_open
        assert loop.is_needed
    _fire_later(monkeypatch, loop, 2 * PASS_AGAIN_S)
    assert not conn.is_open
    assert not loop.is_needed
    taken = service.handover.take()
    assert taken is not None
    taken[0].close()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_connection_that_nobody_takes_up_is_closed(
    monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """At once if there is no other worker, otherwise after the time-out of a drain."""
    settings = Settings(host="127.0.0.1", port=0, workers=workers, drain_timeout_s=0.01)
    with kept_signals(), select.epoll() as epoll:
        service = Service("tested", settings)
        service.handover = Handover()
        loop = WorkerLoop(service, epoll, 1)
        monkeypatch.setattr(service.handover, "give", lambda _conn: False)
        with loop.signals, socket.create_connection(service.listener.getsockname()) as client:
            (conn,) = loop.accept()
            epoll.register(conn.sock, READ)
            _leave(service, loop)
            assert conn.is_open == (workers > 1)
            if workers > 1:
                monkeypatch.setattr(time, "monotonic", lambda: 1e12)
                _fire_later(monkeypatch, loop, 60)
            assert not conn.is_open
            assert client.recv(64) == b""
        service.listener.close()
        service.handover.close()


def test_a_drain_closes_what_a_worker_that_leaves_still_has(
    monkeypatch: pytest.MonkeyPatch, service: Service, loop: WorkerLoop, conn: Connection
) -> None:
    assert service.handover is not None
    monkeypatch.setattr(service.handover, "give", lambda _conn: False)
    _leave(service, loop)
    service.draining = True
    loop.on_signal()
    _fire_later(monkeypatch, loop, PASS_AGAIN_S)
    assert not conn.is_open
    assert not loop.is_needed
