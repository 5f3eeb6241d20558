import contextlib
import errno
import json
import os
import resource
import signal
import socket
import time
from collections.abc import Iterator

import pytest

from labkit.server import listener as listener_module
from labkit.server import service as service_module
from labkit.server.connection import Connection
from labkit.server.service import ACCEPT_RETRY_S, EXIT_LISTENER_BROKEN, Service
from labkit.server.settings import Settings
from tests.unit.labkit.server.program_fixtures import kept_signals

FATAL = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}
UNNAMED = 524  # ENOTSUPP of the kernel, which Python has no name for
PASSING = sorted({*errno.errorcode, UNNAMED} - FATAL - {errno.EAGAIN})


class FailingListener:
    """A listener whose ``accept`` fails, once with each of ``codes``, and then accepts."""

    def __init__(self, service: Service, codes: list[int]) -> None:
        self._listener = service.listener
        self._codes = codes

    def _accept(self) -> tuple[int, object]:
        if self._codes:
            code = self._codes.pop(0)
            raise OSError(code, os.strerror(code))
        accepted: tuple[int, object] = getattr(self._listener, "_accept")()  # noqa: B009
        return accepted

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def service() -> Iterator[Service]:
    started = Service("tested", Settings(host="127.0.0.1", port=0, log_format="json"))
    listener = started.listener
    with kept_signals():
        yield started
    listener.close()


@pytest.fixture
def pauses_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the list to which each sleep adds its duration instead of sleeping."""
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list to which each signal is added instead of being sent."""
    signals: list[int] = []
    monkeypatch.setattr(os, "kill", lambda _pid, signum: signals.append(signum))
    return signals


def _fail_to_accept(service: Service, *codes: int) -> None:
    setattr(service, "listener", FailingListener(service, list(codes)))  # noqa: B010


def test_the_accept_lock_is_held_for_the_system_call_only(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    deeds: list[str] = []

    @contextlib.contextmanager
    def lock() -> Iterator[None]:
        deeds.append("take")
        yield
        deeds.append("give")

    def accept(listener: socket.socket) -> tuple[socket.socket, str]:
        deeds.append("accept")
        return listener_module.accept(listener)

    monkeypatch.setattr(service_module, "accept", accept)
    monkeypatch.setattr(service.log(1), "emit", lambda event, **_: deeds.append(event))
    service.accept_lock = lock()
    with socket.create_connection(service.listener.getsockname()):
        conn = service.accept(1)
    assert deeds == ["take", "accept", "give", "accepted"]
    conn.forget()


def _accept_one(service: Service) -> Connection | None:
    """Return the next connection, None if the service accepts no more."""
    return next(service.connections(), None)


@pytest.mark.parametrize("code", PASSING)
def test_an_error_that_passes_is_logged_and_accept_is_tried_again(
    service: Service, pauses_s: list[float], capfd: pytest.CaptureFixture[str], code: int
) -> None:
    with socket.create_connection(service.listener.getsockname()):
        _fail_to_accept(service, code, code)
        conn = _accept_one(service)
        assert conn is not None
        conn.sock.close()
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    refused = [event["error"] for event in events if event["event"] == "accept_refused"]
    assert refused == [errno.errorcode.get(code, str(code))] * 2
    assert pauses_s == [ACCEPT_RETRY_S] * 2
    assert service.failure == ""


@pytest.mark.parametrize(
    ("limit", "named"), [(1024, "FD_SETSIZE"), (99, "EMFILE")], ids=["the wall", "below the wall"]
)
def test_a_wall_of_descriptors_is_named_in_the_log_and_reported_once(
    service: Service,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    limit: int,
    named: str,
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda *_: None)
    service.limit_descriptors(1024, "FD_SETSIZE")
    for _ in range(2):
        assert service.refuse(OSError(errno.EMFILE, ""), 1)
    printed = capfd.readouterr()
    assert [json.loads(line)["error"] for line in printed.out.splitlines()[-2:]] == [named] * 2
    reports = printed.err.splitlines()
    assert len(reports) == (named == "FD_SETSIZE")
    assert all(line.startswith("tested: cannot accept: every descriptor b") for line in reports)


@pytest.mark.parametrize("code", sorted(FATAL))
def test_a_broken_listener_makes_it_give_up(
    service: Service, pauses_s: list[float], sent: list[int], code: int
) -> None:
    _fail_to_accept(service, code)
    assert _accept_one(service) is None
    assert service.failure == (
        f"cannot accept: {errno.errorcode[code]}, a broken listener; giving up"
    )
    assert sent == [signal.SIGTERM]
    assert pauses_s == []


@pytest.mark.parametrize("code", sorted(FATAL))
def test_a_worker_process_with_a_broken_listener_ends(
    service: Service, sent: list[int], capfd: pytest.CaptureFixture[str], code: int
) -> None:
    """By a drain of its own, as it may have other connections; EINVAL means its parent drains."""
    service.become_worker()
    _fail_to_accept(service, code)
    assert _accept_one(service) is None
    assert sent == ([] if code == errno.EINVAL else [signal.SIGTERM])
    assert service.exit_code == (0 if code == errno.EINVAL else EXIT_LISTENER_BROKEN)
    assert capfd.readouterr().err == ""
    assert bool(service.failure) == (code != errno.EINVAL)


@pytest.mark.parametrize("code", sorted({errno.EBADF, errno.EINVAL, errno.EPERM}))
def test_in_a_drain_an_error_of_accept_is_the_end(
    service: Service, sent: list[int], pauses_s: list[float], code: int
) -> None:
    service.draining = True
    assert not service.refuse(OSError(code, ""), worker=1)
    assert (service.failure, sent, pauses_s) == ("", [], [])
