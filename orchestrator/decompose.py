"""Where the time of a request went: its response time in parts that add up to it exactly.

A request is followed from the instant that it was due to that of its ack, through what its client
and its server noted. Each stretch between two instants has one name; where an instant lies before
the one that precedes it, its stretch is empty, so that nothing is counted twice.
"""

import numpy as np

from orchestrator.client_measures import ACKED, Figures
from orchestrator.parts import PARTS
from orchestrator.quantiles import Durations
from orchestrator.tables import Table, user_keys

FROM_SERVER = list(PARTS)[list(PARTS).index("accept_queue") : -1]

DECOMPOSED = np.dtype([(f"{part}_ns", "<i8") for part in PARTS])

_STRETCHES = (
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
"""Each part, and the instant that ends it."""


def decompose(requests: Table) -> Table:
    """Return the parts of each request, in ns, row by row; all 0 for one that was not acked."""
    parts: Table = np.zeros(len(requests), DECOMPOSED)
    is_acked = requests["outcome"] == ACKED
    acked, freed_ns = requests[is_acked], _freed_ns(requests)[is_acked]
    found: Table = np.zeros(len(acked), DECOMPOSED)
    ended_ns = acked["ended_ns"].astype(np.int64)
    reached_ns = acked["due_ns"].astype(np.int64)
    for part, instant in _STRETCHES:
        instants_ns = freed_ns if instant == "freed_ns" else acked[instant].astype(np.int64)
        passed_ns = np.clip(instants_ns, reached_ns, ended_ns)
        found[f"{part}_ns"] += passed_ns - reached_ns
        reached_ns = passed_ns
    is_unknown = (acked["accepted_ns"] == 0) | (acked["finished_ns"] == 0)
    for part in FROM_SERVER:
        found["unattributed_ns"][is_unknown] += found[f"{part}_ns"][is_unknown]
        found[f"{part}_ns"][is_unknown] = 0
    parts[is_acked] = found
    return parts


def _freed_ns(requests: Table) -> Durations:
    """Return when the connection of each request was done with the one before; 0 for the first.

    One that was sent before that did not wait for it.
    """
    keys = user_keys(requests)
    order = np.lexsort((requests["sent_ns"], keys))
    ended_ns = requests["ended_ns"][order].astype(np.int64)
    freed_ns = np.zeros(len(requests), np.int64)
    is_next = keys[order][1:] == keys[order][:-1]
    freed_ns[order[1:][is_next]] = ended_ns[:-1][is_next]
    freed_ns[freed_ns > requests["sent_ns"].astype(np.int64)] = 0
    return freed_ns


def part_measures(parts: Table) -> Figures:
    """Return the mean of each part, in seconds; None where there is no request."""
    return {
        f"time_in_{part}": float(parts[f"{part}_ns"].mean()) / 1e9 if len(parts) else None
        for part in PARTS
    }


def slowest(parts: Table) -> Table:
    """Return the hundredth of the requests with the longest response times, at least one."""
    response_ns = sum(parts[f"{part}_ns"] for part in PARTS)
    return parts[np.argsort(response_ns, kind="stable")[-max(len(parts) // 100, 1) :]]
