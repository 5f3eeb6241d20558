"""The loop of ``half_sync`` within one batch of events, which no client can arrange."""

import os
import select
import socket
import time
from collections.abc import Iterator

import pytest

from labkit.protocol.session import ACK
from labkit.server.connection import reset_on_close
from labkit.server.events import Served
from labkit.server.service import Service
from labkit.server.work_queue import Done
from services.half_sync import server
from services.half_sync.server import HalfSync
from tests.unit.labkit.server.program_fixtures import quick_service

Batch = list[tuple[int, int]]


@pytest.fixture
def service() -> Iterator[Service]:
    with quick_service("half_sync") as started:
        yield started


@pytest.fixture
def epoll(monkeypatch: pytest.MonkeyPatch) -> Iterator[select.epoll]:
    """Return what the loop waits with."""
    with select.epoll() as made:
        monkeypatch.setattr(select, "epoll", lambda: made)
        yield made


@pytest.fixture
def loop(
    service: Service, epoll: select.epoll, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HalfSync]:
    """Return the loop that `serve` will run; it has no workers, so the test is the pool."""
    made = HalfSync(service, epoll)
    monkeypatch.setattr(server, "HalfSync", lambda *_: made)
    monkeypatch.setattr(server, "start_pool", lambda *_: None)
    with made.signals:
        yield made
    os.close(made.queue.fileno())


def _connected(service: Service) -> socket.socket:
    return socket.create_connection(service.listener.getsockname(), timeout=5)


def _serve_all(loop: HalfSync) -> None:
    """Do what the workers do with the messages that wait, in no time."""
    for conn, request in loop.queue.take_back():
        now_ns = time.monotonic_ns()
        loop.queue._done.append(Done(conn, 1, Served(request, now_ns, now_ns)))  # noqa: SLF001
        os.eventfd_write(loop.queue.fileno(), 1)


def _batch(epoll: select.epoll, events: int) -> Batch:
    """Return one batch of so many events."""
    until_s = time.monotonic() + 5
    while len(found := epoll.poll(0)) < events:
        assert time.monotonic() < until_s
    return found


def test_an_event_of_a_closed_connection_does_not_meet_a_new_one_with_its_descriptor(
    service: Service, epoll: select.epoll, loop: HalfSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pool has served a message of a client that resets, while another client connects."""

    def batches() -> Iterator[Batch]:
        first = _connected(service)
        yield _batch(epoll, 1)
        (descriptor,) = loop.conns
        first.sendall(b"a sleep=1s\x03")
        yield _batch(epoll, 1)
        _serve_all(loop)
        reset_on_close(first)
        first.close()
        with _connected(service) as second:
            yield sorted(_batch(epoll, 3), key=lambda each: each[0] == descriptor)
            assert len(loop.conns) == 1
            second.sendall(b"b\x03")
            yield _batch(epoll, 1)
            assert second.recv(100) == ACK
            service.draining = True
            loop.on_signal()
            yield []

    script = batches()
    monkeypatch.setattr(server, "poll", lambda *_: next(script))
    server.serve(service)
    assert service.log(0).count("connection_failed") == 1
