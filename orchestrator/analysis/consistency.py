"""Inconsistencies of a run: records that are missing or do not agree, so that the run is invalid.

For each replica and for all of them, planned = sent + unsent and sent = acked + failed + in flight;
each attempt to send a message has a row, and each retry follows a time-out; the rows of samples,
the counts and the server's log agree. In addition, laws that no server can break: each compares
records that were made independently. That no message is faster than its demand is held by
`orchestrator.twin.demands`, which knows the demands.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from labkit.wire.samples import FAILURES, OUTCOMES
from orchestrator.analysis.clocks import find_other_clocks
from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.fault_doubts import find_fault_doubts
from orchestrator.analysis.interference import find_interference
from orchestrator.analysis.join import find_sent
from orchestrator.analysis.kernel_measures import throttled_periods
from orchestrator.measures.sentences import counted
from orchestrator.results.client_samples import ACKED, RETRIED, LostReplica, Replica, StoredTable
from orchestrator.results.summary import Reason, ReasonKind
from orchestrator.results.tables import NOWHERE, Keys, Table, pair_keys, select, user_keys
from orchestrator.scenario.versions import is_free_threaded, is_version, version_of

IN_FLIGHT = OUTCOMES.index("in_flight")


def find_inconsistencies(evidence: Evidence, requests: Table) -> list[Reason]:
    """Return the records that are missing or do not agree, empty if there are none."""
    clients, log = evidence.clients, evidence.log
    gaps = evidence.unexplained_gaps
    is_log_read = evidence.has_event_log and not log.gaps
    by_kind: dict[ReasonKind, Iterable[str]] = {
        ReasonKind.LOST_RECORDS: [
            *gaps,
            *_of_beginning(evidence),
            *clients.gaps,
            *evidence.kernel.gaps,
        ],
        ReasonKind.FAULT: [f"out of memory: {each}" for each in evidence.out_of_memory],
        ReasonKind.LOST_REPLICA: [
            *(_loss(lost, evidence) for lost in clients.lost),
            *_of_programs(clients.replicas),
        ],
        ReasonKind.STRANGER: find_interference(evidence),
        ReasonKind.OTHER_INTERPRETER: dict.fromkeys(_of_interpreter(evidence)),
        ReasonKind.OTHER_CLOCK: find_other_clocks(evidence),
        ReasonKind.UNBALANCED: [
            *(reason for replica in clients.replicas for reason in _of_replica(replica)),
            *_of_plan(evidence),
            *_of_clocks(requests, evidence.clock_bound_ns),
            *(_of_log(evidence, requests) if is_log_read else ()),
        ],
        ReasonKind.BROKEN_LAW: _broken_laws(evidence, requests),
        ReasonKind.DISTURBED_RUN: [
            *(reason for replica in clients.replicas for reason in _of_its_means(replica)),
            *_of_throttling(evidence),
        ],
    }
    reasons = [Reason(kind, text) for kind, texts in by_kind.items() for text in texts]
    return [*reasons, *find_fault_doubts(evidence)]


def _of_beginning(evidence: Evidence) -> Iterator[str]:
    """Yield whether the log's beginning is missing; a killed server cannot be the cause."""
    if evidence.has_event_log and evidence.log.first("listening") is None:
        yield "the server's log has no event listening, so its beginning is missing"


def _of_interpreter(evidence: Evidence) -> Iterator[str]:
    """Yield how the server's Python differs from the requested version, at any of its starts."""
    wanted = evidence.interpreter
    if wanted is None or not is_version(wanted):
        return
    is_free, log = is_free_threaded(wanted), evidence.log
    for event in log.of("listening"):
        version = event.get("python", "")
        if version and not f"{version}.".startswith(f"{version_of(wanted)}."):
            yield f"interpreter {wanted} was requested, but the server reports Python {version}"
        if event.get("interpreter_lock") is is_free:
            state = "on" if is_free else "off"
            yield f"interpreter {wanted} was requested, but its interpreter lock is {state}"
    was_off = any(event.get("interpreter_lock") is False for event in log.of("listening"))
    if is_free and was_off and any(e.get("interpreter_lock") for e in log.of("stopped")):
        yield (
            f"the interpreter lock of {wanted} came on again during the run: the server imported "
            "an extension that is not ready for free threading; its stderr names it"
        )


def _loss(lost: LostReplica, evidence: Evidence) -> str:
    """Return which replica was lost and why, and how many of its messages the server acked."""
    acked = int(np.count_nonzero(evidence.log.served["replica"] == lost.number))
    where = "" if lost.host is None else f" at {lost.host}"
    messages = counted(acked, "messages")
    if lost.planned is not None:
        messages = f"{acked} of its {counted(lost.planned, 'messages')}"
    return (
        f"replica {lost.number}{where}, of {lost.group}, was lost: {lost.reason}; "
        f"the server acked {messages}"
    )


