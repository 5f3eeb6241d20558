"""Chooses the requests of a case that a picture shows, so that a million of them draw as well.

Whole users are left out, evenly from the first one served to the last, before one that is shown
loses a request.
"""

from collections.abc import Sequence

import numpy as np

from labkit.wire.samples import OUTCOMES, request_id
from orchestrator.records import Excerpt, RequestRecord
from orchestrator.tables import Rows, Table, user_keys

MAX_CASES = 10
"""So many of a campaign have pictures; what all have is figures."""

MAX_USERS = 200
MESSAGES_PER_USER = 10
"""At least, in the share of a page that a picture has: a lane of its own costs as much as those."""

MAX_REQUESTS = 5_000
"""Of all pictures of a page together, so that it opens at once."""

NEVER = np.iinfo(np.uint64).max


def excerpt(
    requests: Table, start_ns: int, groups: Sequence[str], limit: int = MAX_REQUESTS
) -> Excerpt:
    """Return at most ``limit`` of ``requests``, which are in the order of sending.

    ``groups`` are the names of all groups, in the order in which the rows number them.
    """
    users = _by_first_service(requests)
    shown = [row for rows in _chosen(users, limit) for row in rows]
    return Excerpt(
        requests=tuple(_record(requests[row], start_ns, groups) for row in shown),
        users=len(users),
        sent=len(requests),
        end_ns=int(requests["ended_ns"].max(initial=start_ns)) - start_ns,
    )


def choose_users(requests: Table, limit: int) -> list[Rows]:
    """Return the rows of the users to show, at most ``limit`` in all; in order of first service."""
    return _chosen(_by_first_service(requests), limit)


def _chosen(users: Sequence[Rows], limit: int) -> list[Rows]:
    return [users[user][:limit] for user in _choose([len(rows) for rows in users], limit)]


def _by_first_service(requests: Table) -> list[Rows]:
    """Return the rows of each user, users in the order in which they were first served."""
    keys = user_keys(requests)
    order = np.argsort(keys, kind="stable")
    _, begins = np.unique(keys[order], return_index=True)
    if not len(begins):
        return []
    started_ns = np.where(requests["started_ns"] > 0, requests["started_ns"], NEVER)[order]
    first_ns = np.minimum.reduceat(started_ns, begins)
    rows = np.split(order, begins[1:])
    return [rows[user] for user in np.argsort(first_ns, kind="stable")]


def _choose(sent: Sequence[int], limit: int) -> list[int]:
    """Return which users to show, given how much each sent: as many as the limits allow."""
    count = min(len(sent), MAX_USERS, max(limit // MESSAGES_PER_USER, 1))
    while count > 1:
        chosen = [row * len(sent) // count for row in range(count)]
        drawn = sum(sent[user] for user in chosen)
        if drawn <= limit:
            return chosen
        count = min(count - 1, count * limit // drawn)
    return list(range(min(len(sent), 1)))


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
