"""The server of a case as a local process: a model of the lab, a command, or an address.

`server_of` chooses the class. What faults do to the server is in `ProcessServer`; a target started
by a command, `CommandServer`, differs in how it starts; one at an address, `ForeignServer`, is not
started, stopped or harmed.
"""

import contextlib
import itertools
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from labkit.wire.secret import SECRET
from orchestrator.execution.backend import BackendError, Crowd, StageOrder, Toxics
from orchestrator.execution.probe import KernelProbes
from orchestrator.execution.process.interpreters import executable_of
from orchestrator.execution.process.program import START_DEADLINE_S, Program
from orchestrator.execution.program_log import (
    IDLE_CONNECTIONS,
    LoggedServer,
    count_starts,
    crowd_established_ns,
    events,
    wait_for,
)
from orchestrator.execution.toxics import SERVICE, ToxicControl, proxy_settings
from orchestrator.results.archive import SERVER_LOG
from orchestrator.scenario.server import PORT_PLACE

GRACE_S = 5.0
FILL_DEADLINE_S = 20.0
CROWD_POLL_S = 0.005
CONNECT_S = 2.0
LOOPBACK = "127.0.0.1"
SERVER = "server"

Run = Callable[[str, list[str], Mapping[str, str]], Program]
"""Starts a program of the stage: its name, its arguments, its environment."""


def server_of(order: StageOrder, run: Run) -> "ProcessServer":
    """Return the server that ``order`` specifies, once it listens.

    Raises:
        BackendError: it does not listen.
    """
    if order.target is None:
        return ProcessServer(order, run)
    return (CommandServer if order.target.command else ForeignServer)(order, run)


