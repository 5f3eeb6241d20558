"""What clients measured, in a whole run or in one group: figures by name, in base units."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from labkit.wire.samples import FAILURES
from orchestrator.analysis.statistics import (
    SD,
    Durations,
    Figures,
    between_ns,
    is_enough,
    peak_overlap,
    ratio,
    statistics_s,
)
from orchestrator.measures.percentiles import Percentiles, share_of
from orchestrator.results.client_samples import ACKED, Replica, without_retried
from orchestrator.results.replica_report import MESSAGE_COUNTS
from orchestrator.results.tables import Columns, Flags, begins_of_runs, select, user_keys

Window = tuple[float, float | None]
"""When the load of a group begins and ends, in seconds from the start; None: with its messages."""

NO_MORE: Percentiles = MappingProxyType({})
"""No percentiles besides the usual ones."""


@dataclass(frozen=True)
class Clients:
    """Replicas, and their rows as `orchestrator.analysis.join` makes them.

    ``start_ns`` is the common start; ``begin_ns`` is when measuring begins: then, or at the end of
    the warm-up. ``loads`` are the planned windows of the groups by name, ``everything`` all
    requests with those of the warm-up, each attempt of a message by itself. ``percentiles`` are
    those measured besides the usual ones. ``deadlines_s`` are those of the groups by their number,
    None for one without.
    """

    start_ns: int
    begin_ns: int
    replicas: Sequence[Replica]
    everything: Columns
    connections: Columns
    loads: Mapping[str, Window]
    percentiles: Percentiles = field(default_factory=dict)
    deadlines_s: Sequence[float | None] = ()

    @property
    def messages(self) -> Columns:
        """One request for each message of the whole run: its last attempt."""
        return without_retried(self.everything)

    @property
    def attempts(self) -> Columns:
        """The requests that count: those due after the warm-up."""
        return select(self.everything, self.everything["due_ns"] >= self.begin_ns)

    @property
    def requests(self) -> Columns:
        """One request for each message that counts: its last attempt."""
        return without_retried(self.attempts)

    @property
    def end_ns(self) -> int:
        """The end of the last message, not before ``begin_ns``."""
        return max(self.begin_ns, *(replica.end_ns for replica in self.replicas), 0)

    @property
    def makespan_s(self) -> float | None:
        """From ``begin_ns`` to ``end_ns``; None if no message counts."""
        return (self.end_ns - self.begin_ns) / 1e9 if len(self.requests) else None

    @property
    def throughput_per_s(self) -> float | None:
        """Acks in the window of the load over its length; None if no message counts.

        The window of a group begins with its load, after the warm-up, and ends as planned; without
        a planned end, with its last message. That of all groups lasts from the first to the last.
        """
        return self._rate_per_s(self.everything["outcome"] == ACKED)

    @property
    def goodput_per_s(self) -> float | None:
        """The throughput of acks within the deadlines; None if a group with messages has none."""
        is_in_time = in_time(self.everything, self.deadlines_s)
        return None if is_in_time is None else self._rate_per_s(is_in_time)

    def _rate_per_s(self, chosen: Flags) -> float | None:
        """Return how many of the ``chosen`` of all requests ended in the window, per second."""
        windows = [self._window_ns(name) for name in {each.group for each in self.replicas}]
        if not windows or not len(self.requests):
            return None
        begin_ns, end_ns = min(begin for begin, _ in windows), max(end for _, end in windows)
        ended_ns = self.everything["ended_ns"][chosen]
        inside = np.count_nonzero((ended_ns >= begin_ns) & (ended_ns <= end_ns))
        return ratio(int(inside), (end_ns - begin_ns) / 1e9) if end_ns > begin_ns else None

    def _window_ns(self, group: str) -> tuple[int, int]:
        begin_s, end_s = self.loads.get(group, (0.0, None))
        last_ns = max(each.end_ns for each in self.replicas if each.group == group)
        end_ns = last_ns if end_s is None else self.start_ns + round(end_s * 1e9)
        return max(self.start_ns + round(begin_s * 1e9), self.begin_ns), end_ns

    def of(self, group: str, number: int) -> "Clients":
        """Return the clients of the group of that name and number."""
        return replace(
            self,
            replicas=[replica for replica in self.replicas if replica.group == group],
            everything=select(self.everything, self.everything["group"] == number),
            connections=select(self.connections, self.connections["group"] == number),
        )


def client_measures(clients: Clients, open_groups: AbstractSet[str]) -> Figures:
    """Return what ``clients`` measured; ``open_groups`` are the names of open loops."""
    counts = {name: sum(r.counts[name] for r in clients.replicas) for name in MESSAGE_COUNTS}
    errors = {kind: sum(r.errors[kind] for r in clients.replicas) for kind in FAILURES}
    begun_ns = [replica.begun_ns for replica in clients.replicas]
    return {
        "makespan": clients.makespan_s,
        "throughput": clients.throughput_per_s,
        "goodput": clients.goodput_per_s,
        **counts,
        "dropped": sum(r.counts["unsent"] for r in clients.replicas if r.group in open_groups),
        "errors": sum(errors.values()),
        **errors,
        "start_spread": (max(begun_ns) - min(begun_ns)) / 1e9 if begun_ns else None,
        **request_measures(clients.requests, clients.percentiles),
        **service_measures(clients.attempts, clients.percentiles),
        **_of_connections(clients.connections, clients.percentiles),
        **_of_health(clients.replicas),
    }


def in_time(requests: Columns, deadlines_s: Sequence[float | None]) -> Flags | None:
    """Return which requests were acked within the deadline of their group, from due to acked.

    None if one of the groups that they belong to has no deadline.
    """
    limits_ns = np.zeros(len(requests), np.int64)
    for number in np.unique(requests["group"]).tolist():
        limit_s = deadlines_s[number] if number < len(deadlines_s) else None
        if limit_s is None:
            return None
        limits_ns[requests["group"] == number] = round(limit_s * 1e9)
    took_ns = between_ns(requests, "due_ns", "ended_ns")
    is_in_time: Flags = (requests["outcome"] == ACKED) & (took_ns <= limits_ns)
    return is_in_time


def request_measures(requests: Columns, percentiles: Percentiles = NO_MORE) -> Figures:
    """Response time is from due to acked, so waits before sending count (coordinated omission).

    It is of all messages: one without an ack took at least until its end was known. ``percentiles``
    are those asked for besides the usual ones.
    """
    is_bound = requests["outcome"] != ACKED
    response_ns = between_ns(requests, "due_ns", "ended_ns")
    exchange_ns = between_ns(requests, "sent_ns", "ended_ns")
    delay_ns = between_ns(requests, "due_ns", "sent_ns")
    shares = ("mean", "p50", "p90", "p99", "max")
    response, exchange, delay = (
        percentiles.get(each, ()) for each in ("response_time", "exchange_time", "send_delay")
    )
    return {
        "unanswered": ratio(int(np.count_nonzero(is_bound)), len(requests)),
        **statistics_s(
            "response_time", response_ns, *shares, SD, "p999", *response, is_bound=is_bound
        ),
        **statistics_s("exchange_time", exchange_ns, *shares, *exchange, is_bound=is_bound),
        **statistics_s("send_delay", delay_ns, "p50", "p99", "max", *delay),
    }


def service_measures(requests: Columns, percentiles: Percentiles = NO_MORE) -> Figures:
    """Return the waits until service; the wait of a user is that of its first message."""
    served = select(requests, requests["finished_ns"] > 0)
    keys = user_keys(served)
    order = np.lexsort((served["started_ns"], keys))
    all_waits_ns = between_ns(served, "due_ns", "started_ns")
    waits_ns = all_waits_ns[order[begins_of_runs(keys[order])]]
    return {
        **statistics_s("waiting_time", all_waits_ns, "mean"),
        **_waits(percentiles, "first_service_wait", waits_ns),
        "peak_in_service": (
            peak_overlap(
                served["started_ns"].astype(np.int64), served["finished_ns"].astype(np.int64)
            )
            if len(served)
            else None
        ),
    }


def _waits(percentiles: Percentiles, name: str, waits_ns: Durations) -> Figures:
    return statistics_s(name, waits_ns, "p50", "max", *percentiles.get(name, ()))


def _of_connections(connections: Columns, percentiles: Percentiles) -> Figures:
    """Return the waits of connections; 0 if accepted before the client knew it was established.

    A connection that failed would have taken at least until then to be established.
    """
    connected = select(connections, connections["connected_ns"] > 0)
    accepted = select(connected, connected["accepted_ns"] > 0)
    waits_ns = between_ns(accepted, "connected_ns", "accepted_ns").clip(min=0)
    queued = select(accepted, accepted["dequeued_ns"] > 0)
    in_queue_ns = between_ns(queued, "accepted_ns", "dequeued_ns").clip(min=0)
    is_failed = connections["connected_ns"] == 0
    connect_shares = ("p50", "p99", "max", *percentiles.get("connect_time", ()))
    connects_ns = np.where(
        is_failed,
        between_ns(connections, "begun_ns", "ended_ns"),
        between_ns(connections, "begun_ns", "connected_ns"),
    )
    return {
        "connected": len(connected),
        **statistics_s("connect_time", connects_ns, *connect_shares, is_bound=is_failed),
        **_waits(percentiles, "accept_wait", waits_ns),
        **_waits(percentiles, "queue_wait", in_queue_ns),
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
        enough = [each for each in health if is_enough(each.lags, share_of(share) or 1.0)]
        reported_ns = [getattr(each, f"lag_{share}_ns") for each in enough]
        lags_ns = [lag_ns for lag_ns in reported_ns if lag_ns is not None]
        figures[f"schedule_lag_{share}"] = max(lags_ns) / 1e9 if lags_ns else None
    return figures
