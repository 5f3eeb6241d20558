"""Measures before, during and after the faults of a run."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from labkit.wire.samples import OUTCOMES
from orchestrator.analysis.client_measures import Clients, in_time
from orchestrator.analysis.consequences import over_ns
from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.statistics import Figures, between_ns, ratio, statistics_s
from orchestrator.measures.views import MEASURED, WINDOWS
from orchestrator.results.client_samples import ACKED
from orchestrator.results.fault_log import FaultRecord
from orchestrator.results.tables import Columns, Flags, select

IN_FLIGHT = OUTCOMES.index("in_flight")


class FaultSpan(NamedTuple):
    """From when the first fault of a run was due, until the last one was over."""

    begin_ns: int
    end_ns: int


def span_of_faults(faults: Sequence[FaultRecord]) -> FaultSpan | None:
    """Return the span of the faults that took effect, None if none did.

    A fault is over when it begins to be reverted, or at its effect if it never is.
    """
    effective = [fault for fault in faults if fault.effect_ns is not None]
    if not effective:
        return None
    ends_ns = [fault.ending_ns or fault.effect_ns or 0 for fault in effective]
    return FaultSpan(min(fault.asked_ns for fault in effective), max(ends_ns))


def span_of_consequences(evidence: Evidence) -> FaultSpan | None:
    """Return the window ``during``, which ends when the first consequence of each fault is over.

    None if no fault took effect.
    """
    span = span_of_faults(evidence.faults)
    if span is None:
        return None
    ends_ns = [over_ns(fault, evidence) or 0 for fault in evidence.faults]
    return FaultSpan(span.begin_ns, max(span.begin_ns, *ends_ns))


def window_measures(clients: Clients, during: FaultSpan | None) -> dict[str, Figures]:
    """Return the measures of ``clients`` in each window of the load; empty without faults.

    The windows are a partition of time: what precedes the window ``during``, that, and what follows
    it. So each message of the whole run counts in exactly one window, and the counts add up to the
    run's. Throughput, goodput and response times are those after the warm-up.

    All measures of a window are unknown if it saw nothing: no message was on its way in it, from
    when it was due until its outcome was known, and no connection that was never established was
    being tried, on which messages wait that have no row.
    """
    if during is None:
        return {}
    requests, percentiles = clients.messages, clients.percentiles.get("response_time", ())
    span_ns = (clients.begin_ns, clients.end_ns)
    edges_ns = np.array(during, dtype=np.uint64)
    ended_in = np.searchsorted(edges_ns, requests["ended_ns"], side="right")
    due_in = np.searchsorted(edges_ns, requests["due_ns"], side="right")
    is_counted = requests["due_ns"] >= span_ns[0]
    bounds_ns = np.clip((span_ns[0], *during, span_ns[1]), *span_ns)
    lengths_s = np.diff(bounds_ns) / 1e9
    seen = _seen(edges_ns, requests, clients.connections)
    return {
        name: _measure(
            select(requests, ended_in == place),
            select(requests, (due_in == place) & is_counted),
            (span_ns[0], float(lengths_s[place])),
            clients,
        )
        if seen[place]
        else dict.fromkeys((*MEASURED, *(f"response_time_{each}" for each in percentiles)))
        for place, name in enumerate(WINDOWS)
    }


def _seen(edges_ns: npt.NDArray[np.uint64], requests: Columns, connections: Columns) -> Flags:
    """Return for each window whether a message was on its way in it, or tried to be."""
    never = select(connections, connections["connected_ns"] == 0)
    begins_ns = np.concatenate([requests["due_ns"], never["begun_ns"]])
    ends_ns = np.concatenate([requests["ended_ns"], never["ended_ns"]])
    ends_ns = np.maximum(begins_ns, ends_ns)
    first, last = (np.searchsorted(edges_ns, each, side="right") for each in (begins_ns, ends_ns))
    return np.array([bool(np.any((first <= n) & (n <= last))) for n in range(len(WINDOWS))])


def _measure(
    ended: Columns, due: Columns, measured: tuple[int, float], clients: Clients
) -> Figures:
    """Count messages by when they ended; take response times of those due in the window.

    ``measured`` is when measuring begins, and how many seconds of the window are measured.
    """
    begin_ns, length_s = measured
    is_acked, is_in_flight = ended["outcome"] == ACKED, ended["outcome"] == IN_FLIGHT
    acked, in_flight = int(np.count_nonzero(is_acked)), int(np.count_nonzero(is_in_flight))
    is_measured = ended["ended_ns"] >= begin_ns
    is_good = in_time(ended, clients.deadlines_s)
    good = None if is_good is None else int(np.count_nonzero(is_good & is_measured))
    response_ns = between_ns(due, "due_ns", "ended_ns")
    return {
        "throughput": ratio(int(np.count_nonzero(is_acked & is_measured)), length_s),
        "goodput": None if good is None else ratio(good, length_s),
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
            *clients.percentiles.get("response_time", ()),
            is_bound=due["outcome"] != ACKED,
        ),
    }
