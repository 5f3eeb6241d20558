"""The process backend: the same programs as plain local processes, over loopback.

For a machine without Docker and for fast tests. Each program has a session of its own, so that a
Ctrl-C reaches the orchestrator only, which then ends them in order.
"""

import socket
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from labkit.wire.secret import SECRET
from orchestrator.execution.backend import (
    BackendError,
    ClientEnd,
    Needs,
    StageEnd,
    StageOrder,
    check_cpus,
)
from orchestrator.execution.cpu_time import cpu_s_by_session, cpu_s_of, cpu_s_of_ended_children
from orchestrator.execution.cpus import Cpus, running_on
from orchestrator.execution.host import (
    HostTimes,
    environment_of_target,
    environment_without_settings,
)
from orchestrator.execution.interrupts import held
from orchestrator.execution.machines import HostReading
from orchestrator.execution.owner import end_strays
from orchestrator.execution.probe import KernelProbes
from orchestrator.execution.process.interpreters import described
from orchestrator.execution.process.program import Program
from orchestrator.execution.process.server import GRACE_S, LOOPBACK, SERVER, server_of
from orchestrator.execution.program_log import TOO_EARLY
from orchestrator.execution.toxics import SERVICE
from orchestrator.results.archive import SERVER_LOG
from orchestrator.scenario.models import ROOT
from orchestrator.scenario.server import Limits, Target

SYSCTLS = Path("/proc/sys")
PARTS = {SERVER: "server", "conductor": "conductor", SERVICE: "proxy"}
CLIENTS_PART = "clients"
CLIENT_PREFIX = "client-"
CLIENT = [sys.executable, "client/client.py"]


class ProcessBackend:
    """Runs ``services/<model>/server.py`` and ``client/client.py`` with this interpreter."""

    name = "process"
    kept: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._programs: list[Program | KernelProbes] = []
        self._interpreters: dict[str, str] = {}

    def prepare(self, needs: Needs) -> None:
        """Check that every model has a program here, and the target a command or an address.

        Raises:
            BackendError: one of them has only an image, an interpreter is not on this machine, or
                only a container can have the limits.
        """
        for limits in needs.limits:
            check_limits(limits)
        if needs.target is not None and needs.target.image is not None:
            raise BackendError(f"{needs.target.name} is an image; use --backend docker")
        if needs.target is not None and needs.target.address is not None:
            _check_unbound(needs.target, needs.limits)
        for model in needs.models:
            program = ROOT / "services" / model / "server.py"
            if not program.is_file():
                raise BackendError(
                    f"{model} has no services/{model}/server.py, so it cannot run as a process; "
                    "use --backend docker"
                )

        for interpreter in filter(None, needs.interpreters):
            self._interpreters[interpreter] = described(interpreter)

    def describe(self) -> Mapping[str, object]:
        """Return the Python that runs clients and servers, and those of the scenario."""
        python = {"python": sys.version.split()[0]}
        return {**python, "interpreters": self._interpreters} if self._interpreters else python

    @contextmanager
    def stage(self, order: StageOrder) -> Iterator["ProcessStage"]:
        """Start conductor and server, then the replicas; end them all on exit."""
        check_limits(order.limits)
        try:
            stage = ProcessStage(order, self._programs)
            stage.start()
            yield stage
        finally:
            self.close()

    def close(self) -> None:
        """Kill every program that still runs, and what has left its session."""
        with held():
            for program in self._programs:
                program.kill()
            self._programs.clear()
            end_strays()


