"""What a running program's log tells of it that a fault needs to know.

Waiting for what another program does, with a deadline and without a fixed pause.
"""

import json
from collections.abc import Callable

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from orchestrator.execution.backend import BackendError, events

CROWD = ("-m", "client.idle_connections")
"""The program that opens connections which say nothing; it tells when they stand."""


def worker_pid(log: str, index: int) -> int:
    """Return the process of the worker of that index, the last that ``log`` tells of.

    Raises:
        BackendError: it tells of none.
    """
    pids = worker_pids(log)
    if index not in pids:
        known = ", ".join(map(str, sorted(pids))) or "none"
        raise BackendError(f"there is no worker {index}; workers that the server told of: {known}")
    return pids[index]


def worker_pids(log: str) -> dict[int, int]:
    """Return the process (or thread) of each worker by its index, by the events of ``log``."""
    return {
        int(str(event["index"])): int(str(event["worker_pid"]))
        for event in events(log, "worker_started")
    }


def crowd_pid(output: str) -> int | None:
    """Return the process that a crowd's first line tells of, None where there is no such line."""
    line, newline, _ = output.partition("\n")
    try:
        return int(json.loads(line)["pid"]) if newline else None
    except (ValueError, KeyError, TypeError):
        return None


POLL_S = 0.02


def await_true(condition: Callable[[], bool], deadline_s: float) -> bool:
    """Ask again and again until ``condition`` holds; tell whether it did in ``deadline_s``."""
    waiting = Retrying(
        retry=retry_if_result(lambda holds: not holds),
        stop=stop_after_delay(deadline_s),
        wait=wait_fixed(POLL_S),
        retry_error_callback=lambda _state: False,
    )
    return bool(waiting(condition))
