"""What a running program has written to its log, and waiting for it.

The lab's programs log one JSON event per line. Reads text only: where the log comes from, a file
or a container, is up to the backend.
"""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import TypeVar

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from orchestrator.execution.backend import BackendError
from orchestrator.measures.sentences import counted
from orchestrator.results.event_schema import MOST_WORKERS, is_whole
from orchestrator.results.strict_json import read_json

LAST_LINES = 12
POLL_S = 0.02
TOO_EARLY = "too early"  # when conductor or client has ended before its case was over
IDLE_CONNECTIONS = ("-m", "client.idle_connections")
"""The program that holds connections open; it prints its process id, then that they are there."""

ON_LINE = "line"
"""In place of the instant at which it opens them: when a line comes on its standard input."""

MOST_PID = 2**22
"""The kernel's PID_MAX_LIMIT; proc(5)."""

T = TypeVar("T")


def wait_for(condition: Callable[[], T], deadline_s: float, poll_s: float = POLL_S) -> T:
    """Call ``condition`` until its result is true or ``deadline_s`` is over; return that result."""
    attempts = Retrying(
        retry=retry_if_result(lambda result: not result),
        stop=stop_after_delay(deadline_s),
        wait=wait_fixed(poll_s),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    return attempts(condition)


def events(log: str, *names: str) -> Iterator[Mapping[str, object]]:
    """Yield the events called by one of ``names``."""
    for line in log.splitlines():
        with contextlib.suppress(ValueError):
            event = read_json(line)
            if isinstance(event, dict) and event.get("event") in names:
                yield event


def listening_event(log: str, start: int = 0) -> Mapping[str, object] | None:
    """Return the ``listening`` event of the program's start number ``start``, counted from 0."""
    return next(islice(events(log, "listening"), start, None), None)


def count_starts(log: str) -> int:
    """Return how often the program has begun to listen."""
    return len(list(events(log, "listening")))


def last_lines(log: str) -> str:
    """Return the end of a log, indented, for an error message."""
    lines = log.strip().splitlines()[-LAST_LINES:]
    return "\n".join(f"    {line}" for line in lines) or "    (it wrote nothing)"


def crowd_pid(output: str) -> int | None:
    """Return the process that holds idle connections, from its first line; None before that."""
    first = _json_line(output, 0)
    return int(first["pid"]) if isinstance(first.get("pid"), int) else None


def crowd_established_ns(output: str) -> int | None:
    """Return the instant at which idle connections were established; None before that.

    Raises:
        BackendError: the server refused connections.
    """
    settled = _json_line(output, 1)
    if not settled:
        return None
    if settled["refused"]:
        opened = settled["established"] + settled["refused"]
        raise BackendError(f"{settled['refused']} of {counted(opened, 'connections')} refused")
    return int(settled["t_ns"])


def _json_line(output: str, number: int) -> Mapping[str, int]:
    """Return the object in a line of ``output``, empty if there is none or it is not complete."""
    lines = output.split("\n")[:-1]
    with contextlib.suppress(ValueError, IndexError):
        value = read_json(lines[number])
        return value if isinstance(value, dict) else {}
    return {}


class LoggedServer(ABC):
    """A server whose workers are known from its log; the same for both backends."""

    @property
    @abstractmethod
    def log(self) -> str:
        """All that the server has written."""

    @abstractmethod
    def check_running(self) -> None:
        """Check that the server runs, since the dead cannot be paused, stopped or killed.

        Raises:
            BackendError: it has ended, or the lab did not start it.
        """

    @abstractmethod
    def kill_process(self, pid: int) -> int | None:
        """Kill a process of the server; return when, None if there is none or it is a thread."""

    def is_lost(self) -> bool:
        """Whether nothing that is asked of it is done; False unless an engine is asked."""
        return False

    def workers(self) -> list[int]:
        """Return the indexes of the workers that run, by the server's log."""
        return sorted(self._worker_pids())

    def kill_worker(self, index: int) -> int:
        """Kill one worker process, and return the instant of that.

        Raises:
            BackendError: no worker has that index, it is a thread, or the server has ended.
        """
        self.check_running()
        pids = self._worker_pids()
        if index not in pids:
            known = ", ".join(map(str, sorted(pids))) or "none"
            raise BackendError(f"there is no worker {index}; running, by the server's log: {known}")
        killed_ns = self.kill_process(pids[index])
        if killed_ns is None:
            raise BackendError(f"worker {index} is not a process, so it cannot be killed alone")
        return killed_ns

    def prepare_disconnect_host(self, host: str) -> None:
        """Refuse: there is one host. A scenario that names another is refused before that.

        Raises:
            BackendError: always.
        """
        raise BackendError(f"there is no host {host} here; use --backend swarm")

    def disconnect_host(self, host: str) -> int:
        """Refuse as `prepare_disconnect_host` does."""
        raise BackendError(f"there is no host {host} here; use --backend swarm")

    def reconnect_host(self, host: str) -> None:
        """Refuse as `prepare_disconnect_host` does."""
        raise BackendError(f"there is no host {host} here; use --backend swarm")

    def _worker_pids(self) -> dict[int, int]:
        """Return the process (or thread) of each worker that runs by its index.

        A server that forks a process for each connection logs the end of most of them.
        """
        pids: dict[int, int] = {}
        for event in events(self.log, "worker_started", "worker_exited"):
            index, pid = event.get("index"), event.get("worker_pid")
            if not (is_whole(index, MOST_WORKERS) and is_whole(pid, MOST_PID)):
                continue
            worker, process = int(str(index)), int(str(pid))
            if event["event"] == "worker_started":
                pids[worker] = process
            elif pids.get(worker) == process:
                del pids[worker]
        return pids
