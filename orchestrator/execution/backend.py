"""What every backend promises; analysis does not know which one ran.

A backend prepares once, then stages one case after another. A stage is a context manager: on entry
its server listens, its conductor answers and its client replicas are starting; on exit nothing of
it is left, whatever happened inside.

What faults can do to the server of a stage, and to its connections, on every backend.
"""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

from orchestrator.results.exit_codes import LabError
from orchestrator.scenario.server import UNLIMITED, Limits, Target


class Toxics(Protocol):
    """The toxics of a fault proxy, as it reads them: maps with a name; see faultproxy/README.md."""

    def add(self, toxic: Mapping[str, object]) -> None:
        """Have one more work. Raises `BackendError` where the proxy cannot, or is not there."""

    def lift(self, name: str) -> None:
        """Have it work no more. Raises `BackendError` likewise."""


class Server(Protocol):
    """The running server of one case. Each raises `BackendError` where it cannot be done."""

    @property
    def toxics(self) -> Toxics:
        """What the fault proxy before it does to its connections."""

    def pause(self) -> None:
        """Have the whole server stand still."""

    def resume(self) -> None:
        """Have it go on."""

    def limit_cpus(self, cpus: float | None) -> None:
        """Give it no more CPUs than that; None takes the limit away again."""

    def workers(self) -> list[int]:
        """Return the indexes of the worker processes or threads that have started."""

    def kill_worker(self, index: int) -> None:
        """Kill one worker process."""

    def stop(self, *, is_killed: bool) -> None:
        """Tell it to stop, or kill it."""

    def restart(self) -> None:
        """Wait until it has ended, start it again, and wait until it listens."""

    def disconnect(self) -> None:
        """Take it off its network; it keeps its address and its connections."""

    def reconnect(self) -> None:
        """Put it back."""

    def crowd(self, connections: int, lasts_s: float) -> None:
        """Open so many connections to it that say nothing, for so long at most."""

    def disperse(self) -> None:
        """Close them."""


LAST_LINES = 12
SERVER_PORT = 3000


class BackendError(LabError):
    """The engine or the infrastructure failed; the message says what, and what to do."""


@dataclass(frozen=True)
class Needs:
    """What a campaign wants to run: models of the lab, a server beside them, the fault proxy."""

    models: Sequence[str]
    target: Target | None = None
    is_proxied: bool = False


@dataclass(frozen=True)
class StageOrder:
    """What to run for one case.

    ``environment`` is the server's whole configuration, ``limits`` what its container may have;
    logs and exit codes go to ``folder``.
    ``target`` is to be served from in place of a model of the lab, if it is not None.
    ``is_proxied``: the fault proxy stands between clients and server, its chances by ``seed``.
    ``clients_vanish``: they need the privilege to drop a connection without FIN or RST.
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
    seed: int = 0

    @property
    def port(self) -> int:
        """Where the server of a container listens, in its own network."""
        return SERVER_PORT if self.target is None else self.target.port


@dataclass(frozen=True)
class ClientEnd:
    """How one client program ended: its name, which its log bears, and where it ran.

    ``host`` is as the program itself names it; ``pid`` None is whichever enrolled from there. A
    negative exit code is the signal that killed it.
    """

    program: str
    host: str
    pid: int | None
    exit_code: int


@dataclass(frozen=True)
class StageEnd:
    """How the programs of a case ended; a negative exit code is the signal that killed one.

    A server that was not ours to end has none.
    """

    server_exit_code: int | None
    clients: tuple[ClientEnd, ...]

    @property
    def client_exit_codes(self) -> tuple[int, ...]:
        """The exit codes alone."""
        return tuple(client.exit_code for client in self.clients)


class Stage(Protocol):
    """The running programs of one case."""

    @property
    def target(self) -> str:
        """The server's address as its clients see it, ``host:port``."""

    @property
    def address(self) -> tuple[str, int]:
        """Where the orchestrator reaches the server, of a target at least."""

    @property
    def conductor(self) -> tuple[str, int]:
        """The conductor's address as the orchestrator sees it."""

    @property
    def server(self) -> Server:
        """The server, to do something to it."""

    def end(self) -> StageEnd:
        """Stop the server, wait for the clients, and leave every log in the order's folder.

        Raises:
            BackendError: a log could not be had.
        """


class Backend(Protocol):
    """A way to run the lab's programs."""

    @property
    def name(self) -> str:
        """``docker`` or ``process``."""

    def prepare(self, needs: Needs) -> None:
        """Make sure that all of it can be run; may take minutes the first time.

        Raises:
            BackendError: they cannot.
        """

    def describe(self) -> Mapping[str, object]:
        """Return versions and image digests for `environment.json`."""

    def stage(self, order: StageOrder) -> AbstractContextManager[Stage]:
        """Return a stage for one case.

        Raises:
            BackendError: on entry, if a program did not start; with its own last lines.
        """

    @property
    def kept(self) -> tuple[str, ...]:
        """The Compose projects left up for a look, where that was asked for."""

    def close(self) -> None:
        """Remove whatever an interrupt left of a stage; nothing happens where nothing is left."""


def last_lines(log: str) -> str:
    """Return the end of a program's log, indented, for an error message."""
    lines = log.strip().splitlines()[-LAST_LINES:]
    return "\n".join(f"    {line}" for line in lines) or "    (it wrote nothing)"


def events(log: str, name: str) -> Iterator[Mapping[str, object]]:
    """Yield the events called ``name`` of a program's log."""
    for line in log.splitlines():
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict) and event.get("event") == name:
                yield event


def listening_event(log: str, number: int = 0) -> Mapping[str, object] | None:
    """Return the ``listening`` event of a program's start of that number, if it is there."""
    return next(islice(events(log, "listening"), number, None), None)
