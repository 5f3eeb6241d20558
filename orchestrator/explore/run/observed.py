"""What the event log of a server shows of a run: all of its messages that have an ack so far.

The log knows neither when a message was due nor when it was sent. So until the run has ended, a
message begins when the server received it, and the time axis when the server accepted its first
connection; the client's records, which are complete then, put both right.
"""

from pathlib import Path

import numpy as np

from orchestrator.analysis.chart_data import Exhibit
from orchestrator.analysis.excerpt import excerpt
from orchestrator.analysis.join import REQUEST
from orchestrator.results.client_samples import ACKED
from orchestrator.results.server_log import ServerLog, read_server_log
from orchestrator.results.tables import Table
from orchestrator.scenario.plan import Case

MOST_BYTES = 4_000_000
"""Of a log that is drawn while it grows, some 10,000 messages; more would disturb the run."""


def is_too_long(log: Path) -> bool:
    """Whether a log has become too long to be drawn while it grows."""
    return log.stat().st_size > MOST_BYTES


def observe(log: Path, case: Case, limit: int) -> Exhibit:
    """Return what to draw of ``case`` by its ``log``, at most ``limit`` messages.

    Raises:
        OSError: the log cannot be read.
    """
    found = read_server_log(log)
    requests, start_ns = requests_in(found, case), _start_ns(found)
    return Exhibit(excerpt(requests, start_ns, [group.name for group in case.groups], limit))


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
