"""Measures before, during and after the faults of a run, and its recovery time."""

from collections.abc import Sequence

import numpy as np

from orchestrator.analysis.statistics import Figures, between_ns, ratio, statistics_s
from orchestrator.measures.views import WINDOWS
from orchestrator.results.client_samples import ACKED
from orchestrator.results.fault_log import FaultRecord
from orchestrator.results.tables import Table

RECOVERED = 0.9
BIN_NS = 100_000_000


def window_measures(
    requests: Table, faults: Sequence[FaultRecord], span_ns: tuple[int, int]
) -> dict[str, Figures]:
    """Return the measures of each window of the load, which took ``span_ns``; empty without faults.

    ``before`` ends when the first fault is due; ``during`` is from its effect until the last one
    begins to be reverted. The time between them may belong to either, and is in neither.
    """
    edges = _edges(faults)
    if edges is None:
        return {}
    asked_ns = min(fault.asked_ns for fault in faults if fault.effect_ns is not None)
    end_ns = max(span_ns[1], edges[1]) + 1  # so that the last message is in
    spans = ((span_ns[0], asked_ns), edges, (edges[1], end_ns))
    return {name: _measure(requests, *span) for name, span in zip(WINDOWS, spans, strict=True)}


def recovery_time_s(
    requests: Table, faults: Sequence[FaultRecord], windows: dict[str, Figures]
) -> float | None:
    """Return the time from the end of the faults until throughput had recovered.

    It has recovered when it reaches 90% of that before them, in a tenth of a second. None if it did
    not, or there were no faults.
    """
    edges = _edges(faults)
    before_per_s = windows["before"]["throughput"] if windows else None
    if edges is None or not before_per_s:
        return None
    acked_ns = requests["ended_ns"][requests["outcome"] == ACKED].astype(np.int64) - edges[1]
    counts = np.bincount(acked_ns[acked_ns >= 0] // BIN_NS)
    back = np.flatnonzero(counts >= RECOVERED * before_per_s * BIN_NS / 1e9)
    return float(back[0]) * BIN_NS / 1e9 if len(back) else None


def _edges(faults: Sequence[FaultRecord]) -> tuple[int, int] | None:
    effects_ns = [fault.effect_ns for fault in faults if fault.effect_ns is not None]
    if not effects_ns:
        return None
    ends_ns = [fault.ending_ns for fault in faults if fault.ending_ns is not None]
    return min(effects_ns), max([*effects_ns, *ends_ns])


def _measure(requests: Table, begin_ns: int, end_ns: int) -> Figures:
    """Count messages by when they ended; take response times of those due in the window."""
    ended = requests[(requests["ended_ns"] >= begin_ns) & (requests["ended_ns"] < end_ns)]
    due = requests[(requests["due_ns"] >= begin_ns) & (requests["due_ns"] < end_ns)]
    acked = int(np.count_nonzero(ended["outcome"] == ACKED))
    response_ns = between_ns(due, "due_ns", "ended_ns")
    return {
        "throughput": ratio(acked, (end_ns - begin_ns) / 1e9),
        "acked": acked,
        "failed": len(ended) - acked,
        **statistics_s(
            "response_time",
            response_ns,
            "mean",
            "p50",
            "p99",
            "max",
            is_bound=due["outcome"] != ACKED,
        ),
    }
