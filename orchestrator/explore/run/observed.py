"""What the event log of a server shows of a run: all of its messages that have an ack so far.

And the faults so far, by their records. A connection without an ack has no lane, since the log says
only with a message whose connection it is, and one that waits to be accepted is not in the log.

The log knows neither when a message was due nor when it was sent. So until the run has ended, a
message begins when the server received it, and the time axis when the server accepted its first
connection; the client's records, which are complete then, put both right.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from orchestrator.analysis.chart_data import Exhibit
from orchestrator.analysis.excerpt import excerpt
from orchestrator.analysis.join import REQUEST
from orchestrator.results.client_samples import ACKED
from orchestrator.results.fault_log import FaultRecord, read_faults
from orchestrator.results.kernel_log import last_depth
from orchestrator.results.server_log import ServerLog, read_server_log
from orchestrator.results.summary import FaultSummary
from orchestrator.results.tables import Table
from orchestrator.scenario.plan import Case

MOST_BYTES = 4_000_000
"""Of a log that is drawn while it grows, some 10,000 messages; more would disturb the run."""


def is_too_long(log: Path) -> bool:
    """Whether a log has become too long to be drawn while it grows."""
    return log.stat().st_size > MOST_BYTES


@dataclass(frozen=True)
class Observed:
    """What to draw of a case, its faults so far, and in words who has no lane, empty if nobody."""

    shown: Exhibit
    faults: tuple[FaultSummary, ...]
    without_lane: str


def observe(log: Path, folder: Path, case: Case, limit: int) -> Observed:
    """Return what to draw of ``case`` by its ``log``, at most ``limit`` messages.

    ``folder`` has the records of the faults, and the samples of the kernel's accept queue.

    Raises:
        OSError: the log cannot be read.
        ValueError: the records of the faults are damaged.
    """
    found = read_server_log(log)
    requests, start_ns = requests_in(found, case), _start_ns(found)
    names = [group.name for group in case.groups]
    shown = Exhibit(excerpt(requests, start_ns, names, limit))
    now_ns = time.monotonic_ns()
    records = read_faults(folder) if start_ns else ()
    faults = tuple(_so_far(each, start_ns, now_ns) for each in records if each.effect_ns)
    return Observed(shown, faults, _without_lane(found, last_depth(folder) or 0))


def _without_lane(log: ServerLog, queued: int) -> str:
    """Return who has no lane: connections without an ack, and ``queued`` in the accept queue."""
    is_accepted = log.accepted["accepted_ns"] > 0
    unanswered = int(is_accepted.sum()) - int(is_accepted[np.unique(log.served["conn"])].sum())
    parts = [
        f"{count} {what}"
        for count, what in ((queued, "not yet accepted"), (unanswered, "accepted, without an ack"))
        if count
    ]
    return f"connections without a lane: {', '.join(parts)}" if parts else ""


def _so_far(record: FaultRecord, start_ns: int, now_ns: int) -> FaultSummary:
    """Return a fault that took effect; one that is to be undone and is not lasts until now."""
    assert record.effect_ns is not None  # noqa: S101 its caller has looked
    is_in_effect = record.lasts_ns is not None and not record.error
    undone_ns = record.reverted_ns or (now_ns if is_in_effect else None)
    return FaultSummary(
        fault=record.fault,
        worker=record.worker,
        asked_s=(record.asked_ns - start_ns) / 1e9,
        effect_s=(record.effect_ns - start_ns) / 1e9,
        reverted_s=None if undone_ns is None else (undone_ns - start_ns) / 1e9,
        error=record.error,
        is_by_hand=record.is_by_hand,
    )


def requests_in(log: ServerLog, case: Case) -> Table:
    """Return the messages of ``case`` in ``log``, in the order in which they came."""
    groups = [number for number, group in enumerate(case.groups) for _ in range(group.replicas)]
    served = log.served[log.served["replica"] < len(groups)]
    accepted = log.accepted[served["conn"]]
    requests = np.zeros(len(served), REQUEST)
    for column in ("replica", "user", "message", "worker", "started_ns", "finished_ns", "acked_ns"):
        requests[column] = served[column]
    for column in ("due_ns", "sent_ns", "received_ns"):
        requests[column] = served["received_ns"]
    requests["accepted_ns"] = np.minimum(accepted["accepted_ns"], served["received_ns"])
    requests["dequeued_ns"] = accepted["dequeued_ns"]
    requests["ended_ns"] = requests["first_byte_ns"] = served["acked_ns"]
    requests["group"] = np.array(groups, np.uint16)[served["replica"]]
    requests["outcome"] = ACKED
    return requests[np.argsort(requests["sent_ns"], kind="stable")]


def _start_ns(log: ServerLog) -> int:
    """Return when the first connection was accepted, 0 if none was."""
    accepted_ns = log.accepted["accepted_ns"]
    return int(accepted_ns[accepted_ns > 0].min(initial=2**63 - 1)) if len(accepted_ns) else 0