class ProcessStage:
    """The processes of one case; each is added to ``programs`` as soon as it runs."""

    def __init__(self, order: StageOrder, programs: list[Program | KernelProbes]) -> None:
        self._order = order
        self._programs = programs
        self._clients: list[Program] = []
        self._conductor: Program | None = None
        self.secret = order.secret

    def start(self) -> None:
        """Start everything; return when the server listens and the conductor answers."""
        order = self._order
        secret = {SECRET: order.secret}
        conductor_settings = {"LAB_CONDUCTOR_HOST": LOOPBACK, "LAB_CONDUCTOR_PORT": "0", **secret}
        conductor = self._conductor = self._run(
            "conductor", [*CLIENT, "conductor"], conductor_settings
        )
        self.server = server_of(order, self._run)
        self._programs.append(self.server.probes)
        host, port = self.server.address
        self.target = f"{host}:{port}"
        if self.server.proxy_port:
            self.target = f"{LOOPBACK}:{self.server.proxy_port}"
        self.conductor = (LOOPBACK, conductor.listening_port())
        client_settings = {"LAB_CONDUCTOR": f"{LOOPBACK}:{self.conductor[1]}", **secret}
        self._clients = [
            self._run(f"{CLIENT_PREFIX}{number:03d}", CLIENT, client_settings)
            for number in range(order.replicas)
        ]
        self.server.probes.await_first_look()

    @property
    def address(self) -> tuple[str, int]:
        """The server's address."""
        return self.server.address

    @property
    def cpus(self) -> Cpus:
        """Those of the orchestrator, whose limits the programs inherit."""
        return Cpus.of_this_process()

    def read_host(self) -> HostReading:
        """Return the times of this machine, on which all programs run."""
        return HostReading(HostTimes.now(self.cpus, self.cpu_s()))

    def cpu_s(self) -> Mapping[str, float | None]:
        """Return the CPU time of each part; what has ended under load was a part of the server.

        That of a server which the lab did not start is unknown.
        """
        by_session = cpu_s_by_session()
        found = {"server": 0.0, "probe": cpu_s_of(self.server.probes.pids, by_session)}
        for program in self._programs:
            if isinstance(program, Program):
                part = PARTS.get(program.name, CLIENTS_PART)
                found[part] = found.get(part, 0.0) + cpu_s_of([program.pid], by_session)
        found["server"] += cpu_s_of_ended_children()
        return {**found, "server": found["server"] if self.server.is_ours else None}

    def check_programs(self) -> None:
        """Check that conductor and clients still run.

        Raises:
            BackendError: one of them has ended; with its exit code and its last lines.
        """
        for program in (self._conductor, *self._clients):
            if program is not None:
                program.check(TOO_EARLY)

    def end(self) -> StageEnd:
        """Stop server and proxy, and wait for the clients; the logs are in the folder already."""
        self.server.probes.end()
        deadline_s = time.monotonic() + GRACE_S
        clients = tuple(_client_end(client, deadline_s) for client in self._clients)
        server_ends_ns = self.server.ends_ns
        server_exit_code = self.server.end()
        for program in self._programs:
            if isinstance(program, Program) and program.name == SERVICE:
                program.terminate(GRACE_S)  # so that it logs what passed through it
        return StageEnd(server_exit_code, clients, server_ends_ns=server_ends_ns)

    def _run(self, name: str, arguments: list[str], settings: Mapping[str, str]) -> Program:
        log = self._order.folder / (SERVER_LOG if name == SERVER else f"{name}.log")
        is_target = name == SERVER and self._order.target is not None
        inherited = environment_of_target() if is_target else environment_without_settings()
        folder = Path.cwd() if is_target else ROOT
        with held(), running_on(self._cpus_of(name)):
            program = Program(name, arguments, {**inherited, **settings}, log, folder)
            self._programs.append(program)
        return program

    def _cpus_of(self, name: str) -> tuple[int, ...] | None:
        """Return the CPUs that the program ``name`` may run on, None for all."""
        limits = self._order.limits
        if name == SERVER:
            return limits.server_cpus
        return limits.client_cpus if name.startswith(CLIENT_PREFIX) else None


def check_limits(limits: Limits) -> None:
    """Check that local processes can have these limits.

    They may be bound to CPUs that this process may use, and the settings of the kernel must be what
    the machine has already.

    Raises:
        BackendError: only a container can have one of them, or this process may not use a CPU.
    """
    for key in ("cpus", "memory"):
        if getattr(limits, key) is not None:
            raise BackendError(f"only a container can have limits.{key}; use --backend docker")
    check_cpus(limits, Cpus.of_this_process().allowed)
    for name, value in limits.sysctl_values.items():
        try:
            found = (SYSCTLS / name.replace(".", "/")).read_text(encoding="ascii").strip()
        except OSError:
            found = "unknown"
        if found != str(value):
            raise BackendError(
                f"limits.sysctls: {name} is {found} on this machine, and the scenario needs "
                f"{value}: local processes have none of their own; use --backend docker, or set "
                f"it for the whole machine (as root: sysctl -w {name}={value})"
            )


def _check_unbound(target: Target, limits: Iterable[Limits]) -> None:
    """Check that no CPUs are asked for a server that the lab does not start."""
    if any(each.cpuset is not None for each in limits):
        raise BackendError(
            f"limits.cpuset: {target.name} runs already, so the lab cannot bind it to CPUs; "
            "start it by a command, or bind it yourself (taskset)"
        )


def _client_end(client: Program, deadline_s: float) -> ClientEnd:
    exit_code = client.wait(max(deadline_s - time.monotonic(), 0.0))
    return ClientEnd(client.name, socket.gethostname(), client.pid, exit_code)
