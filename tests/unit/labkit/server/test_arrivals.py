import errno
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from labkit.server import arrivals as module
from labkit.server.arrivals import Arrivals
from labkit.server.connection import Connection
from labkit.server.pool import AWAITED
from labkit.server.service import ACCEPT_RETRY_S, Service
from tests.unit.labkit.server.program_fixtures import parent_service


@pytest.fixture
def service() -> Iterator[Service]:
    with parent_service() as started:
        yield started


def test_a_wait_ends_for_a_connection_only_if_it_is_wanted(service: Service) -> None:
    arrivals = Arrivals(service, AWAITED)
    with socket.create_connection(service.listener.getsockname()):
        assert arrivals.wait(None, for_connections=True)
        assert not arrivals.wait(0.001, for_connections=False)
    assert list(arrivals.signals()) == []
    arrivals.close()


def test_a_wait_ends_for_each_signal_which_is_taken_once(service: Service) -> None:
    arrivals = Arrivals(service, AWAITED)
    signal.raise_signal(signal.SIGTERM)  # to this thread, of which the test process has more
    signal.raise_signal(signal.SIGCHLD)
    assert not arrivals.wait(None, for_connections=True)
    assert list(arrivals.signals()) == [signal.SIGTERM]
    assert signal.sigpending() == set()
    arrivals.close()


def test_the_log_is_written_before_a_wait(
    service: Service, capfd: pytest.CaptureFixture[str]
) -> None:
    arrivals = Arrivals(service, AWAITED)
    service.log(0).emit("worker_started", index=1, worker_pid=2)
    arrivals.wait(0.001, for_connections=True)
    assert json.loads(capfd.readouterr().out)["event"] == "worker_started"
    arrivals.close()


def test_a_wait_ends_for_another_descriptor(service: Service) -> None:
    reading, writing = os.pipe()
    with closing(Arrivals(service, AWAITED, reading)) as arrivals:
        os.write(writing, b"x")
        assert not arrivals.wait(None, for_connections=True)
        assert list(arrivals.signals()) == []
    os.close(reading)
    os.close(writing)


def test_gathered_lines_are_written_though_nothing_arrives(
    service: Service, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TICK_S", 0.001)
    with closing(Arrivals(service, AWAITED)) as arrivals:
        service.log(0).emit("worker_started", index=1, worker_pid=2)
        assert not arrivals.wait(None, for_connections=True)
    assert json.loads(capfd.readouterr().out)["event"] == "worker_started"


def test_without_a_descriptor_for_the_signals_the_error_says_why(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "O_CLOEXEC", -1)  # which signalfd(2) does not know
    with pytest.raises(OSError, match=os.strerror(errno.EINVAL)):
        Arrivals(service, AWAITED)


def test_the_connection_that_waits_is_accepted(service: Service) -> None:
    with closing(Arrivals(service, AWAITED)) as arrivals:
        service.listener.setblocking(False)
        assert arrivals.accept() is None
        with socket.create_connection(service.listener.getsockname()):
            assert arrivals.wait(None, for_connections=True)
            conn = arrivals.accept()
        assert conn is not None
        assert conn.id == "0.1"
        conn.forget()


def test_an_error_of_accept_that_passes_is_a_pause(
    service: Service, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def accept(worker: int) -> Connection:  # noqa: ARG001
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(service, "accept", accept)
    with closing(Arrivals(service, AWAITED)) as arrivals:
        began_s = time.monotonic()
        assert arrivals.accept() is None
        assert time.monotonic() - began_s >= ACCEPT_RETRY_S
        monkeypatch.setattr(module, "ACCEPT_RETRY_S", 3600)
        signal.raise_signal(signal.SIGCHLD)
        assert arrivals.accept() is None  # at once
        assert list(arrivals.signals()) == []
    assert '"error":"EMFILE"' in capfd.readouterr().out
