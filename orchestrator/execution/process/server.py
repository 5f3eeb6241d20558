"""The server of a case as a local process, to do something to it.

A server that is not the lab's, behind a command or at an address, as the stage sees it.
"""

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from orchestrator.execution.backend import BackendError, StageOrder, Toxics, events
from orchestrator.execution.probe import KernelProbes
from orchestrator.execution.process.program import START_DEADLINE_S, Program
from orchestrator.execution.program_log import CROWD, await_true, crowd_pid, worker_pid, worker_pids
from orchestrator.execution.toxics import SERVICE, ToxicControl, proxy_settings
from orchestrator.results.archive import SERVER_LOG
from orchestrator.scenario.server import PORT_PLACE

GRACE_S = 5.0
CROWD_DEADLINE_S = 20.0
LOOPBACK = "127.0.0.1"
SERVER = "server"

Run = Callable[[str, list[str], Mapping[str, str]], Program]
"""Runs a program of the stage: its name, its arguments, its environment."""


class ProcessServer:
    """The server's program; ``run`` starts those that a fault needs."""

    def __init__(self, order: StageOrder, run: Run) -> None:
        self._order = order
        self._run = run
        self._program, self.address = self._begin()
        self.probes = KernelProbes(order.folder)
        self._look_at_it()
        self._crowd: Program | None = None
        self.proxy_port = 0
        self.toxics: Toxics = ToxicControl(None)
        if order.is_proxied:
            self._put_behind_proxy()

    def _put_behind_proxy(self) -> None:
        settings = proxy_settings("{}:{}".format(*self.address), LOOPBACK, self._order.seed)
        any_port = {"LAB_PROXY_PORT": "0", "LAB_PROXY_CONTROL_PORT": "0"}
        proxy = self._run(SERVICE, [sys.executable, "-m", "faultproxy"], settings | any_port)
        self.proxy_port = proxy.listening_port()
        (listening,) = events(proxy.log, "listening")
        self.toxics = ToxicControl((LOOPBACK, int(str(listening["control_port"]))))

    def _begin(self) -> tuple[Program | None, tuple[str, int]]:
        """Start the server; return its program, if it is ours to touch, and where it listens."""
        program = self._started(port=0)
        return program, (LOOPBACK, program.listening_port())

    def _started(self, port: int) -> Program:
        command = [sys.executable, "-m", f"services.{self._order.model}.server"]
        return self._run(SERVER, command, self._settings(port))

    def _look_at_it(self) -> None:
        """Have a probe look at the program, if it is ours to touch."""
        if self._program is not None:
            self.probes.look_at_process(self._program.pid, self.address[1])

    def _settings(self, port: int) -> dict[str, str]:
        return {"LAB_HOST": LOOPBACK, **self._order.environment, "LAB_PORT": str(port)}

    @property
    def program(self) -> Program:
        """The server's program.

        Raises:
            BackendError: somebody else runs it.
        """
        if self._program is None:
            raise BackendError(f"{self._order.model} runs elsewhere; the lab leaves it alone")
        return self._program

    def end(self) -> int | None:
        """Tell the server to stop and return its exit code, None where that is not ours to do."""
        if self._program is None:
            return None
        return self._program.terminate(self._order.drain_timeout_s + GRACE_S)

    def pause(self) -> None:
        """Stop the server and all it forked."""
        self.program.signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Continue them."""
        self.program.signal_all(signal.SIGCONT)

    def limit_cpus(self, _cpus: float | None) -> None:
        """Refuse.

        Raises:
            BackendError: always.
        """
        raise BackendError("a CPU limit is that of a container; use --backend docker")

    def workers(self) -> list[int]:
        """Return the workers that the server's log tells of."""
        return sorted(worker_pids(self.program.log))

    def kill_worker(self, index: int) -> None:
        """Kill one worker process.

        Raises:
            BackendError: there is none of that index, or it is a thread.
        """
        pid = worker_pid(self.program.log, index)
        if not any(line == f"Tgid:\t{pid}" for line in _status(pid)):
            raise BackendError(f"worker {index} is no process that could be killed alone")
        os.kill(pid, signal.SIGKILL)

    def stop(self, *, is_killed: bool) -> None:
        """Tell the server to stop, or kill it and all it forked."""
        if is_killed:
            self.program.signal_all(signal.SIGKILL)
        else:
            self.program.signal(signal.SIGTERM)

    def restart(self) -> None:
        """Start the server again at the same port, its log behind the one before."""
        self.program.wait(self._order.drain_timeout_s + GRACE_S)
        starts = len(list(events(self.program.log, "listening")))
        self._program = self._started(self.address[1])
        self._program.listening_port(starts)
        self._look_at_it()

    def disconnect(self) -> None:
        """Refuse.

        Raises:
            BackendError: always.
        """
        raise BackendError("a network of its own is that of a container; use --backend docker")

    def reconnect(self) -> None:
        """Do nothing, for nothing was done."""

    def crowd(self, connections: int, lasts_s: float) -> None:
        """Have a program open connections; return when they stand.

        Raises:
            BackendError: they do not.
        """
        target = "{}:{}".format(*self.address)
        command = [sys.executable, *CROWD, target, str(connections), str(lasts_s)]
        self._crowd = self._run("crowd", command, {})
        crowd = self._crowd
        if not await_true(lambda: crowd_pid(crowd.log) is not None, CROWD_DEADLINE_S):
            raise BackendError("no crowd of connections came about; see crowd.stderr")

    def disperse(self) -> None:
        """End the program that holds them."""
        if self._crowd is not None:
            self._crowd.kill()


