"""What a running program's log tells of it that a fault needs to know."""

import json

from orchestrator.backends.base import BackendError, events

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
