import errno
import select
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from labkit.server.listener import LISTENER_IS_BROKEN
from labkit.server.nonblocking import ACCEPTS_PER_TURN, Acceptor
from labkit.server.service import ACCEPT_RETRY_S, Service
from labkit.timers import Timers


class FakeService:
    """A listener with ``queued`` connections; ``error`` is what accepting one raises."""

    def __init__(self, listener: socket.socket) -> None:
        self.listener = listener
        self.is_ending = False
        self.queued = 0
        self.error: OSError | None = None
        self.refused: list[OSError] = []

    def accept(self, worker: int) -> "FakeService":
        assert worker == 1
        if self.error is not None:
            raise self.error
        if not self.queued:
            raise BlockingIOError(errno.EAGAIN, "")
        self.queued -= 1
        return self

    @property
    def sock(self) -> "FakeService":
        return self

    def setblocking(self, is_blocking: bool) -> None:
        assert not is_blocking

    def refuse(self, error: OSError, worker: int) -> bool:
        assert worker == 1
        self.refused.append(error)
        return error.errno not in LISTENER_IS_BROKEN


@pytest.fixture
def service() -> Iterator[FakeService]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield FakeService(listener)


def _acceptor(service: FakeService, epoll: select.epoll, timers: Timers | None = None) -> Acceptor:
    timers = Timers() if timers is None else timers
    return Acceptor(cast("Service", service), epoll, timers, 1, select.EPOLLIN)


@pytest.fixture
def epoll() -> Iterator[select.epoll]:
    with select.epoll() as opened:
        yield opened


def _is_watched(epoll: select.epoll) -> bool:
    return "tfd:" in Path(f"/proc/self/fdinfo/{epoll.fileno()}").read_text()


def test_it_accepts_all_that_wait_but_only_so_many_a_turn(
    service: FakeService, epoll: select.epoll
) -> None:
    acceptor = _acceptor(service, epoll)
    assert _is_watched(epoll)
    assert not service.listener.getblocking()
    service.queued = ACCEPTS_PER_TURN + 3
    assert len(list(acceptor.accept())) == ACCEPTS_PER_TURN
    assert len(list(acceptor.accept())) == 3
    assert list(acceptor.accept()) == []


@pytest.mark.parametrize("code", sorted({*errno.errorcode} - LISTENER_IS_BROKEN - {errno.EAGAIN}))
def test_if_accept_fails_it_looks_away_and_tries_again(
    monkeypatch: pytest.MonkeyPatch, service: FakeService, epoll: select.epoll, code: int
) -> None:
    timers = Timers()
    acceptor = _acceptor(service, epoll, timers)
    service.error = OSError(code, "")
    assert list(acceptor.accept()) == []
    assert service.refused == [service.error]
    assert not _is_watched(epoll)
    wait_s = timers.wait_s()
    assert wait_s is not None
    assert 0 < wait_s <= ACCEPT_RETRY_S
    monkeypatch.setattr("time.monotonic_ns", lambda: 1 << 62)
    timers.fire()
    assert _is_watched(epoll)


def test_a_listener_that_the_drain_closed_is_no_error(
    service: FakeService, epoll: select.epoll
) -> None:
    acceptor = _acceptor(service, epoll)
    service.is_ending = True
    service.queued = 1
    assert list(acceptor.accept()) == []
    service.listener.close()
    _acceptor(service, epoll)
    service.is_ending = False
    with pytest.raises((OSError, ValueError)):
        _acceptor(service, epoll)


@pytest.mark.parametrize("code", sorted(LISTENER_IS_BROKEN))
def test_a_broken_listener_is_not_tried_again(
    service: FakeService, epoll: select.epoll, code: int
) -> None:
    timers = Timers()
    acceptor = _acceptor(service, epoll, timers)
    service.error = OSError(code, "")
    assert list(acceptor.accept()) == []
    assert [error.errno for error in service.refused] == [code]
    assert not _is_watched(epoll)
    assert timers.wait_s() is None


def test_a_drain_ends_the_watch_of_a_listener_in_whatever_state(
    service: FakeService, epoll: select.epoll
) -> None:
    acceptor = _acceptor(service, epoll)
    acceptor.stop()
    assert not _is_watched(epoll)
    acceptor.stop()
    service.listener.close()
    acceptor.stop()


def test_a_drain_ends_the_watch_of_a_listener_that_another_process_has_open(
    monkeypatch: pytest.MonkeyPatch, service: FakeService, epoll: select.epoll
) -> None:
    """The handler of the signal has closed this process's; an accept that failed is not tried."""
    timers = Timers()
    acceptor = _acceptor(service, epoll, timers)
    service.error = OSError(errno.EMFILE, "")
    assert list(acceptor.accept()) == []
    with service.listener.dup():
        service.listener.close()
        acceptor.stop()
        monkeypatch.setattr("time.monotonic_ns", lambda: 1 << 62)
        timers.fire()
        assert not _is_watched(epoll)
    with socket.create_server(("127.0.0.1", 0)) as service.listener:
        acceptor = _acceptor(service, epoll)
        with service.listener.dup():
            service.listener.close()
            assert _is_watched(epoll)
            acceptor.stop()
            assert not _is_watched(epoll)
