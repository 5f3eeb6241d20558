"""The interface of a backend: what `docker` and `process` both provide.

A backend prepares once, then opens a stage for each case. A stage is a context manager: on entry
its server listens, its conductor answers and its client replicas are starting; on exit all of it
has been removed, whatever happened inside. Analysis does not know which backend ran.
"""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from orchestrator.execution.machines import HostReading
from orchestrator.results.exit_codes import LabError
from orchestrator.scenario.server import UNLIMITED, Limits, Target

SERVER_PORT = 3000
SECRET_BYTES = 16


class BackendError(LabError):
    """The engine or the infrastructure failed; the message says what, and what to do."""


def check_cpus(limits: Limits, usable: Collection[int]) -> None:
    """Check that the CPUs that ``limits`` name are among the ``usable`` ones.

    Raises:
        BackendError: some are not.
    """
    if wrong := "; ".join(limits.unusable_cpus(usable)):
        raise BackendError(wrong)


@dataclass(frozen=True)
class Needs:
    """What a campaign runs: models of the lab, a target of the user's, the fault proxy.

    ``interpreters`` are those of the models, None is the default one; ``limits`` are those of all
    cases.
    """

    models: Sequence[str]
    target: Target | None = None
    is_proxied: bool = False
    interpreters: Sequence[str | None] = (None,)
    limits: Sequence[Limits] = ()


@dataclass(frozen=True)
class StageOrder:
    """What to run for one case.

    ``environment`` is the server's whole configuration, ``limits`` are its own and the clients',
    ``interpreter`` is the Python that runs it, None the default one; logs go to ``folder``.
    ``target``, unless None, replaces the lab's model.
    ``is_proxied``: the fault proxy stands between clients and server; ``seed`` is for its random
    choices. ``secret`` is known to the programs of the case, except the server, and is never
    stored. ``clients_vanish``: clients need the privilege to drop a connection without FIN or RST.
    ``on_wait`` gets what is waited for from now on. ``placed_on`` names the host of each client
    replica, empty for any; none has one if it is empty.
    """

    model: str
    environment: Mapping[str, str]
    replicas: int
    folder: Path
    drain_timeout_s: float
    clients_vanish: bool = False
    is_proxied: bool = False
    target: Target | None = None
    limits: Limits = UNLIMITED
    interpreter: str | None = None
    seed: int = 0
    placed_on: Sequence[str] = ()
    secret: str = field(default_factory=lambda: secrets.token_hex(SECRET_BYTES), repr=False)
    on_wait: Callable[[str], None] = field(default=lambda _: None, repr=False, compare=False)

    @property
    def port(self) -> int:
        """The port of a server in a container, in its own network."""
        return SERVER_PORT if self.target is None else self.target.port


@dataclass(frozen=True)
class ClientEnd:
    """How one client program ended: its name, which is also its log's, and where it ran.

    ``host`` is the name that the program reports. ``pid`` None matches any program of that host. A
    negative exit code is the signal that killed it.
    """

    program: str
    host: str
    pid: int | None
    exit_code: int


@dataclass(frozen=True)
class StageEnd:
    """How the programs of a case ended; a negative exit code is the signal that killed one.

    ``server_exit_code`` is None for a server that the lab did not start. ``out_of_memory`` names
    the containers whose memory limit made the kernel kill a process, with the limit.
    ``server_ends_ns`` are the instants, of CLOCK_MONOTONIC, at which its program or container ended
    before `Stage.end` stopped it, those by faults included. ``is_one_host``: all programs ran on
    one host, so that they must have the same clock.
    """

    server_exit_code: int | None
    clients: tuple[ClientEnd, ...]
    out_of_memory: tuple[str, ...] = ()
    server_ends_ns: tuple[int, ...] = ()
    is_one_host: bool = True

    @property
    def client_exit_codes(self) -> tuple[int, ...]:
        """The exit codes of the clients."""
        return tuple(client.exit_code for client in self.clients)


class Crowd(NamedTuple):
    """Connections that send nothing: how many, the instant of their begin, and for how long."""

    connections: int
    begin_ns: int
    lasts_s: float


class Toxics(Protocol):
    """The toxics of a fault proxy: mappings with a name; see faultproxy/README.md.

    Both methods raise `BackendError` if there is no proxy, or it refuses.
    """

    def add(self, toxic: Mapping[str, object]) -> int:
        """Put one more toxic into effect; return the instant of that."""

    def lift(self, name: str) -> None:
        """Remove the toxic of that name."""


