"""What a running program has written to its log, and waiting for it.

The lab's programs log one JSON event per line. Reads text only: where the log comes from, a file
or a container, is up to the backend.
"""

import contextlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import TypeVar

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from orchestrator.execution.backend import BackendError

LAST_LINES = 12
POLL_S = 0.02
TOO_EARLY = "too early"  # when conductor or client has ended before its case was over
IDLE_CONNECTIONS = ("-m", "client.idle_connections")
"""The program that holds connections open; its first line reports that they are established."""

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


def events(log: str, name: str) -> Iterator[Mapping[str, object]]:
    """Yield the events called ``name``."""
    for line in log.splitlines():
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict) and event.get("event") == name:
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


def idle_connections_pid(output: str) -> int | None:
    """Return the process that holds idle connections, from its first line; None before that."""
    line, newline, _ = output.partition("\n")
    try:
        return int(json.loads(line)["pid"]) if newline else None
    except (ValueError, KeyError, TypeError):
        return None


class LoggedServer(ABC):
    """A server whose workers are known from its log; the same for both backends."""

    @property
    @abstractmethod
    def log(self) -> str:
        """All that the server has written."""

    @abstractmethod
    def kill_process(self, pid: int) -> bool:
        """Kill a process of the server; return False if there is none, or it is a thread."""

    def workers(self) -> list[int]:
        """Return the indexes of the workers that have started."""
        return sorted(self._worker_pids())

    def kill_worker(self, index: int) -> None:
        """Kill one worker process.

        Raises:
            BackendError: no worker has that index, or it is a thread.
        """
        pids = self._worker_pids()
        if index not in pids:
            known = ", ".join(map(str, sorted(pids))) or "none"
            raise BackendError(f"there is no worker {index}; workers in the server's log: {known}")
        if not self.kill_process(pids[index]):
            raise BackendError(f"worker {index} is not a process, so it cannot be killed alone")

    def _worker_pids(self) -> dict[int, int]:
        """Return the latest process (or thread) of each worker by its index."""
        return {
            int(str(event["index"])): int(str(event["worker_pid"]))
            for event in events(self.log, "worker_started")
        }
