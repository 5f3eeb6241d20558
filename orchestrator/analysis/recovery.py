"""The recovery time of a run: until messages are answered again as fast as before its faults.

Only messages that are due after the faults count. Those that had waited are answered in a burst
when a fault ends, which would look like recovery.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from orchestrator.analysis.statistics import Durations, between_ns, quantile
from orchestrator.analysis.windows import span_of_faults
from orchestrator.results.client_samples import ACKED
from orchestrator.results.fault_log import FaultRecord
from orchestrator.results.tables import Columns, Table, select

SHARE = 0.9
SLOWER = 2.0
LEAST_MESSAGES = 10
LEAST_NS = 100_000_000


def recovery_time_s(
    requests: Columns, connections: Table, faults: Sequence[FaultRecord]
) -> float | None:
    """Return the time from the end of the faults until messages due then are served as before.

    T is the 90th percentile of the response times before the faults. The run has recovered at the
    first message that is acked within 2 T, and with it at least 90% of the messages due in the next
    tenth of a second, at least ten. A connection that is never established counts as a message that
    is not acked. None if that does not come, or fewer than ten messages were answered before.
    """
    span = span_of_faults(faults)
    if span is None:
        return None
    is_before = (requests["ended_ns"] < span.begin_ns) & (requests["outcome"] == ACKED)
    before_ns = np.sort(between_ns(select(requests, is_before), "due_ns", "ended_ns"))
    normal_ns = quantile(before_ns, SHARE)
    if normal_ns is None or len(before_ns) < LEAST_MESSAGES:
        return None
    later = select(requests, requests["due_ns"] >= span.end_ns)
    is_good = (later["outcome"] == ACKED) & (
        between_ns(later, "due_ns", "ended_ns") <= SLOWER * normal_ns
    )
    never = connections[(connections["connected_ns"] == 0)]
    refused_ns = never["begun_ns"][never["begun_ns"] >= span.end_ns]
    due_ns = np.concatenate([later["due_ns"], refused_ns]).astype(np.int64)
    is_good = np.concatenate([is_good, np.zeros(len(refused_ns), dtype=bool)])
    order = np.argsort(due_ns, kind="stable")
    recovered_ns = _first_recovered_ns(due_ns[order], is_good[order])
    return None if recovered_ns is None else (recovered_ns - span.end_ns) / 1e9


def _first_recovered_ns(due_ns: Durations, is_good: npt.NDArray[np.bool_]) -> int | None:
    """Return when the first message is due that begins a stretch of good ones; None if none is."""
    begins = np.arange(len(due_ns))
    ends = np.maximum(np.searchsorted(due_ns, due_ns + LEAST_NS), begins + LEAST_MESSAGES)
    is_whole = ends <= len(due_ns)
    begins, ends = begins[is_whole], ends[is_whole]
    good = np.concatenate([[0], np.cumsum(is_good)])
    is_recovered = is_good[begins] & (good[ends] - good[begins] >= SHARE * (ends - begins))
    found = begins[is_recovered]
    return int(due_ns[found[0]]) if len(found) else None