def _status(pid: int) -> list[str]:
    """Return the lines of a process's status, none where it has gone; proc(5)."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/status").read_text().splitlines()
    return []


CONNECT_S = 2.0


def server_of(order: StageOrder, run: Run) -> ProcessServer:
    """Return the server that ``order`` asks for, listening.

    Raises:
        BackendError: it does not listen.
    """
    if order.target is None:
        return ProcessServer(order, run)
    return (OwnServer if order.target.command else ServerElsewhere)(order, run)


class OwnServer(ProcessServer):
    """The user's command: told where to listen, known to listen once a connection comes about."""

    def _begin(self) -> tuple[Program, tuple[str, int]]:
        port = _free_port()
        program = self._started(port)
        self._await(program, port)
        return program, (LOOPBACK, port)

    def _started(self, port: int) -> Program:
        command = self._order.target.command if self._order.target else None
        arguments = [each.replace(PORT_PLACE, str(port)) for each in command or ()]
        try:
            return self._run(SERVER, arguments, self._settings(port))
        except OSError as exc:
            raise BackendError(f"{arguments[0]} cannot be run: {exc.strerror}") from exc

    def _await(self, program: Program, port: int) -> None:
        def answers() -> bool:
            program.check()
            return can_connect((LOOPBACK, port))

        if not await_true(answers, START_DEADLINE_S):
            raise BackendError(
                f"{self._order.model} took no connection at {LOOPBACK}:{port}, which it was told "
                f"by LAB_PORT and {PORT_PLACE}, within {START_DEADLINE_S:g} s\n{program.story()}"
            )

    def restart(self) -> None:
        """Start the command again at the same port."""
        self.program.wait(self._order.drain_timeout_s)
        self._program = self._started(self.address[1])
        self._await(self._program, self.address[1])
        self._look_at_it()


class ServerElsewhere(ProcessServer):
    """A server at an address, which somebody else runs: nothing is started, stopped or harmed."""

    def _begin(self) -> tuple[None, tuple[str, int]]:
        assert self._order.target is not None  # noqa: S101 it is why this is made
        address = self._order.target.endpoint
        if not can_connect(address):
            raise BackendError("nobody takes a connection at {}:{}".format(*address))
        (self._order.folder / SERVER_LOG).touch()
        return None, address


def can_connect(address: tuple[str, int]) -> bool:
    """Tell whether a connection comes about."""
    with contextlib.suppress(OSError):
        socket.create_connection(address, CONNECT_S).close()
        return True
    return False


def _free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        port: int = sock.getsockname()[1]
        return port
