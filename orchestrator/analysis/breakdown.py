"""The stages of a request: its response time in parts that add up to it exactly.

A request passes from the instant that it was due to that of its ack, through the instants that its
client and its server recorded. Each span between two instants belongs to one stage. An instant
before the preceding one makes an empty span, so that no time is counted twice.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from orchestrator.analysis.statistics import Durations, Figures
from orchestrator.measures.stages import STAGES
from orchestrator.results.client_samples import ACKED
from orchestrator.results.tables import Columns, Table, rows_at, user_keys

FROM_SERVER = list(STAGES)[list(STAGES).index("accept_queue") : -1]

Instants = npt.NDArray[np.int64]

BREAKDOWN = np.dtype([(f"{stage}_ns", "<i8") for stage in STAGES])

STAGE_ENDS = (
    ("connection_wait", "freed_ns"),
    ("schedule_lag", "begun_ns"),
    ("connect", "connected_ns"),
    ("schedule_lag", "sent_ns"),
    ("accept_queue", "accepted_ns"),
    ("application_queue", "dequeued_ns"),
    ("unread", "received_ns"),
    ("application_queue", "started_ns"),
    ("service", "finished_ns"),
    ("answer", "ended_ns"),
)
"""Each stage, and the instant that ends it."""


def decompose(requests: Columns) -> Table:
    """Return the stages of each request in ns, row by row; all 0 for a request without an ack."""
    parts: Table = np.zeros(len(requests), BREAKDOWN)
    is_acked = requests["outcome"] == ACKED
    begun_ns = requests["due_ns"].astype(np.int64)
    for (stage, _), ended_ns in zip(STAGE_ENDS, _ends_ns(requests), strict=True):
        parts[f"{stage}_ns"] += np.where(is_acked, ended_ns - begun_ns, 0)
        begun_ns = ended_ns
    is_unknown = (requests["accepted_ns"] == 0) | (requests["finished_ns"] == 0)
    for stage in FROM_SERVER:
        parts["unattributed_ns"][is_unknown] += parts[f"{stage}_ns"][is_unknown]
        parts[f"{stage}_ns"][is_unknown] = 0
    return parts


def reached_ns(requests: Table) -> Instants:
    """Return when each request (row) had reached each of `STAGE_ENDS` (column)."""
    return np.stack([*_ends_ns(requests)], axis=1)


def _ends_ns(requests: Columns) -> Iterator[Durations]:
    """Yield for each of `STAGE_ENDS` when each request had reached it.

    Never before the previous stage, nor after the end of the request.
    """
    ended_ns = requests["ended_ns"].astype(np.int64)
    last_ns = requests["due_ns"].astype(np.int64)
    freed_ns = _freed_ns(requests)
    for _, instant in STAGE_ENDS:
        at_ns = freed_ns if instant == "freed_ns" else requests[instant].astype(np.int64)
        last_ns = np.clip(at_ns, last_ns, np.maximum(ended_ns, last_ns))
        yield last_ns


def _freed_ns(requests: Columns) -> Durations:
    """Return when the connection of each request had finished the previous one; 0 for the first.

    Also 0 if the request was sent before that, so it did not wait.
    """
    keys = user_keys(requests)
    order = np.lexsort((requests["sent_ns"], keys))
    keys = keys[order]
    is_next = keys[1:] == keys[:-1]
    ended_ns = requests["ended_ns"][order].astype(np.int64)
    freed_ns = np.zeros(len(requests), np.int64)
    freed_ns[order[1:][is_next]] = ended_ns[:-1][is_next]
    freed_ns[freed_ns > requests["sent_ns"].astype(np.int64)] = 0
    return freed_ns


def stage_measures(parts: Columns) -> Figures:
    """Return the mean of each stage, in seconds; None if there is no request."""
    return {
        f"time_in_{stage}": float(parts[f"{stage}_ns"].mean()) / 1e9 if len(parts) else None
        for stage in STAGES
    }


def slowest_requests(parts: Columns) -> Table:
    """Return the 1% of the requests with the longest response times, at least one."""
    response_ns = np.zeros(len(parts), np.int64)
    for stage in STAGES:
        response_ns += parts[f"{stage}_ns"]
    slowest = np.argsort(response_ns, kind="stable")[-max(len(parts) // 100, 1) :]
    return rows_at(parts, slowest)
