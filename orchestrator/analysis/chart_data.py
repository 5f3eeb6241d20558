"""The data of a run's charts: an excerpt of its requests, distributions, and queues over time.

Pure functions of the tables of `orchestrator.analysis.join`, without files or a clock. All values
are thinned out, so that a page with many charts opens quickly; of requests, whole users are left
out, evenly, before a user that is shown loses a request. Users with a failure and the slowest are
left out last: a question about a fault is a question about them. Instants are in nanoseconds since
the run's common start.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labkit.wire.samples import OUTCOMES, request_id
from orchestrator.analysis.join import Merged
from orchestrator.analysis.statistics import Durations, between_ns
from orchestrator.results.client_samples import ACKED
from orchestrator.results.tables import Keys, Rows, Table, user_keys

MAX_CASES = 10
"""So many cases of a campaign have charts; all have figures."""

MAX_USERS = 200
MESSAGES_PER_USER = 10
"""At least, in a chart's share of a page: a lane costs as much as so many messages."""

MOST_FAILING = 0.75
"""The share of the users shown that may be failing ones, so that there are others to compare."""

MAX_REQUESTS = 5_000
"""Of all charts of a page together, so that it opens quickly."""

MAX_POINTS = 120
"""Of a curve, on the linear scale and again on that of the tail."""

QUOTED = (0.5, 0.9, 0.99, 0.999, 0.9999)
"""Shares that are always kept, because a table shows them."""

MIN_STEPS, MAX_STEPS = 60, 400
"""Of a queue, depending on its share of a page."""

MESSAGES_PER_STEP = 10

ACKED_TEXT = "acked"

NO_USERS: Keys = np.empty(0, np.uint64)

