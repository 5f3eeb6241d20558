"""Why a case cannot be trusted as a measurement: what is missing, what does not add up.

The law of conservation, for each replica and over all: planned = sent + unsent, sent = acked +
failed + in flight; the rows, the books and the server's log say the same.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from labkit.wire.samples import FAILURES, OUTCOMES
from orchestrator.client_measures import ACKED
from orchestrator.collect import Lost, Replica
from orchestrator.evidence import Evidence
from orchestrator.kernel_measures import throttled_periods
from orchestrator.merge import find_sent
from orchestrator.tables import NOWHERE, Table

IN_FLIGHT = OUTCOMES.index("in_flight")


def find_doubts(evidence: Evidence, requests: Table) -> list[str]:
    """Return why the case cannot be trusted as a measurement; nothing is better."""
    clients = evidence.clients
    return [
        *([] if evidence.is_log_cut else evidence.log.gaps),
        *(f"fault {each.fault}: {each.error}" for each in evidence.faults if each.error),
        *clients.gaps,
        *(_loss(lost, evidence) for lost in clients.lost),
        *(doubt for replica in clients.replicas for doubt in _of_replica(replica)),
        *(doubt for replica in clients.replicas for doubt in _of_its_means(replica)),
        *_of_plan(evidence),
        *_of_clocks(requests),
        *_of_throttling(evidence),
        *([] if evidence.log.gaps or not evidence.is_told else _of_log(evidence, requests)),
    ]


def _loss(lost: Lost, evidence: Evidence) -> str:
    """Return who was lost and why, and how many of its messages the server acknowledged."""
    acked = int(np.count_nonzero(evidence.log.served["replica"] == lost.number))
    where = "" if lost.host is None else f" at {lost.host}"
    planned = "" if lost.planned is None else f" of its {lost.planned}"
    return (
        f"replica {lost.number}{where}, of {lost.group}, was lost: {lost.reason}; "
        f"the server acked {acked}{planned} messages"
    )


def _of_replica(replica: Replica) -> Iterator[str]:
    """Yield what does not add up within one replica."""
    name, books = f"replica {replica.number}", replica.books
    if replica.exit_code:
        yield f"{name} ended with exit code {replica.exit_code} after it had reported"
    sent, unsent, planned = books["sent"], books["unsent"], replica.planned
    if planned is not None and sent + unsent != planned:
        yield f"{name}: {planned} messages planned, but {sent} sent + {unsent} unsent"
    if sent != books["acked"] + books["failed"] + books["in_flight"]:
        yield (
            f"{name}: {sent} messages sent, but {books['acked']} acked + {books['failed']} "
            f"failed + {books['in_flight']} in flight"
        )
    if len(replica.messages) == sent:  # else that is a gap already
        yield from _of_rows(replica)
    ended = _by_outcome(replica.connections, 1 + len(FAILURES))[1:]
    for kind, number in zip(FAILURES, ended, strict=True):
        if number != replica.errors[kind]:
            yield f"{name}: {replica.errors[kind]} errors {kind}, but {number} connections say so"


def _of_its_means(replica: Replica) -> Iterator[str]:
    """Yield what a replica lacked to be a client at all."""
    name = f"replica {replica.number}"
    if periods := replica.health.throttled_periods:
        yield f"{name} was throttled in {periods} periods: nothing in a scenario limits its CPU"
    if without := replica.errors["exhausted"]:
        yield f"{name} had no local port or descriptor left for {without} connections"


def _of_rows(replica: Replica) -> Iterator[str]:
    rows = _by_outcome(replica.messages, len(OUTCOMES))
    told = {"acked": rows[ACKED], "in_flight": rows[IN_FLIGHT]}
    told["failed"] = sum(rows) - sum(told.values())
    for outcome, number in told.items():
        if number != replica.books[outcome]:
            counted = f"{replica.books[outcome]} messages {outcome}"
            yield f"replica {replica.number}: {counted}, but {number} rows of samples say so"


def _by_outcome(table: Table, codes: int) -> list[int]:
    """Return how many rows have each code; one that means nothing counts for none."""
    outcomes = table["outcome"]
    known = outcomes[outcomes < codes].astype(np.int64)
    counts: list[int] = np.bincount(known, minlength=codes).tolist()
    return counts


def _of_plan(evidence: Evidence) -> Iterator[str]:
    """Yield the groups whose replicas, lost ones included, do not make up what was planned."""
    members: list[Replica | Lost] = [*evidence.clients.replicas, *evidence.clients.lost]
    for group, planned in evidence.planned.items():
        shares = [each.planned for each in members if each.group == group]
        known = sum(share for share in shares if share is not None)
        if planned is not None and (known != planned or None in shares):
            yield f"{group}: {planned} messages planned, but {known} are the shares of its replicas"


def _of_log(evidence: Evidence, requests: Table) -> Iterator[str]:
    """Yield where the server's log and the clients disagree on what was acknowledged."""
    log = evidence.log
    unseen = np.count_nonzero((requests["outcome"] == ACKED) & (requests["finished_ns"] == 0))
    if unseen and not evidence.is_log_cut:
        yield f"{unseen} acks at the clients have no request_acked in the server's log"
    sent = find_sent(requests, log)
    lost = np.isin(log.served["replica"], [each.number for each in evidence.clients.lost])
    unsent = np.count_nonzero((sent == NOWHERE) & ~lost) + log.strangers
    if unsent:
        yield f"{unsent} request_acked in the server's log are of messages that no client sent"
    known = sent[sent != NOWHERE]
    again = len(known) - len(np.unique(known))
    if again:
        yield f"{again} request_acked in the server's log are of messages acked before"


def _of_throttling(evidence: Evidence) -> Iterator[str]:
    """Yield how often the server was kept from its CPUs by a quota that nobody asked for."""
    is_asked_for = "cpus" in evidence.inputs or any(
        each.fault == "cpu-limit" for each in evidence.faults
    )
    periods = throttled_periods(evidence.kernel)
    if periods and not is_asked_for:
        yield f"the server was throttled in {periods} periods, though the scenario limits no CPU"


def _of_clocks(requests: Table) -> Iterator[str]:
    """Yield how many messages have instants out of order, in which client and server agree."""
    late = (requests["due_ns"] > requests["sent_ns"]) | (requests["sent_ns"] > requests["ended_ns"])
    if late.any():
        yield f"{np.count_nonzero(late)} messages were sent before due, or over before sent"
    served = requests[(requests["finished_ns"] > 0) & (requests["outcome"] == ACKED)]
    order = ("sent_ns", "received_ns", "started_ns", "finished_ns", "ended_ns")
    is_early = [served[later] < served[earlier] for earlier, later in pairwise(order)]
    if np.any(is_early):
        number = np.count_nonzero(np.any(is_early, axis=0))
        yield f"{number} messages were served before they were sent, or acked before served"
