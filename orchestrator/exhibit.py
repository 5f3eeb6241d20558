"""Makes of the joined tables of a run what its pictures show: curves of a few hundred points.

Pure functions of `orchestrator.merge`'s tables; no files, no clock.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from orchestrator.client_measures import ACKED
from orchestrator.excerpt import MAX_REQUESTS, excerpt
from orchestrator.merge import Merged
from orchestrator.quantiles import Durations, between_ns
from orchestrator.records import Distribution, Exhibit, Share, Steps
from orchestrator.tables import Table

MAX_POINTS = 120
"""Of a curve on each of two scales, the linear one and that of the tail."""

QUOTED = (0.5, 0.9, 0.99, 0.999, 0.9999)
"""Shares that are always kept, because a table quotes them."""

MIN_STEPS, MAX_STEPS = 60, 400
"""Of a queue: as its share of a page allows, at most what a screen can tell apart."""

MESSAGES_PER_STEP = 10

Counts = npt.NDArray[np.int64]
Levels = npt.NDArray[np.float64]


def exhibit(
    merged: Merged,
    start_ns: int,
    groups: Sequence[str],
    limit: int = MAX_REQUESTS,
    predicted_ns: Durations | None = None,
) -> Exhibit:
    """Return what to show of a run that began at ``start_ns``, at most ``limit`` of its messages.

    ``groups`` are the names of all client groups, in the order in which the rows number them;
    ``predicted_ns`` are response times that a model of queues predicts, None where none was asked.
    """
    requests = merged.requests
    acked = requests[requests["outcome"] == ACKED]
    served = requests[requests["finished_ns"] > 0]
    max_steps = min(max(limit // MESSAGES_PER_STEP, MIN_STEPS), MAX_STEPS)
    return Exhibit(
        excerpt=excerpt(requests, start_ns, groups, limit),
        response=distribution(between_ns(acked, "due_ns", "ended_ns")),
        exchange=distribution(between_ns(acked, "sent_ns", "ended_ns")),
        service=distribution(between_ns(served, "started_ns", "finished_ns")),
        predicted=None if predicted_ns is None else distribution(predicted_ns),
        depths=tuple(_depths(merged, start_ns, max_steps)),
        shares=tuple(_shares(merged)),
    )


def distribution(durations_ns: Durations) -> Distribution:
    """Return how ``durations_ns`` are distributed; all of them up to a few hundred."""
    count = len(durations_ns)
    if not count:
        return Distribution()
    evenly = np.linspace(1, count, MAX_POINTS)
    in_the_tail = count - np.geomspace(count, 1, MAX_POINTS) + 1
    quoted = np.ceil(np.array(QUOTED) * count - 1e-9)
    ranks = np.unique(np.rint(np.concatenate([evenly, in_the_tail, quoted])).astype(np.int64))
    values_ns = np.sort(durations_ns)[ranks - 1]
    return Distribution(count, tuple((ranks / count).tolist()), tuple(values_ns.tolist()))


def _depths(merged: Merged, start_ns: int, max_steps: int) -> Iterator[tuple[str, Steps]]:
    def of(spans: tuple[Counts, Counts]) -> Steps:
        return steps(*spans, start_ns, max_steps)

    connections, requests = merged.connections, merged.requests
    connected = connections[connections["connected_ns"] > 0]
    yield "accept queue", of(_stay(connected, "connected_ns", "accepted_ns"))
    accepted = connections[(connections["accepted_ns"] > 0) & (connections["dequeued_ns"] > 0)]
    received = requests[requests["received_ns"] > 0]
    begun, ended = (
        np.concatenate(both)
        for both in zip(
            _stay(accepted, "accepted_ns", "dequeued_ns"),
            _stay(received, "received_ns", "started_ns"),
            strict=True,
        )
    )
    yield "application queue", of((begun, ended))
    started = requests[requests["started_ns"] > 0]
    yield "in service", of(_stay(started, "started_ns", "finished_ns"))


def _stay(table: Table, begin: str, end: str) -> tuple[Counts, Counts]:
    """Return when each row came and left; one that was never seen to leave, at its end."""
    left_ns = np.where(table[end] > 0, table[end], table["ended_ns"]).astype(np.int64)
    came_ns = table[begin].astype(np.int64)
    return came_ns, np.maximum(came_ns, left_ns)


def steps(begun_ns: Counts, ended_ns: Counts, start_ns: int, max_steps: int = MAX_STEPS) -> Steps:
    """Return how many half-open spans there are at a time, from ``start_ns`` on."""
    at_ns, place = np.unique(np.concatenate([begun_ns, ended_ns]), return_inverse=True)
    change = np.bincount(place, weights=np.repeat([1, -1], [len(begun_ns), len(ended_ns)]))
    level = np.cumsum(np.rint(change)).astype(np.int64)
    is_new = np.diff(level, prepend=0) != 0
    at_ns, levels = at_ns[is_new] - start_ns, level[is_new].astype(np.float64)
    peak = int(levels.max(initial=0))
    if len(levels) > max_steps:
        at_ns, levels = _averages(at_ns, levels, max_steps)
    return Steps(peak, tuple(at_ns.tolist()), tuple(levels.round(3).tolist()))


def _averages(at_ns: Counts, level: Levels, count: int) -> tuple[Counts, Levels]:
    """Return the average of a step function over each of ``count`` equal stretches of time."""
    edges = np.linspace(at_ns[0], at_ns[-1], count + 1)
    passed = np.concatenate([[0.0], np.cumsum(level[:-1] * np.diff(at_ns))])
    means = np.diff(np.interp(edges, at_ns, passed)) / np.diff(edges)
    return edges.astype(np.int64), np.append(means, level[-1])


def _shares(merged: Merged) -> Iterator[Share]:
    """Yield what each worker took on, in the order of their numbers; 0 stands for none of them."""
    taken, sent = (table["worker"] for table in (merged.connections, merged.requests))
    for worker in np.union1d(taken, sent).tolist():
        if worker:
            connections, messages = (np.count_nonzero(each == worker) for each in (taken, sent))
            yield Share(int(worker), int(connections), int(messages))