class Server(Protocol):
    """What faults can do to the running server of a case.

    Each method raises `BackendError` if the backend cannot do it, or the server has ended.
    """

    @property
    def toxics(self) -> Toxics:
        """The toxics of the fault proxy before the server."""

    def is_lost(self) -> bool:
        """Whether nothing that is asked of it is done, since the engine does not answer."""

    def check_running(self) -> None:
        """Check that the server runs, and that the lab has started it."""

    def pause(self) -> None:
        """Stop all of the server's processes."""

    def resume(self) -> None:
        """Continue them."""

    def limit_cpus(self, cpus: float | None) -> None:
        """Limit the server to ``cpus`` CPUs; None restores the limit that it started with."""

    def workers(self) -> list[int]:
        """Return the indexes of the worker processes or threads that have started."""

    def kill_worker(self, index: int) -> int:
        """Kill one worker process, and return the instant of that."""

    def reload(self) -> int:
        """Send the server SIGHUP, to replace its workers; return the instant of that."""

    def stop(self, *, is_killed: bool) -> int:
        """Send the server SIGTERM, or SIGKILL if ``is_killed``; return the instant of that."""

    def restart(self) -> None:
        """Wait until the server has ended, start it again, and wait until it listens."""

    def prepare_disconnect(self) -> None:
        """Do what takes time ahead of `disconnect`."""

    def disconnect(self) -> int:
        """Take the server off its network; return the instant from which it was.

        It keeps its address and its connections.
        """

    def reconnect(self) -> None:
        """Put the server back on its network."""

    def prepare_disconnect_host(self, host: str) -> None:
        """Do what takes time ahead of `disconnect_host`."""

    def disconnect_host(self, host: str) -> int:
        """Cut the clients on ``host`` off the server; return the instant from which they were."""

    def reconnect_host(self, host: str) -> None:
        """Let them reach it again; their addresses and connections are the same."""

    def prepare_crowd(self, name: str, crowd: Crowd) -> None:
        """Start the program that opens the connections when they are due."""

    def fill_backlog(self, name: str) -> int:
        """Wait until the connections of that crowd are established; return the instant of that."""

    def release_backlog(self, name: str) -> None:
        """Close these connections."""


class Stage(Protocol):
    """The running programs of one case."""

    @property
    def target(self) -> str:
        """The server's address as its clients see it, ``host:port``."""

    @property
    def address(self) -> tuple[str, int]:
        """The address of a target as the orchestrator sees it."""

    @property
    def conductor(self) -> tuple[str, int]:
        """The conductor's address as the orchestrator sees it."""

    @property
    def server(self) -> Server:
        """The server, for faults."""

    @property
    def secret(self) -> str:
        """The secret of the run, for the conductor."""

    def read_host(self) -> HostReading:
        """Return the times of the machines of the case, with the CPU time of each part.

        The parts are ``server``, ``clients``, ``conductor``, ``probe`` and, if there is one,
        ``proxy``. It does not wait for other machines, and never raises.
        """

    def check_programs(self) -> None:
        """Check that conductor and clients still run; for a load that has not started.

        Raises:
            BackendError: one of them has ended; with its exit code and its last lines.
        """

    def end(self) -> StageEnd:
        """Stop the server, wait for the clients, and leave every log in the order's folder.

        Raises:
            BackendError: a log could not be read.
        """


class Backend(Protocol):
    """A way to run the lab's programs."""

    @property
    def name(self) -> str:
        """``docker``, ``process`` or ``swarm``."""

    def prepare(self, needs: Needs) -> None:
        """Make sure that everything in ``needs`` can run; may take minutes the first time.

        Raises:
            BackendError: something cannot.
        """

    def describe(self) -> Mapping[str, object]:
        """Return versions and image digests for `environment.json`."""

    def stage(self, order: StageOrder) -> AbstractContextManager[Stage]:
        """Return a stage for one case.

        Raises:
            BackendError: on entry, if a program did not start; with the program's last lines.
        """

    @property
    def kept(self) -> tuple[str, ...]:
        """The Compose projects kept running for inspection, if that was requested."""

    @property
    def left(self) -> tuple[str, ...]:
        """The Compose projects that `close` could not remove."""

    def close(self) -> None:
        """Remove whatever an interrupt left of a stage; may be called again."""
