"""What every backend promises; analysis does not know which one ran.

A backend prepares once, then stages one case after another. A stage is a context manager: on entry
its server listens, its conductor answers and its client replicas are starting; on exit nothing of
it is left, whatever happened inside.
"""

import contextlib
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from orchestrator.scenario import Limits
from orchestrator.scenario.sections import UNLIMITED

LAST_LINES = 12


class BackendError(Exception):
    """The engine or the infrastructure failed; the message says what, and what to do."""


@dataclass(frozen=True)
class StageOrder:
    """What to run for one case.

    ``environment`` is the server's whole configuration, ``limits`` what its container may have;
    logs and exit codes go to ``folder``.
    ``clients_vanish``: they need the privilege to drop a connection without FIN or RST.
    """

    model: str
    environment: Mapping[str, str]
    replicas: int
    folder: Path
    drain_timeout_s: float
    clients_vanish: bool = False
    limits: Limits = UNLIMITED


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
    """How the programs of a case ended; a negative exit code is the signal that killed one."""

    server_exit_code: int
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
    def conductor(self) -> tuple[str, int]:
        """The conductor's address as the orchestrator sees it."""

    def pause(self) -> None:
        """Have the whole server stand still."""

    def resume(self) -> None:
        """Have it go on."""

    def limit_cpus(self, cpus: float | None) -> None:
        """Give the server no more CPUs than that; None takes the limit away again."""

    def workers(self) -> list[int]:
        """Return the indexes of the worker processes or threads that have started."""

    def kill_worker(self, index: int) -> None:
        """Kill one worker process.

        Raises:
            BackendError: there is none of that index, or it is no process.
        """

    def stop_server(self, *, is_killed: bool) -> None:
        """Tell the server to stop, or kill it."""

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

    def prepare(self, models: Sequence[str]) -> None:
        """Make sure that ``models`` can be run; may take minutes the first time.

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


def worker_pids(log: str) -> dict[int, int]:
    """Return the process (or thread) of each worker by its index, by the events of ``log``."""
    pids: dict[int, int] = {}
    for line in log.splitlines():
        with contextlib.suppress(ValueError, KeyError, TypeError):
            event = json.loads(line)
            if event["event"] == "worker_started":
                pids[int(event["index"])] = int(event["worker_pid"])
    return pids


def worker_pid(log: str, index: int) -> int:
    """Return the process of the worker of that index.

    Raises:
        BackendError: ``log`` knows none.
    """
    pids = worker_pids(log)
    if index not in pids:
        known = ", ".join(map(str, sorted(pids))) or "none"
        raise BackendError(f"there is no worker {index}; workers that the server told of: {known}")
    return pids[index]


def last_lines(log: str) -> str:
    """Return the end of a program's log, indented, for an error message."""
    lines = log.strip().splitlines()[-LAST_LINES:]
    return "\n".join(f"    {line}" for line in lines) or "    (it wrote nothing)"


def listening_event(log: str) -> Mapping[str, object] | None:
    """Return the ``listening`` event of a program's log, if it is there."""
    for line in log.splitlines():
        with contextlib.suppress(ValueError):
            event: Mapping[str, object] = json.loads(line)
            if event.get("event") == "listening":
                return event
    return None
