"""Which requests of a run its charts show: all of some users, as many as there is room for.

Whole users are left out, evenly, before a user that is shown loses a request. Users with a failure
and the slowest are left out last: a question about a fault is a question about them. Pure functions
of the tables of `orchestrator.analysis.join`. Instants are in nanoseconds since the run's common
start.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labkit.wire.samples import OUTCOMES, request_id
from orchestrator.analysis.statistics import between_ns
from orchestrator.results.client_samples import ACKED
from orchestrator.results.tables import Keys, Rows, Table, begins_of_runs, user_keys

Counts = npt.NDArray[np.int64]

MAX_USERS = 200

MESSAGES_PER_USER = 10
"""At least, in a chart's share of a page: a lane costs as much as so many messages."""

MOST_FAILING = 0.75
"""The share of the users shown that may be failing ones, so that there are others to compare."""

MAX_REQUESTS = 5_000
"""Of all charts of a page together, so that it opens quickly."""

ACKED_TEXT = "acked"

NO_USERS: Keys = np.empty(0, np.uint64)


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


NO_EXCERPT = Excerpt()


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
        requests=tuple(_records(requests[np.array(shown, np.intp)], start_ns, groups)),
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
    is_acked = requests["outcome"][rows] == ACKED
    took_ns = requests["ended_ns"][rows].astype(np.int64) - requests["due_ns"][rows].astype(
        np.int64
    )
    took_ns[~is_acked] = 0
    is_last_to_go = ~is_acked | (took_ns == took_ns.max(initial=0))
    order = np.argsort(~is_last_to_go, kind="stable")
    return rows[np.sort(order[:limit])]


def _by_first_service(requests: Table) -> list[Rows]:
    """Return the rows of each user, users in the order in which they were first served.

    One that was never served has its place where it ended: among those of its time if it failed at
    once, at the end if it waited in vain.
    """
    keys = user_keys(requests)
    order = np.argsort(keys, kind="stable")
    begins = begins_of_runs(keys[order])
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


def _records(rows: Table, start_ns: int, groups: Sequence[str]) -> Iterator[RequestRecord]:
    """Yield the record of each of ``rows``; its fields are Python's numbers, which are faster."""
    names = rows.dtype.names or ()
    for row in rows.tolist():
        yield _record(dict(zip(names, row, strict=True)), start_ns, groups)


def _record(row: Mapping[str, int], start_ns: int, groups: Sequence[str]) -> RequestRecord:
    replica, user, message = (row[each] for each in ("replica", "user", "message"))
    worker = row["worker"] if row["finished_ns"] else None
    group = f"{groups[row['group']]} " if len(groups) > 1 else ""

    def since_start(instant: str) -> int | None:
        return row[instant] - start_ns if row[instant] else None

    return RequestRecord(
        id=request_id(replica, user, message),
        user=f"{group}user {user}",
        message=message,
        worker=worker,
        outcome=OUTCOMES[row["outcome"]],
        due_ns=row["due_ns"] - start_ns,
        sent_ns=row["sent_ns"] - start_ns,
        ended_ns=row["ended_ns"] - start_ns,
        received_ns=since_start("received_ns"),
        started_ns=since_start("started_ns"),
        finished_ns=since_start("finished_ns"),
        accepted_ns=since_start("accepted_ns"),
    )