class ProcessServer(LoggedServer):
    """A model of the lab; ``run`` starts it, its proxy, and what a fault needs."""

    def __init__(self, order: StageOrder, run: Run) -> None:
        self._order = order
        self._run = run
        self._launched: list[Program] = []
        self._program, self.address = self._start()
        self.probes = KernelProbes(order.folder)
        self._probe()
        self._crowds: dict[str, Program] = {}
        self._crowd_numbers = itertools.count()
        self.proxy_port = 0
        self.toxics: Toxics = ToxicControl(None)
        if order.is_proxied:
            self._start_proxy()

    def _start(self) -> tuple[Program | None, tuple[str, int]]:
        """Start the server; return its program, None if it is foreign, and its address."""
        program = self._launch(port=0)
        return program, (LOOPBACK, program.listening_port())

    def _launch(self, port: int) -> Program:
        python = executable_of(self._order.interpreter)
        command = [python, "-m", f"services.{self._order.model}.server"]
        return self._run_server(command, port)

    def _run_server(self, command: list[str], port: int) -> Program:
        program = self._run(SERVER, command, self._settings(port))
        program.note_end()
        self._launched.append(program)
        return program

    @property
    def ends_ns(self) -> tuple[int, ...]:
        """When its programs ended, those that have, of CLOCK_MONOTONIC."""
        return tuple(each.ended_ns for each in self._launched if each.ended_ns is not None)

    def _settings(self, port: int) -> dict[str, str]:
        return {"LAB_HOST": LOOPBACK, **self._order.environment, "LAB_PORT": str(port)}

    def _probe(self) -> None:
        if self._program is not None:
            self.probes.look_at_process(self._program.pid, self.address[1])

    def _start_proxy(self) -> None:
        settings = proxy_settings("{}:{}".format(*self.address), LOOPBACK, self._order.seed)
        settings |= {"LAB_PROXY_PORT": "0", "LAB_PROXY_CONTROL_PORT": "0"}
        settings[SECRET] = self._order.secret
        proxy = self._run(SERVICE, [sys.executable, "-m", "faultproxy"], settings)
        self.proxy_port = proxy.listening_port()
        (listening,) = events(proxy.log, "listening")
        self.toxics = ToxicControl(
            (LOOPBACK, int(str(listening["control_port"]))), self._order.secret
        )

    @property
    def is_ours(self) -> bool:
        """Whether the lab started the server."""
        return self._program is not None

    @property
    def program(self) -> Program:
        """The server's program.

        Raises:
            BackendError: the lab did not start it.
        """
        if self._program is None:
            raise BackendError(f"{self._order.model} runs elsewhere; the lab leaves it alone")
        return self._program

    def check_running(self) -> None:
        """Check that the server runs.

        Raises:
            BackendError: it has ended, or the lab did not start it.
        """
        if self.program.exit_code is not None:
            raise BackendError(f"the server has ended, exit code {self.program.exit_code}")

    @property
    def log(self) -> str:
        """All that the server has written."""
        return self.program.log

    def end(self) -> int | None:
        """Stop the server and return its exit code, None if the lab did not start it."""
        if self._program is None:
            return None
        return self._program.terminate(self._order.drain_timeout_s + GRACE_S)

    def pause(self) -> None:
        """Stop the server and all it forked."""
        self.check_running()
        self.program.signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Continue them."""
        self.check_running()
        self.program.signal_all(signal.SIGCONT)

    def limit_cpus(self, _cpus: float | None) -> None:
        """Refuse: only a container can be limited."""
        raise BackendError("only a container can have a CPU limit; use --backend docker")

    def kill_process(self, pid: int) -> int | None:
        """Kill a process; return when, None if there is none, or it is a thread."""
        status = _status(pid)
        is_process = f"Tgid:\t{pid}" in status and "State:\tZ (zombie)" not in status
        if not is_process:
            return None
        os.kill(pid, signal.SIGKILL)
        return time.monotonic_ns()

    def reload(self) -> int:
        """Send the server itself SIGHUP; return when."""
        self.check_running()
        self.program.signal(signal.SIGHUP)
        return time.monotonic_ns()

    def stop(self, *, is_killed: bool) -> int:
        """Send the server SIGTERM, or kill it and all it forked; return when."""
        self.check_running()
        if is_killed:
            self.program.signal_all(signal.SIGKILL)
        else:
            self.program.signal(signal.SIGTERM)
        return time.monotonic_ns()

    def restart(self) -> None:
        """Start the server again at the same port; its log is continued."""
        self._wait_until_ended()
        starts = count_starts(self.log)
        self._program = self._launch(self.address[1])
        self._program.listening_port(starts)
        self._probe()

    def _wait_until_ended(self) -> None:
        patience_s = self._order.drain_timeout_s + GRACE_S
        if not self.program.has_ended_within(patience_s):
            raise BackendError(
                f"the server had not ended after {patience_s:g} s, so it was not started again"
            )

    def prepare_disconnect(self) -> None:
        """Do nothing, since `disconnect` will be refused."""

    def disconnect(self) -> int:
        """Refuse: only a container has a network of its own."""
        raise BackendError("only a container has a network of its own; use --backend docker")

    def reconnect(self) -> None:
        """Do nothing, since `disconnect` did nothing."""

    def prepare_crowd(self, name: str, crowd: Crowd) -> None:
        """Start the program that opens the connections when they are due."""
        number = next(self._crowd_numbers)  # a log for each; two may be prepared at once
        command = [sys.executable, *IDLE_CONNECTIONS, "{}:{}".format(*self.address)]
        command += [str(crowd.connections), str(crowd.begin_ns), str(crowd.lasts_s)]
        self._crowds[name] = self._run(f"crowd-{number}" if number else "crowd", command, {})

    def fill_backlog(self, name: str) -> int:
        """Wait until the connections of that crowd are established.

        Raises:
            BackendError: they are not.
        """
        crowd = self._crowds[name]

        def find() -> int | str | None:
            has_ended = crowd.exit_code is not None
            return crowd_established_ns(crowd.log) or ("it has ended" if has_ended else None)

        found = wait_for(find, FILL_DEADLINE_S, CROWD_POLL_S)
        if not isinstance(found, int):
            raise BackendError(f"the connections were not established:\n{crowd.last_lines()}")
        return found

    def release_backlog(self, name: str) -> None:
        """End the program that holds the connections."""
        if name in self._crowds:
            self._crowds[name].kill()


class CommandServer(ProcessServer):
    """A target's command: it gets its port, and is ready once it takes a connection."""

    def _start(self) -> tuple[Program, tuple[str, int]]:
        port = _free_port()
        program = self._launch(port)
        self._wait_until_reachable(program, port)
        return program, (LOOPBACK, port)

    def _launch(self, port: int) -> Program:
        command = self._order.target.command if self._order.target else None
        arguments = [each.replace(PORT_PLACE, str(port)) for each in command or ()]
        try:
            return self._run_server(arguments, port)
        except OSError as exc:
            raise BackendError(f"{arguments[0]} cannot be run: {exc.strerror}") from exc

    def _wait_until_reachable(self, program: Program, port: int) -> None:
        def is_reachable() -> bool:
            program.check()
            return can_connect((LOOPBACK, port))

        if not wait_for(is_reachable, START_DEADLINE_S):
            raise BackendError(
                f"{self._order.model} took no connection at {LOOPBACK}:{port} within "
                f"{START_DEADLINE_S:g} s; LAB_PORT and {PORT_PLACE} contain this port\n"
                f"{program.last_lines()}"
            )

    def restart(self) -> None:
        """Start the command again at the same port."""
        self._wait_until_ended()
        self._program = self._launch(self.address[1])
        self._wait_until_reachable(self._program, self.address[1])
        self._probe()


class ForeignServer(ProcessServer):
    """A target at an address, which the lab does not run: it is not started, stopped or harmed."""

    def _start(self) -> tuple[None, tuple[str, int]]:
        assert self._order.target is not None  # noqa: S101 `server_of` has checked it
        address = self._order.target.endpoint
        if not can_connect(address):
            raise BackendError("no server takes a connection at {}:{}".format(*address))
        (self._order.folder / SERVER_LOG).touch()
        return None, address


def can_connect(address: tuple[str, int]) -> bool:
    """Whether a connection can be established."""
    with contextlib.suppress(OSError):
        socket.create_connection(address, CONNECT_S).close()
        return True
    return False


def _free_port() -> int:
    """Return a port that no program listens on at the moment."""
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        port: int = sock.getsockname()[1]
        return port


def _status(pid: int) -> list[str]:
    """Return the lines of a process's status, none if it has ended; proc(5)."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/status").read_text().splitlines()
    return []
