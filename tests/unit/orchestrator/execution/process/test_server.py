"""Targets as local processes, and one that the lab did not start."""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from orchestrator.execution.backend import BackendError, Crowd, StageOrder
from orchestrator.execution.process.program import Program
from orchestrator.execution.process.server import (
    SERVER,
    CommandServer,
    ForeignServer,
    ProcessServer,
    can_connect,
    server_of,
)
from orchestrator.results.archive import SERVER_LOG
from orchestrator.scenario.models import ROOT
from orchestrator.scenario.server import Target
from tests.port_fixtures import held_port

DEADLINE_S = 20.0
SERVE = """\
import os, signal, socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(os.environ["LAB_PORT"], flush=True)
signal.pause()
"""
PYTHON = (sys.executable, "-S", "-E", "-c")


@pytest.fixture
def server_for(tmp_path: Path) -> Iterator[Callable[[Target], ProcessServer]]:
    """Return a function that starts a target; its programs and probes are killed at the end."""
    programs: list[Program] = []
    servers: list[ProcessServer] = []

    def run(name: str, arguments: list[str], settings: Mapping[str, str]) -> Program:
        folder = tmp_path if name == SERVER else ROOT
        log = tmp_path / f"{name}.log"
        program = Program(name, arguments, {**os.environ, **settings}, log, folder)
        programs.append(program)
        return program

    def start(target: Target) -> ProcessServer:
        order = StageOrder(target.name, {}, 0, tmp_path, drain_timeout_s=DEADLINE_S, target=target)
        server = server_of(order, run)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.probes.kill()
    for program in programs:
        program.kill()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with held_port() as port, socket.create_server(("127.0.0.1", port)) as listening:
        yield listening


def at(listener: socket.socket) -> Target:
    return Target(address="{}:{}".format(*listener.getsockname()))


def test_a_command_gets_its_port_and_is_ready_once_it_takes_a_connection(
    server_for: Callable[[Target], ProcessServer],
) -> None:
    server = server_for(Target(command=(*PYTHON, SERVE, "{port}")))
    assert isinstance(server, CommandServer)
    assert can_connect(server.address)
    assert server.log.strip() == str(server.address[1])  # as LAB_PORT, too
    assert server.end() == -signal.SIGTERM
    assert not can_connect(server.address)


def test_a_command_that_was_killed_is_restarted_at_the_same_port(
    server_for: Callable[[Target], ProcessServer],
) -> None:
    server = server_for(Target(command=(*PYTHON, SERVE, "{port}")))
    address, first = server.address, server.program.pid
    server.stop(is_killed=True)
    server.restart()
    assert can_connect(address)
    assert (server.address, server.program.pid != first) == (address, True)


def test_a_command_that_ends_at_its_start_is_reported_with_its_last_lines(
    server_for: Callable[[Target], ProcessServer],
) -> None:
    with pytest.raises(BackendError, match=r"(?s)exit code 1.*no such table"):
        server_for(Target(command=(*PYTHON, "import sys; sys.exit('no such table')")))


def test_a_program_that_does_not_exist_is_named(
    server_for: Callable[[Target], ProcessServer],
) -> None:
    with pytest.raises(BackendError, match=r"^no/such/program cannot be run: No such file"):
        server_for(Target(command=("no/such/program",)))


def test_a_server_at_an_address_is_neither_started_nor_stopped_nor_harmed(
    server_for: Callable[[Target], ProcessServer], listener: socket.socket, tmp_path: Path
) -> None:
    server = server_for(at(listener))
    assert isinstance(server, ForeignServer)
    assert server.address == listener.getsockname()
    assert server.end() is None
    assert can_connect(server.address)
    assert (tmp_path / SERVER_LOG).read_text() == ""  # so that its absence is no gap
    stop = partial(server.stop, is_killed=True)
    for harm in (server.pause, server.resume, stop, server.restart, server.reload):
        with pytest.raises(BackendError, match="the lab leaves it alone"):
            harm()


def test_an_address_that_no_server_listens_at_is_reported(
    server_for: Callable[[Target], ProcessServer], listener: socket.socket
) -> None:
    target = at(listener)
    listener.close()
    with pytest.raises(BackendError, match=f"no server takes a connection at {target.address}"):
        server_for(target)


def test_what_only_a_container_can_do_is_refused(
    server_for: Callable[[Target], ProcessServer], listener: socket.socket
) -> None:
    server = server_for(at(listener))
    refusal = r"only a container .* --backend docker"
    with pytest.raises(BackendError, match=refusal):
        server.limit_cpus(0.5)
    with pytest.raises(BackendError, match=refusal):
        server.disconnect()
    server.reconnect()  # after a refused `disconnect` there is nothing to undo
    with pytest.raises(BackendError, match="there is no host laptop here; use --backend swarm"):
        server.disconnect_host("laptop")


def test_a_thread_and_a_process_that_has_ended_are_not_killed(
    server_for: Callable[[Target], ProcessServer], listener: socket.socket
) -> None:
    server = server_for(at(listener))
    program = server_for(Target(command=(*PYTHON, SERVE, "{port}"))).program
    program.kill()
    assert not server.kill_process(program.pid)


def test_a_server_that_has_ended_is_neither_paused_nor_resumed_nor_stopped(
    server_for: Callable[[Target], ProcessServer],
) -> None:
    """A signal to its process group would succeed until it has been waited for."""
    server = server_for(Target(command=(*PYTHON, SERVE, "{port}")))
    server.stop(is_killed=True)
    assert server.program.has_ended_within(DEADLINE_S)
    for act in (server.pause, server.resume, partial(server.stop, is_killed=False), server.reload):
        with pytest.raises(BackendError, match=r"^the server has ended, exit code -9$"):
            act()


def test_a_server_that_does_not_end_is_not_started_twice(
    server_for: Callable[[Target], ProcessServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = server_for(Target(command=(*PYTHON, SERVE, "{port}")))
    pid = server.program.pid
    monkeypatch.setattr(server.program, "has_ended_within", lambda _: False)
    with pytest.raises(BackendError, match="had not ended after 25 s, so it was not started again"):
        server.restart()
    assert server.program.pid == pid
    assert can_connect(server.address)


def test_the_crowd_of_each_fault_is_released_on_its_own(
    server_for: Callable[[Target], ProcessServer], listener: socket.socket
) -> None:
    server = server_for(at(listener))
    for name in ("first", "second"):
        server.prepare_crowd(name, Crowd(1, time.monotonic_ns(), 20.0))
        server.fill_backlog(name)
    listener.settimeout(DEADLINE_S)
    tried, first, second = (listener.accept()[0] for _ in range(3))
    with tried, first, second:
        server.release_backlog("first")
        assert first.recv(1) == b""
        second.setblocking(False)
        with pytest.raises(BlockingIOError):
            second.recv(1)


def test_a_crowd_whose_program_ends_is_reported_at_once_with_its_last_lines(
    server_for: Callable[[Target], ProcessServer], listener: socket.socket
) -> None:
    server = server_for(at(listener))
    server.prepare_crowd("crowd", Crowd(-1, 0, 0.0)._replace(connections="many"))  # type: ignore[arg-type]
    with pytest.raises(BackendError, match=r"(?s)not established:.*ValueError.*'many'"):
        server.fill_backlog("crowd")
