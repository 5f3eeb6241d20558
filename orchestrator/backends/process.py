"""The process backend: the very same programs as plain local processes, over loopback.

For a machine without an engine and for fast tests. Each program gets a session of its own, so that
a Ctrl-C reaches the orchestrator alone, which then ends them in order.
"""

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from orchestrator.archive import SERVER_LOG
from orchestrator.backends.base import (
    BackendError,
    ClientEnd,
    StageEnd,
    StageOrder,
    worker_pid,
    worker_pids,
)
from orchestrator.backends.probe import KernelProbe, probe_process
from orchestrator.backends.program import ROOT, Program
from orchestrator.interrupts import held

GRACE_S = 5.0
LOOPBACK = "127.0.0.1"


class ProcessBackend:
    """Runs ``services/<model>/server.py`` and ``client/client.py`` with this interpreter."""

    name = "process"
    kept: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._programs: list[Program | KernelProbe] = []

    def prepare(self, models: Sequence[str]) -> None:
        """Check that every model has a program here.

        Raises:
            BackendError: one has only an image.
        """
        for model in models:
            program = ROOT / "services" / model / "server.py"
            if not program.is_file():
                raise BackendError(
                    f"{model} has no services/{model}/server.py, so it cannot run as a process; "
                    "use --backend docker"
                )

    def describe(self) -> Mapping[str, object]:
        """Return the interpreter that runs servers and clients."""
        return {"python": sys.version.split()[0]}

    @contextmanager
    def stage(self, order: StageOrder) -> Iterator["ProcessStage"]:
        """Start server and conductor side by side, then the replicas; end them all on exit."""
        if order.limits.model_fields_set:
            raise BackendError("limits are those of a container; use --backend docker")
        try:
            stage = ProcessStage(order, self._programs)
            stage.start()
            yield stage
        finally:
            self.close()

    def close(self) -> None:
        """End every program that still runs."""
        with held():
            for program in self._programs:
                program.kill()
            self._programs.clear()


class ProcessStage:
    """The processes of one case; each is put among ``programs`` as soon as it runs."""

    def __init__(self, order: StageOrder, programs: list[Program | KernelProbe]) -> None:
        self._order = order
        self._programs = programs
        self._clients: list[Program] = []

    def start(self) -> None:
        """Start everything; return when the server listens and the conductor answers."""
        order = self._order
        server_settings = {"LAB_HOST": LOOPBACK, "LAB_PORT": "0", **order.environment}
        conductor_settings = {"LAB_CONDUCTOR_HOST": LOOPBACK, "LAB_CONDUCTOR_PORT": "0"}
        self._server = self._run(
            "server", ["-m", f"services.{order.model}.server"], server_settings
        )
        conductor = self._run("conductor", ["client/client.py", "conductor"], conductor_settings)
        port = self._server.listening_port()
        self.target = f"{LOOPBACK}:{port}"
        with held():
            self._probe = probe_process(self._server.pid, port, order.folder)
            self._programs.append(self._probe)
        self.conductor = (LOOPBACK, conductor.listening_port())
        client_settings = {"LAB_CONDUCTOR": f"{LOOPBACK}:{self.conductor[1]}"}
        self._clients = [
            self._run(f"client-{number:03d}", ["client/client.py"], client_settings)
            for number in range(order.replicas)
        ]
        self._probe.await_first_look()

    def pause(self) -> None:
        """Stop the server and all it forked."""
        self._server.signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Continue them."""
        self._server.signal_all(signal.SIGCONT)

    def limit_cpus(self, _cpus: float | None) -> None:
        """Refuse.

        Raises:
            BackendError: always.
        """
        raise BackendError("a CPU limit is that of a container; use --backend docker")

    def workers(self) -> list[int]:
        """Return the workers that the server's log tells of."""
        return sorted(worker_pids(self._server.log))

    def kill_worker(self, index: int) -> None:
        """Kill one worker process.

        Raises:
            BackendError: there is none of that index, or it is a thread.
        """
        pid = worker_pid(self._server.log, index)
        if not any(line == f"Tgid:\t{pid}" for line in _status(pid)):
            raise BackendError(f"worker {index} is no process that could be killed alone")
        os.kill(pid, signal.SIGKILL)

    def stop_server(self, *, is_killed: bool) -> None:
        """Tell the server to stop, or kill it and all it forked."""
        if is_killed:
            self._server.signal_all(signal.SIGKILL)
        else:
            self._server.signal(signal.SIGTERM)

    def end(self) -> StageEnd:
        """Stop the server and wait for the clients; their logs are in the folder already."""
        self._probe.end()
        deadline_s = time.monotonic() + GRACE_S
        clients = tuple(_client_end(client, deadline_s) for client in self._clients)
        server_exit_code = self._server.terminate(self._order.drain_timeout_s + GRACE_S)
        return StageEnd(server_exit_code, clients)

    def _run(self, name: str, arguments: list[str], settings: Mapping[str, str]) -> Program:
        log = self._order.folder / (SERVER_LOG if name == "server" else f"{name}.log")
        with held():
            program = Program(name, arguments, settings, log)
            self._programs.append(program)
        return program


def _status(pid: int) -> list[str]:
    """Return the lines of a process's status, none where it has gone; proc(5)."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/status").read_text().splitlines()
    return []


def _client_end(client: Program, deadline_s: float) -> ClientEnd:
    exit_code = client.wait(max(deadline_s - time.monotonic(), 0.0))
    return ClientEnd(client.name, socket.gethostname(), client.pid, exit_code)
