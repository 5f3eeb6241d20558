"""Measures of queues, of fairness between workers, and of idle workers while messages wait.

Pure functions of the tables of `orchestrator.analysis.join`.
"""

import numpy as np
import numpy.typing as npt

from orchestrator.analysis.statistics import Durations, Figures, between_ns, peak_overlap, ratio
from orchestrator.results.client_samples import without_retried
from orchestrator.results.server_log import ServerLog
from orchestrator.results.tables import Columns, select

Counts = npt.NDArray[np.int64]


def queue_measures(requests: Columns, connections: Columns, log: ServerLog) -> Figures:
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


def span_of(requests: Columns) -> tuple[int, int]:
    """Return when the first of ``requests`` was due and when the last ended, 0 and 0 if none."""
    if not len(requests):
        return 0, 0
    return int(requests["due_ns"].min()), int(requests["ended_ns"].max())


def mean_overlap(table: Columns, begin: str, end: str, window_ns: int) -> float | None:
    """Return how many spans overlap on average: their lengths, added up, over the window.

    The integral of the step function of their number, in whole nanoseconds, is that sum.
    """
    return ratio(float(between_ns(table, begin, end).sum()), window_ns)


def _mean_waiting(requests: Columns, window_ns: int) -> float | None:
    """Return how many messages wait on average, from due until service, of those served."""
    served = select(requests, requests["finished_ns"] > 0)
    return ratio(float(between_ns(served, "due_ns", "started_ns").sum()), window_ns)


def _accept_queue(connections: Columns) -> Figures:
    """Return how many established connections wait to be accepted, at most and on average."""
    connected = select(connections, connections["connected_ns"] > 0)
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


def _idle_while_waiting_s(requests: Columns, workers: int) -> float | None:
    """Return the worker-seconds that were idle while a message waited.

    At each instant the number of idle workers or of waiting messages, whichever is less: what a
    work-conserving model would use. An event loop, whose one worker serves several, loses none.
    """
    served = select(requests, requests["finished_ns"] > 0)
    if not len(served) or not workers:
        return None
    instants = [served[each].astype(np.int64) for each in ("sent_ns", "started_ns", "finished_ns")]
    at_ns = np.concatenate(instants)
    del instants
    order = np.argsort(at_ns, kind="stable")
    waiting, serving = (
        np.cumsum(np.repeat(np.array(change, np.int8), len(served))[order], dtype=np.int32)[:-1]
        for change in ((1, -1, 0), (0, 1, -1))
    )
    lost = np.minimum((workers - serving).clip(min=0), waiting.clip(min=0))
    at_ns = at_ns[order]
    return float((lost * np.diff(at_ns)).sum()) / 1e9
