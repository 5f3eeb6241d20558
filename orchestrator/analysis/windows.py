"""Measures before, during and after the faults of a run."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from labkit.wire.samples import OUTCOMES
from orchestrator.analysis.statistics import Figures, between_ns, ratio, statistics_s
from orchestrator.measures.views import WINDOWS
from orchestrator.results.client_samples import ACKED
from orchestrator.results.fault_log import FaultRecord
from orchestrator.results.tables import Table

IN_FLIGHT = OUTCOMES.index("in_flight")


class FaultSpan(NamedTuple):
    """When the first fault of a run was due, and when the last began to be reverted."""

    begin_ns: int
    end_ns: int


def span_of_faults(faults: Sequence[FaultRecord]) -> FaultSpan | None:
    """Return the span of the faults that took effect, None if none did.

    A fault that is never reverted counts as over at its effect.
    """
    effective = [fault for fault in faults if fault.effect_ns is not None]
    if not effective:
        return None
    ends_ns = [fault.ending_ns or fault.effect_ns or 0 for fault in effective]
    return FaultSpan(min(fault.asked_ns for fault in effective), max(ends_ns))


def window_measures(
    requests: Table,
    faults: Sequence[FaultRecord],
    span_ns: tuple[int, int],
    percentiles: Sequence[str] = (),
) -> dict[str, Figures]:
    """Return the measures of each window of the load, which took ``span_ns``; empty without faults.

    The windows are a partition of time: ``before`` ends when the first fault is due, and ``during``
    when the last one begins to be reverted. So each message of ``requests``, which are those of the
    whole run, counts in exactly one window, and the counts add up to the run's. Throughput and
    response times are those within ``span_ns``, which begins after the warm-up. ``percentiles`` are
    those of response times besides the usual ones.
    """
    span = span_of_faults(faults)
    if span is None:
        return {}
    edges_ns = np.array(span, dtype=np.uint64)
    ended_in = np.searchsorted(edges_ns, requests["ended_ns"], side="right")
    due_in = np.searchsorted(edges_ns, requests["due_ns"], side="right")
    is_counted = requests["due_ns"] >= span_ns[0]
    bounds_ns = np.clip((span_ns[0], *span, span_ns[1]), *span_ns)
    lengths_s = np.diff(bounds_ns) / 1e9
    return {
        name: _measure(
            requests[ended_in == place],
            requests[(due_in == place) & is_counted],
            (span_ns[0], float(lengths_s[place])),
            percentiles,
        )
        for place, name in enumerate(WINDOWS)
    }


def _measure(
    ended: Table, due: Table, measured: tuple[int, float], percentiles: Sequence[str]
) -> Figures:
    """Count messages by when they ended; take response times of those due in the window.

    ``measured`` is when measuring begins, and how many seconds of the window are measured.
    """
    begin_ns, length_s = measured
    is_acked, is_in_flight = ended["outcome"] == ACKED, ended["outcome"] == IN_FLIGHT
    acked, in_flight = int(np.count_nonzero(is_acked)), int(np.count_nonzero(is_in_flight))
    in_time = int(np.count_nonzero(is_acked & (ended["ended_ns"] >= begin_ns)))
    response_ns = between_ns(due, "due_ns", "ended_ns")
    return {
        "throughput": ratio(in_time, length_s),
        "acked": acked,
        "failed": len(ended) - acked - in_flight,
        "in_flight": in_flight,
        **statistics_s(
            "response_time",
            response_ns,
            "mean",
            "p50",
            "p99",
            "max",
            *percentiles,
            is_bound=due["outcome"] != ACKED,
        ),
    }
