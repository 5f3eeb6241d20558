"""The data of a run's charts: an excerpt of its requests, distributions, and queues over time.

Pure functions of the tables of `orchestrator.analysis.join`, without files or a clock. All values
are thinned out, so that a page with many charts opens quickly. Instants are in nanoseconds since
the run's common start.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from orchestrator.analysis.excerpt import MAX_REQUESTS, NO_EXCERPT, Excerpt, excerpt
from orchestrator.analysis.join import Merged
from orchestrator.analysis.statistics import Durations, between_ns
from orchestrator.results.client_samples import ACKED
from orchestrator.results.tables import Columns, Keys, Table, select, user_keys

MAX_CASES = 10
"""So many cases of a campaign have charts; all have figures."""


MAX_POINTS = 120
"""Of a curve, on the linear scale and again on that of the tail."""

QUOTED = (0.5, 0.9, 0.99, 0.999, 0.9999)
"""Shares that are always kept, because a table shows them."""

MIN_STEPS, MAX_STEPS = 60, 400
"""Of a queue, depending on its share of a page."""

MESSAGES_PER_STEP = 10


Counts = npt.NDArray[np.int64]
Levels = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Distribution:
    """How ``count`` durations are distributed: ``shares[i]`` of them are at most ``values_ns[i]``.

    Shares ascend to 1, by nearest rank; of a large sample only some ranks are kept, most of them in
    the tail.
    """

    count: int = 0
    shares: tuple[float, ...] = ()
    values_ns: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Steps:
    """A number over time: ``levels[i]`` from ``instants_ns[i]`` to the next instant.

    ``peak`` is the highest level. If there are too many changes for a chart, each level is the
    average over one of equal intervals.
    """

    peak: int = 0
    instants_ns: tuple[int, ...] = ()
    levels: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerShare:
    """What one worker served in the whole run."""

    worker: int
    connections: int
    messages: int


@dataclass(frozen=True, slots=True)
class Exhibit:
    """All that the charts of one run show.

    ``response`` is from due to acked, ``exchange`` from sent to acked, ``service`` from start
    to finish; ``predicted`` is the response time that the twin predicts, None without a
    twin. ``depths`` are the queues by name, in the order in which a message passes through them.
    """

    excerpt: Excerpt = NO_EXCERPT
    response: Distribution = Distribution()
    exchange: Distribution = Distribution()
    service: Distribution = Distribution()
    predicted: Distribution | None = None
    depths: tuple[tuple[str, Steps], ...] = ()
    shares: tuple[WorkerShare, ...] = ()


def exhibit(
    merged: Merged,
    start_ns: int,
    groups: Sequence[str],
    limit: int = MAX_REQUESTS,
    predicted_ns: Durations | None = None,
) -> Exhibit:
    """Return the chart data of a run that began at ``start_ns``, at most ``limit`` of its messages.

    ``groups`` are the names of all client groups, in the order of their numbers in the rows;
    ``predicted_ns`` are the response times that the twin predicts, None without a twin.
    """
    requests = merged.requests
    acked = select(requests, requests["outcome"] == ACKED)
    served = select(requests, requests["finished_ns"] > 0)
    max_steps = min(max(limit // MESSAGES_PER_STEP, MIN_STEPS), MAX_STEPS)
    return Exhibit(
        excerpt=excerpt(requests, start_ns, groups, limit, _users_cut_off(merged.connections)),
        response=distribution(between_ns(acked, "due_ns", "ended_ns")),
        exchange=distribution(between_ns(acked, "sent_ns", "ended_ns")),
        service=distribution(between_ns(served, "started_ns", "finished_ns")),
        predicted=None if predicted_ns is None else distribution(predicted_ns),
        depths=tuple(_depths(merged, start_ns, max_steps)),
        shares=tuple(_shares(merged)),
    )


def distribution(durations_ns: Durations) -> Distribution:
    """Return the distribution of ``durations_ns``."""
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
    connected = select(connections, connections["connected_ns"] > 0)
    yield "accept queue", of(_presence(connected, "connected_ns", "accepted_ns"))
    is_queued = (connections["accepted_ns"] > 0) & (connections["dequeued_ns"] > 0)
    accepted = select(connections, is_queued)
    received = select(requests, requests["received_ns"] > 0)
    begun, ended = (
        np.concatenate(both)
        for both in zip(
            _presence(accepted, "accepted_ns", "dequeued_ns"),
            _presence(received, "received_ns", "started_ns"),
            strict=True,
        )
    )
    yield "application queue", of((begun, ended))
    started = select(requests, requests["started_ns"] > 0)
    yield "in service", of(_presence(started, "started_ns", "finished_ns"))


def _presence(table: Columns, begin: str, end: str) -> tuple[Counts, Counts]:
    """Return when each row entered and left; if that was not recorded, when it ended."""
    left_ns = np.where(table[end] > 0, table[end], table["ended_ns"]).astype(np.int64)
    came_ns = table[begin].astype(np.int64)
    return came_ns, np.maximum(came_ns, left_ns)


def steps(begun_ns: Counts, ended_ns: Counts, start_ns: int, max_steps: int = MAX_STEPS) -> Steps:
    """Return how many spans overlap over time, from ``start_ns`` on."""
    at_ns = np.unique(np.concatenate([begun_ns, ended_ns]))
    level = np.searchsorted(np.sort(begun_ns), at_ns, side="right")
    level -= np.searchsorted(np.sort(ended_ns), at_ns, side="right")
    is_new = np.diff(level, prepend=0) != 0
    at_ns, levels = at_ns[is_new] - start_ns, level[is_new].astype(np.float64)
    peak = int(levels.max(initial=0))
    if len(levels) > max_steps:
        at_ns, levels = _averages(at_ns, levels, max_steps)
    return Steps(peak, tuple(at_ns.tolist()), tuple(levels.round(3).tolist()))


def _averages(at_ns: Counts, level: Levels, count: int) -> tuple[Counts, Levels]:
    """Return the average of a step function over each of ``count`` equal intervals."""
    edges = np.linspace(at_ns[0], at_ns[-1], count + 1)
    passed = np.concatenate([[0.0], np.cumsum(level[:-1] * np.diff(at_ns))])
    means = np.diff(np.interp(edges, at_ns, passed)) / np.diff(edges)
    return edges.astype(np.int64), np.append(means, level[-1])


def _shares(merged: Merged) -> Iterator[WorkerShare]:
    """Yield what each worker served, in the order of their numbers; worker 0 stands for none."""
    taken, sent = (table["worker"] for table in (merged.connections, merged.requests))
    for worker in np.union1d(taken, sent).tolist():
        if worker:
            connections, messages = (np.count_nonzero(each == worker) for each in (taken, sent))
            yield WorkerShare(int(worker), int(connections), int(messages))


def _users_cut_off(connections: Table) -> Keys:
    """Return the keys of the users with a failed connection, such as one to a killed worker."""
    return user_keys(connections[connections["outcome"] > 0])


def assign_rows(spans: Sequence[tuple[int, int]]) -> list[int]:
    """Return a row for each half-open span, so that the spans of a row do not overlap.

    In order of begin, a span takes the lowest row that is free, which needs the fewest rows
    (interval partitioning; Kleinberg and Tardos 2006, 4.1).
    """
    row_of = [0] * len(spans)
    busy: list[tuple[int, int]] = []
    free: list[int] = []
    for index in sorted(range(len(spans)), key=lambda place: spans[place][0]):
        begin, end = spans[index]
        while busy and busy[0][0] <= begin:
            heapq.heappush(free, heapq.heappop(busy)[1])
        row_of[index] = heapq.heappop(free) if free else len(busy)
        heapq.heappush(busy, (end, row_of[index]))
    return row_of
