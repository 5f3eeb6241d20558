import errno
import json
import os
import signal
import socket
from collections.abc import Iterator
from itertools import count
from types import SimpleNamespace

import pytest

from labkit.server import children
from labkit.server.children import Children
from labkit.server.connection import Connection
from labkit.server.service import ACCEPT_RETRY_S, Service
from labkit.server.settings import Whole
from tests.unit.labkit.server.program_fixtures import parent_service

BOUND = Whole("bound", default=2, low=1, high=8)


@pytest.fixture
def service() -> Iterator[Service]:
    with parent_service(bound=2) as started:
        yield started


class Machine:
    """Processes that end when the test says so; ``allowed``: how many forks succeed from now on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, service: Service) -> None:
        self.allowed = 100
        self.signalled: list[tuple[int, int]] = []
        self._ended: list[tuple[int, int]] = []
        self._pids = count(1000)
        monkeypatch.setattr(children, "fork_worker", self._fork)
        monkeypatch.setattr(os, "wait4", self._wait4)
        monkeypatch.setattr(os, "kill", lambda pid, signum: self.signalled.append((pid, signum)))
        self._service = service
        self.children = Children(service, BOUND)
        self.clients: list[socket.socket] = []

    def connect(self) -> Connection:
        """Connect a client and start the child that serves it."""
        self.clients.append(socket.create_connection(self._service.listener.getsockname()))
        conn = self._service.accept(0)
        self.children.start(conn)
        return conn

    def end(self, *pids: int, status: int = 0) -> None:
        """End ``pids``, and let the parent reap."""
        self._ended += [(pid, status) for pid in pids]
        self.children.reap()

    def _fork(self, *_: object) -> int:
        if not self.allowed:
            raise BlockingIOError(errno.EAGAIN, "no process left")
        self.allowed -= 1
        return next(self._pids)

    def _wait4(self, _pid: int, options: int) -> tuple[int, int, SimpleNamespace]:
        assert self._ended or options == os.WNOHANG, "it would wait for ever"
        pid, status = self._ended.pop(0) if self._ended else (0, 0)
        return pid, status, SimpleNamespace(ru_maxrss=7)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, service: Service) -> Iterator[Machine]:
    made = Machine(monkeypatch, service)
    yield made
    for client in made.clients:
        client.close()


def test_at_the_bound_there_is_no_room_until_a_child_has_ended(machine: Machine) -> None:
    assert machine.children.have_room
    machine.connect()
    machine.connect()
    assert not machine.children.have_room
    machine.end(1001)
    assert machine.children.have_room
    machine.end(1000)
    assert not machine.children.are_running


def test_a_child_has_the_lowest_free_place_and_its_end_is_logged(
    machine: Machine, service: Service, capfd: pytest.CaptureFixture[str]
) -> None:
    machine.connect()
    machine.connect()
    machine.end(1000, status=signal.SIGKILL)
    machine.connect()
    service.log(0).flush()
    events = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    started = [each for each in events if each["event"] == "worker_started"]
    assert [(each["index"], each["worker_pid"]) for each in started] == [
        (1, 1000),
        (2, 1001),
        (1, 1002),
    ]
    (exited,) = (each for each in events if each["event"] == "worker_exited")
    assert (exited["index"], exited["worker_pid"], exited["reason"]) == (1, 1000, "SIGKILL")
    assert exited["peak_memory_bytes"] == 7 * 1024


@pytest.mark.parametrize(
    ("status", "reason"),
    [(0, "connection ended"), (1 << 8, "exit code 1"), (signal.SIGSEGV, "SIGSEGV")],
)
def test_a_child_that_ends_well_has_served_its_connection(
    machine: Machine, capfd: pytest.CaptureFixture[str], status: int, reason: str
) -> None:
    machine.connect()
    machine.end(1000, status=status)
    assert json.loads(capfd.readouterr().out.splitlines()[-1])["reason"] == reason


def test_the_parent_keeps_no_descriptor_of_a_connection(machine: Machine) -> None:
    conn = machine.connect()
    assert not conn.is_open


def test_a_connection_for_which_no_process_can_be_had_is_kept_and_no_other_accepted(
    machine: Machine, capfd: pytest.CaptureFixture[str]
) -> None:
    machine.allowed = 0
    conn = machine.connect()
    for _ in range(3):
        machine.children.reap()
        assert (conn.is_open, machine.children.have_room) == (True, False)
        assert machine.children.retry_s == ACCEPT_RETRY_S
    (report,) = capfd.readouterr().err.splitlines()
    assert report.startswith("tested: cannot start worker 1 of 2: no process left (")
    assert "or lower LAB_BOUND; trying again" in report
    machine.allowed = 1
    machine.children.reap()
    assert (conn.is_open, machine.children.have_room) == (False, True)
    assert machine.children.retry_s is None


def test_in_a_drain_it_accepts_no_more_and_resets_the_connection_that_it_kept(
    machine: Machine, service: Service
) -> None:
    machine.connect()
    machine.allowed = 0
    conn = machine.connect()
    machine.children.send_signal(signal.SIGTERM)
    assert machine.signalled == [(1000, signal.SIGTERM)]
    service.draining = True
    machine.children.reap()
    assert not conn.is_open
    with pytest.raises(ConnectionResetError):
        machine.clients[-1].recv(1)
    assert not machine.children.have_room
    machine.end(1000, status=1 << 8)
    assert service.failure == "worker 1 did not drain"
