"""Measures of queues, of fairness between workers, and of idle workers while messages wait.

Pure functions of the tables of `orchestrator.analysis.join`.
"""

import numpy as np
import numpy.typing as npt

from orchestrator.analysis.statistics import Durations, Figures, between_ns, peak_overlap, ratio
from orchestrator.results.client_samples import without_retried
from orchestrator.results.server_log import ServerLog
from orchestrator.results.tables import Table

Counts = npt.NDArray[np.int64]


def queue_measures(requests: Table, connections: Table, log: ServerLog) -> Figures:
    """Return the measures of queues, of fairness and of idle workers by name."""
    begun_ns, ended_ns = span_of(requests)
    listening = log.first("listening")
    workers = int(listening["workers"]) if listening else 0
    return {
        "in_system_mean": mean_overlap(
            without_retried(requests), "due_ns", "ended_ns", ended_ns - begun_ns
        ),
        "waiting_mean": _mean_waiting(requests, ended_ns - begun_ns),
        **_accept_queue(connections),
        "fairness_connections": jain(_per_worker(connections["worker"], workers)),
        "fairness_messages": jain(_per_worker(requests["worker"], workers)),
        "idle_while_waiting": _idle_while_waiting_s(requests, workers),
    }


def jain(shares: Counts) -> float | None:
    """Return Jain's index of fairness: 1 if all shares are equal, 1/n if one worker has all.

    (sum x)^2 / (n sum x^2); Jain, Chiu and Hawe 1984. None if all shares are 0.
    """
    squares = float((shares.astype(np.float64) ** 2).sum())
    return float(shares.sum()) ** 2 / (len(shares) * squares) if squares else None


def _per_worker(worker: npt.NDArray[np.uint16], workers: int) -> Counts:
    """Return how many rows each of the declared_measures workers has; 0 stands for none of them."""
    served: Counts = np.bincount(worker[worker <= workers], minlength=workers + 1)[1:]
    return served


def span_of(requests: Table) -> tuple[int, int]:
    """Return when the first of ``requests`` was due and when the last ended, 0 and 0 if none."""
    if not len(requests):
        return 0, 0
    return int(requests["due_ns"].min()), int(requests["ended_ns"].max())


def mean_overlap(table: Table, begin: str, end: str, window_ns: int) -> float | None:
    """Return how many spans overlap on average: the step function, integrated."""
    change = np.repeat([1, -1], len(table))
    at_ns = np.concatenate([table[begin], table[end]]).astype(np.int64)
    order = np.argsort(at_ns, kind="stable")
    level = np.cumsum(change[order])[:-1]
    return ratio(float((level * np.diff(at_ns[order])).sum()), window_ns)


def _mean_waiting(requests: Table, window_ns: int) -> float | None:
    """Return how many messages wait on average, from due until service, of those served."""
    served = requests[requests["finished_ns"] > 0]
    return ratio(float(between_ns(served, "due_ns", "started_ns").sum()), window_ns)


def _accept_queue(connections: Table) -> Figures:
    """Return how many established connections wait to be accepted, at most and on average."""
    connected = connections[connections["connected_ns"] > 0]
    left_ns = np.where(
        connected["accepted_ns"] > 0, connected["accepted_ns"], connected["ended_ns"]
    ).astype(np.int64)
    entered_ns = connected["connected_ns"].astype(np.int64)
    waits_ns: Durations = (left_ns - entered_ns).clip(min=0)
    window_ns = int(connected["ended_ns"].max()) - int(entered_ns.min()) if len(connected) else 0
    return {
        "accept_queue_max": (
            peak_overlap(entered_ns, entered_ns + waits_ns) if len(connected) else None
        ),
        "accept_queue_mean": ratio(float(waits_ns.sum()), window_ns),
    }


def _idle_while_waiting_s(requests: Table, workers: int) -> float | None:
    """Return the worker-seconds that were idle while a message waited.

    At each instant the number of idle workers or of waiting messages, whichever is less: what a
    work-conserving model would use. An event loop, whose one worker serves several, loses none.
    """
    served = requests[requests["finished_ns"] > 0]
    if not len(served) or not workers:
        return None
    instants = [served[each].astype(np.int64) for each in ("sent_ns", "started_ns", "finished_ns")]
    at_ns = np.concatenate(instants)
    waiting = np.repeat([1, -1, 0], len(served))
    serving = np.repeat([0, 1, -1], len(served))
    order = np.argsort(at_ns, kind="stable")
    idle = (workers - np.cumsum(serving[order])[:-1]).clip(min=0)
    lost = np.minimum(idle, np.cumsum(waiting[order])[:-1].clip(min=0))
    return float((lost * np.diff(at_ns[order])).sum()) / 1e9
