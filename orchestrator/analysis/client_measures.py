"""What clients measured, in a whole run or in one group: figures by name, in base units."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from labkit.wire.samples import FAILURES
from orchestrator.analysis.statistics import Figures, between_ns, peak_overlap, ratio, statistics_s
from orchestrator.results.client_samples import ACKED, Replica
from orchestrator.results.replica_report import MESSAGE_COUNTS
from orchestrator.results.tables import Table, user_keys


@dataclass(frozen=True)
class Clients:
    """Replicas, and their rows as `orchestrator.analysis.join` makes them.

    ``begin_ns`` is when measuring begins: the common start, or the end of the warm-up.
    """

    begin_ns: int
    replicas: Sequence[Replica]
    requests: Table
    connections: Table

    @property
    def end_ns(self) -> int:
        """The end of the last message."""
        return max((replica.end_ns for replica in self.replicas), default=self.begin_ns)

    @property
    def makespan_s(self) -> float:
        """From ``begin_ns`` to ``end_ns``."""
        return (self.end_ns - self.begin_ns) / 1e9

    def of(self, group: str, number: int) -> "Clients":
        """Return the clients of the group of that name and number."""
        return Clients(
            self.begin_ns,
            [replica for replica in self.replicas if replica.group == group],
            self.requests[self.requests["group"] == number],
            self.connections[self.connections["group"] == number],
        )


def client_measures(clients: Clients, open_groups: AbstractSet[str]) -> Figures:
    """Return what ``clients`` measured; ``open_groups`` are the names of open loops."""
    counts = {name: sum(r.counts[name] for r in clients.replicas) for name in MESSAGE_COUNTS}
    errors = {kind: sum(r.errors[kind] for r in clients.replicas) for kind in FAILURES}
    acked = int(np.count_nonzero(clients.requests["outcome"] == ACKED))
    begun_ns = [replica.begun_ns for replica in clients.replicas]
    return {
        "makespan": clients.makespan_s,
        "throughput": ratio(acked, clients.makespan_s),
        **counts,
        "dropped": sum(r.counts["unsent"] for r in clients.replicas if r.group in open_groups),
        "errors": sum(errors.values()),
        **errors,
        "start_spread": (max(begun_ns) - min(begun_ns)) / 1e9 if begun_ns else None,
        **request_measures(clients.requests),
        **service_measures(clients.requests),
        **_of_connections(clients.connections),
        **_of_health(clients.replicas),
    }


def request_measures(requests: Table) -> Figures:
    """Response time is from due to acked, so waits before sending count (coordinated omission)."""
    acked = requests[requests["outcome"] == ACKED]
    response_ns = between_ns(acked, "due_ns", "ended_ns")
    exchange_ns = between_ns(acked, "sent_ns", "ended_ns")
    delay_ns = between_ns(requests, "due_ns", "sent_ns")
    shares = ("mean", "p50", "p90", "p99")
    return {
        **statistics_s("response_time", response_ns, *shares, "p999", "max"),
        **statistics_s("exchange_time", exchange_ns, *shares, "max"),
        **statistics_s("send_delay", delay_ns, "p50", "p99", "max"),
    }


def service_measures(requests: Table) -> Figures:
    """Return the waits until service; the wait of a user is that of its first message."""
    served = requests[requests["finished_ns"] > 0]
    order = np.lexsort((served["started_ns"], user_keys(served)))
    _, first = np.unique(user_keys(served)[order], return_index=True)
    waits_ns = between_ns(served[order][first], "due_ns", "started_ns")
    return {
        **statistics_s("waiting_time", between_ns(served, "due_ns", "started_ns"), "mean"),
        **statistics_s("first_service_wait", waits_ns, "p50", "max"),
        "peak_in_service": peak_overlap(
            served["started_ns"].astype(np.int64), served["finished_ns"].astype(np.int64)
        ),
    }


def _of_connections(connections: Table) -> Figures:
    """Return the waits of connections; 0 if accepted before the client knew it was established."""
    connected = connections[connections["connected_ns"] > 0]
    accepted = connected[connected["accepted_ns"] > 0]
    waits_ns = between_ns(accepted, "connected_ns", "accepted_ns").clip(min=0)
    queued = accepted[accepted["dequeued_ns"] > 0]
    in_queue_ns = between_ns(queued, "accepted_ns", "dequeued_ns").clip(min=0)
    connects_ns = between_ns(connected, "begun_ns", "connected_ns")
    return {
        "connected": len(connected),
        **statistics_s("connect_time", connects_ns, "p50", "p99", "max"),
        **statistics_s("accept_wait", waits_ns, "p50", "max"),
        **statistics_s("queue_wait", in_queue_ns, "p50", "max"),
    }


def _of_health(replicas: Sequence[Replica]) -> Figures:
    """Return the health of the replicas: each figure of the worst one."""
    health = [replica.health for replica in replicas]
    shares = [ratio(each.cpu_s, each.wall_s) or 0.0 for each in health]
    figures: Figures = {
        "client_cpu_share": max(shares, default=None),
        "gc_pauses": sum(each.gc_pauses for each in health),
    }
    for share in ("p50", "p99", "max"):
        reported_ns = [getattr(each, f"lag_{share}_ns") for each in health]
        lags_ns = [lag_ns for lag_ns in reported_ns if lag_ns is not None]
        figures[f"schedule_lag_{share}"] = max(lags_ns) / 1e9 if lags_ns else None
    return figures