Counts = npt.NDArray[np.int64]
Levels = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A message of one user, in nanoseconds since the case's common start.

    The client recorded ``due``, ``sent`` and ``ended``; the server ``received``, ``started`` and
    ``finished``, None if its log does not have the request, and ``accepted`` of its connection.
    ``outcome`` is ``acked`` or the kind of failure, known at ``ended``. ``user`` is its name in
    charts: ``user 3``, or ``slow user 3`` if there are several groups.
    """

    id: str
    user: str
    message: int
    worker: int | None
    outcome: str
    due_ns: int
    sent_ns: int
    ended_ns: int
    received_ns: int | None
    started_ns: int | None
    finished_ns: int | None
    accepted_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Excerpt:
    """All requests of some users; the numbers of all users and requests, and the end of the run.

    Of all users, ``failing`` had a message or a connection that failed; ``failing_shown`` of them
    are among those of ``requests``.
    """

    requests: tuple[RequestRecord, ...] = ()
    users: int = 0
    sent: int = 0
    end_ns: int = 0
    failing: int = 0
    failing_shown: int = 0


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

    excerpt: Excerpt = Excerpt()
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
    acked = requests[requests["outcome"] == ACKED]
    served = requests[requests["finished_ns"] > 0]
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
    connected = connections[connections["connected_ns"] > 0]
    yield "accept queue", of(_presence(connected, "connected_ns", "accepted_ns"))
    accepted = connections[(connections["accepted_ns"] > 0) & (connections["dequeued_ns"] > 0)]
    received = requests[requests["received_ns"] > 0]
    begun, ended = (
        np.concatenate(both)
        for both in zip(
            _presence(accepted, "accepted_ns", "dequeued_ns"),
            _presence(received, "received_ns", "started_ns"),
            strict=True,
        )
    )
    yield "application queue", of((begun, ended))
    started = requests[requests["started_ns"] > 0]
    yield "in service", of(_presence(started, "started_ns", "finished_ns"))


def _presence(table: Table, begin: str, end: str) -> tuple[Counts, Counts]:
    """Return when each row entered and left; if that was not recorded, when it ended."""
    left_ns = np.where(table[end] > 0, table[end], table["ended_ns"]).astype(np.int64)
    came_ns = table[begin].astype(np.int64)
    return came_ns, np.maximum(came_ns, left_ns)


def steps(begun_ns: Counts, ended_ns: Counts, start_ns: int, max_steps: int = MAX_STEPS) -> Steps:
    """Return how many spans overlap over time, from ``start_ns`` on."""
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


def excerpt(
    requests: Table,
    start_ns: int,
    groups: Sequence[str],
    limit: int = MAX_REQUESTS,
    cut_off: Keys = NO_USERS,
) -> Excerpt:
    """Return at most ``limit`` of ``requests``, which are in the order of sending.

    ``cut_off`` are the keys of the users that had a failed connection.
    """
    users = _by_first_service(requests)
    failing = _failing(requests, users, cut_off)
    chosen = _choose([len(rows) for rows in users], failing, _slowest(requests, users), limit)
    shown = [row for user in chosen for row in _first_rows(requests, users[user], limit)]
    return Excerpt(
        requests=tuple(_record(requests[row], start_ns, groups) for row in shown),
        users=len(users),
        sent=len(requests),
        end_ns=int(requests["ended_ns"].max(initial=start_ns)) - start_ns,
        failing=len(failing),
        failing_shown=len(set(failing) & set(chosen)),
    )


def choose_users(requests: Table, limit: int) -> list[Rows]:
    """Return the rows of the users to show, at most ``limit`` in all; in order of first service."""
    users = _by_first_service(requests)
    failing = _failing(requests, users, NO_USERS)
    chosen = _choose([len(rows) for rows in users], failing, _slowest(requests, users), limit)
    return [_first_rows(requests, users[user], limit) for user in chosen]


def _failing(requests: Table, users: Sequence[Rows], cut_off: Keys) -> list[int]:
    """Return which of ``users`` had a failed message or connection."""
    is_failing = (requests["outcome"] != ACKED) | np.isin(user_keys(requests), cut_off)
    rows, user_of = _flat(users)
    failing: list[int] = np.unique(user_of[is_failing[rows]]).tolist()
    return failing


def _slowest(requests: Table, users: Sequence[Rows]) -> int:
    """Return which of ``users`` had the slowest message of those acknowledged; 0 if none was."""
    rows, user_of = _flat(users)
    return int(user_of[np.argmax(_response_ns(requests)[rows])]) if users else 0


def _flat(users: Sequence[Rows]) -> tuple[Rows, Rows]:
    """Return the rows of all ``users``, and to which of them each belongs."""
    counts = [len(rows) for rows in users]
    return np.concatenate([*users, np.empty(0, np.intp)]), np.repeat(np.arange(len(users)), counts)


def _response_ns(requests: Table) -> Counts:
    """Return the response time of each message, 0 if it has no ack."""
    took_ns = between_ns(requests, "due_ns", "ended_ns")
    return np.where(requests["outcome"] == ACKED, took_ns, 0)


def _first_rows(requests: Table, rows: Rows, limit: int) -> Rows:
    """Return at most ``limit`` of the ``rows`` of a user; failed and slowest messages stay."""
    if len(rows) <= limit:
        return rows
    took_ns = _response_ns(requests[rows])
    is_last_to_go = (requests["outcome"][rows] != ACKED) | (took_ns == took_ns.max(initial=0))
    order = np.argsort(~is_last_to_go, kind="stable")
    return rows[np.sort(order[:limit])]


def _by_first_service(requests: Table) -> list[Rows]:
    """Return the rows of each user, users in the order in which they were first served.

    One that was never served has its place where it ended: among those of its time if it failed at
    once, at the end if it waited in vain.
    """
    keys = user_keys(requests)
    order = np.argsort(keys, kind="stable")
    _, begins = np.unique(keys[order], return_index=True)
    if not len(begins):
        return []
    is_begun = requests["started_ns"] > 0
    started_ns = np.where(is_begun, requests["started_ns"], requests["ended_ns"])[order]
    first_ns = np.minimum.reduceat(started_ns, begins)
    rows = np.split(order, begins[1:])
    return [rows[user] for user in np.argsort(first_ns, kind="stable")]


def _choose(sent: Sequence[int], failing: Sequence[int], slowest: int, limit: int) -> list[int]:
    """Return which users to show, given the messages of each: as many as the limits allow."""
    count = min(len(sent), MAX_USERS, max(limit // MESSAGES_PER_USER, 1))
    while count > 1:
        chosen = _choose_so_many(len(sent), failing, slowest, count)
        drawn = sum(sent[user] for user in chosen)
        if drawn <= limit:
            return chosen
        count = min(count - 1, count * limit // drawn)
    return [*failing[:1], slowest][:1] if sent else []


def _choose_so_many(users: int, failing: Sequence[int], slowest: int, count: int) -> list[int]:
    """Return ``count`` of ``users``: the slowest, the failing ones, and evenly of the others."""
    others = sorted({*range(users)} - {slowest, *failing})
    most_failing = max(round(MOST_FAILING * count), count - len(others))
    first = {slowest, *_evenly(failing, min(most_failing, count - 1))}
    return sorted({*first, *_evenly(others, count - len(first))})


def _evenly(users: Sequence[int], count: int) -> list[int]:
    """Return at most ``count`` of ``users``, at equal distances from the first one on."""
    count = min(len(users), max(count, 0))
    return [users[place * len(users) // count] for place in range(count)]


def _record(row: np.void, start_ns: int, groups: Sequence[str]) -> RequestRecord:
    replica, user, message = (int(row[each]) for each in ("replica", "user", "message"))
    worker = int(row["worker"]) if row["finished_ns"] else None
    group = f"{groups[row['group']]} " if len(groups) > 1 else ""

    def since_start(instant: str) -> int | None:
        return int(row[instant]) - start_ns if row[instant] else None

    return RequestRecord(
        id=request_id(replica, user, message),
        user=f"{group}user {user}",
        message=message,
        worker=worker,
        outcome=OUTCOMES[row["outcome"]],
        due_ns=int(row["due_ns"]) - start_ns,
        sent_ns=int(row["sent_ns"]) - start_ns,
        ended_ns=int(row["ended_ns"]) - start_ns,
        received_ns=since_start("received_ns"),
        started_ns=since_start("started_ns"),
        finished_ns=since_start("finished_ns"),
        accepted_ns=since_start("accepted_ns"),
    )


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