def _of_programs(replicas: Sequence[Replica]) -> Iterator[str]:
    """Yield the replicas whose programs failed after they had reported."""
    for each in replicas:
        if each.exit_code:
            name = f"replica {each.number}"
            yield f"{name} ended with exit code {each.exit_code} after it had reported"


def _of_replica(replica: Replica) -> Iterator[str]:
    """Yield where the records of one replica do not agree."""
    name, counts = f"replica {replica.number}", replica.counts
    sent, unsent, planned = counts["sent"], counts["unsent"], replica.planned
    if planned is not None and sent + unsent != planned:
        yield f"{name}: {counted(planned, 'messages')} planned, but {sent} sent + {unsent} unsent"
    if sent != counts["acked"] + counts["failed"] + counts["in_flight"]:
        yield (
            f"{name}: {counted(sent, 'messages')} sent, but {counts['acked']} acked + "
            f"{counts['failed']} failed + {counts['in_flight']} in flight"
        )
    if counts["retries"] > replica.errors["timed_out"]:
        retries = counted(counts["retries"], "retries")
        timed_out = counted(replica.errors["timed_out"], "connections")
        yield f"{name}: {retries}, but {timed_out} timed out"
    if len(replica.messages) == sent + counts["retries"]:  # else that is a gap of its own
        yield from _of_rows(replica)
    ended = _by_outcome(replica.connections, 1 + len(FAILURES))[1:]
    for kind, number in zip(FAILURES, ended, strict=True):
        if number != replica.errors[kind]:
            own = counted(replica.errors[kind], "errors")
            have = counted(number, "connections have")
            yield f"{name}: it counts {own} {kind}, but {have} it"


def _of_its_means(replica: Replica) -> Iterator[str]:
    """Yield the resources that a replica lacked."""
    name = f"replica {replica.number}"
    if periods := replica.health.throttled_periods:
        often = counted(periods, "periods")
        yield f"{name} was throttled in {often}, though no scenario limits its CPU"
    if without := replica.errors["exhausted"]:
        yield f"{name} had no free local port or descriptor for {counted(without, 'connections')}"


def _of_rows(replica: Replica) -> Iterator[str]:
    rows = _by_outcome(replica.messages, len(OUTCOMES))
    found = {"acked": rows[ACKED], "in_flight": rows[IN_FLIGHT], "retries": rows[RETRIED]}
    found["failed"] = sum(rows) - sum(found.values())
    for outcome, number in found.items():
        if number != replica.counts[outcome]:
            messages = "retries" if outcome == "retries" else f"messages {outcome}"
            own = counted(replica.counts[outcome], messages)
            rows_have = counted(number, "rows of samples have")
            yield f"replica {replica.number}: it counts {own}, but {rows_have} it"


def _by_outcome(table: Table | StoredTable, codes: int) -> list[int]:
    """Return how many rows have each code below ``codes``."""
    outcomes = table["outcome"]
    known = outcomes[outcomes < codes].astype(np.int64)
    counts: list[int] = np.bincount(known, minlength=codes).tolist()
    return counts


def _of_plan(evidence: Evidence) -> Iterator[str]:
    """Yield the groups whose replicas, including lost ones, were not given what was planned."""
    members: list[Replica | LostReplica] = [*evidence.clients.replicas, *evidence.clients.lost]
    for group, planned in evidence.planned.items():
        shares = [each.planned for each in members if each.group == group]
        known = sum(share for share in shares if share is not None)
        if planned is not None and (known != planned or None in shares):
            messages = counted(planned, "messages")
            yield f"{group}: {messages} planned, but its replicas' shares add up to {known}"


def _of_log(evidence: Evidence, requests: Table) -> Iterator[str]:
    """Yield where the server's log and the clients disagree about acks."""
    log = evidence.log
    unseen = np.count_nonzero((requests["outcome"] == ACKED) & (requests["finished_ns"] == 0))
    if unseen and not evidence.is_log_truncated:
        yield f"{counted(unseen, 'acks at the clients have')} no request_acked in the server's log"
    sent = find_sent(requests, log)
    lost = np.isin(log.served["replica"], [each.number for each in evidence.clients.lost])
    unsent = np.count_nonzero((sent == NOWHERE) & ~lost) + log.unknown_requests
    if unsent:
        found = counted(unsent, "events request_acked in the server's log belong")
        yield f"{found} to no message that a client sent"
    known = sent[sent != NOWHERE]
    again = len(known) - len(np.unique(known))
    if again:
        found = counted(again, "events request_acked in the server's log belong")
        yield f"{found} to a message acked before"


def _of_throttling(evidence: Evidence) -> Iterator[str]:
    """Yield how often a CPU quota that the scenario does not set throttled the server."""
    is_limited = "cpus" in evidence.inputs or any(
        each.fault == "cpu-limit" for each in evidence.faults
    )
    periods = throttled_periods(evidence.kernel)
    if periods and not is_limited:
        often = counted(periods, "periods")
        yield f"the server was throttled in {often}, though the scenario limits no CPU"


def _of_clocks(requests: Table, bound_ns: int) -> Iterator[str]:
    """Yield how many messages have instants out of order.

    ``bound_ns`` is by how much those of the client may be wrong on the server's clock.
    """
    late = (requests["due_ns"] > requests["sent_ns"]) | (requests["sent_ns"] > requests["ended_ns"])
    if number := np.count_nonzero(late):
        yield f"{counted(number, 'messages were')} sent before due, or ended before sent"
    served = select(requests, (requests["finished_ns"] > 0) & (requests["outcome"] == ACKED))
    order = ("sent_ns", "received_ns", "started_ns", "finished_ns", "ended_ns")
    slack_ns = {"received_ns": bound_ns, "ended_ns": bound_ns}
    is_early = np.zeros(len(served), bool)
    for earlier, later in pairwise(order):
        is_early |= served[later] + np.uint64(slack_ns.get(later, 0)) < served[earlier]
    if number := np.count_nonzero(is_early):
        yield f"{counted(number, 'messages were')} served before sent, or acked before served"


def _broken_laws(evidence: Evidence, requests: Table) -> Iterator[str]:
    """Yield the laws that do not hold; no server can break one, so the records are wrong."""
    keys = user_keys(requests)
    users = np.searchsorted(np.unique(keys), keys).astype(np.uint64)
    again = len(requests) - len(np.unique(pair_keys(users, requests["message"])))
    del users
    if again:
        yield f"{counted(again, 'messages have')} the same id as another"
    yield from _of_order(requests, keys)
    yield from _of_turns(requests, evidence)
    if evidence.is_one_at_a_time:
        yield from _of_workers(requests)


def _of_order(requests: Table, keys: Keys) -> Iterator[str]:
    """Yield how many messages of a user, by its key, were not sent, received or acked in order."""
    in_order = np.lexsort((requests["message"], keys))
    keys = keys[in_order]
    for column, event in (("sent_ns", "sent"), ("received_ns", "received"), ("ended_ns", "acked")):
        at_ns = requests[column][in_order].astype(np.int64)
        seen = at_ns != 0
        if column == "ended_ns":
            seen &= requests["outcome"][in_order] == ACKED
        instants, users = at_ns[seen], keys[seen]
        broken = np.count_nonzero((np.diff(instants) < 0) & (users[1:] == users[:-1]))
        if broken:
            messages = counted(broken, "messages were")
            yield f"{messages} {event} before an earlier one of the same connection"


def _of_turns(requests: Table, evidence: Evidence) -> Iterator[str]:
    """Yield how many messages were sent while an earlier one of the connection had no outcome.

    A client that waits for each ack cannot do that; it would have taken a late ack for another's.
    """
    waiting = [n for n, name in enumerate(evidence.clients.groups) if name in evidence.waiting]
    own = select(requests, np.isin(requests["group"], waiting))
    keys, sent_ns = user_keys(own), own["sent_ns"]
    order = np.lexsort((sent_ns, keys))
    keys, sent_ns, ended_ns = keys[order], sent_ns[order], own["ended_ns"][order]
    is_early = (keys[1:] == keys[:-1]) & (sent_ns[1:] < ended_ns[:-1])
    if broken := np.count_nonzero(is_early):
        messages = counted(broken, "messages were")
        yield f"{messages} sent before the previous one of the connection had ended"


def _of_workers(requests: Table) -> Iterator[str]:
    """Yield how many messages a worker started before it had finished the previous one."""
    served = select(requests, requests["finished_ns"] > 0)
    in_turn = np.lexsort((served["started_ns"], served["worker"]))
    workers, started_ns, finished_ns = (
        served[each][in_turn] for each in ("worker", "started_ns", "finished_ns")
    )
    is_same = workers[1:] == workers[:-1]
    broken = np.count_nonzero(is_same & (started_ns[1:] < finished_ns[:-1]))
    if broken:
        messages = counted(broken, "messages were")
        yield f"{messages} started by a worker that was still serving another"
