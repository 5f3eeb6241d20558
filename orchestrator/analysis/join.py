"""Joins the records of clients and server into one table of messages and one of connections.

A request is joined by its id; its connection at the client by replica and user, and at the server
by the connection that its ack was sent on. Instants are absolute; 0 means not recorded.
"""

from dataclasses import dataclass

import numpy as np

from orchestrator.results.client_samples import ClientRun, StoredTable, without_retried
from orchestrator.results.server_log import ServerLog
from orchestrator.results.tables import (
    NOWHERE,
    Columns,
    Keys,
    Rows,
    Table,
    gather,
    pair_keys,
    positions,
    user_keys,
)

REQUEST = np.dtype(
    [
        ("group", "<u2"), ("replica", "<u2"), ("user", "<u4"), ("message", "<u4"),
        ("outcome", "<u2"), ("worker", "<u2"),
        ("due_ns", "<u8"), ("begun_ns", "<u8"), ("connected_ns", "<u8"), ("accepted_ns", "<u8"),
        ("dequeued_ns", "<u8"), ("sent_ns", "<u8"), ("received_ns", "<u8"), ("started_ns", "<u8"),
        ("finished_ns", "<u8"), ("acked_ns", "<u8"), ("first_byte_ns", "<u8"), ("ended_ns", "<u8"),
    ]
)  # fmt: skip
"""A message that was sent, from when it was due to its end; see docs/results.md."""

CONNECTION = np.dtype(
    [
        ("group", "<u2"), ("replica", "<u2"), ("user", "<u4"), ("outcome", "<u2"),
        ("worker", "<u2"), ("port", "<u4"),
        ("begun_ns", "<u8"), ("connected_ns", "<u8"), ("accepted_ns", "<u8"),
        ("dequeued_ns", "<u8"), ("ended_ns", "<u8"),
    ]
)  # fmt: skip
"""A connection that was attempted, from its beginning to its end; see docs/results.md."""

FROM_SERVER = ("worker", "received_ns", "started_ns", "finished_ns", "acked_ns")


@dataclass(frozen=True)
class Merged:
    """All requests in the order they were sent, all connections in the order they began.

    A message that was sent again is a request for each attempt.
    """

    requests: Table
    connections: Table

    @property
    def messages(self) -> Columns:
        """One request for each message: its last attempt, which ends when the message does."""
        return without_retried(self.requests)


def merge(clients: ClientRun, log: ServerLog, *, is_proxied: bool = False) -> Merged:
    """Return the records of both sides as two tables.

    If ``is_proxied``, the ports in the server's log are the proxy's.
    """
    requests = _of_all(clients, "messages", REQUEST)
    connections = _of_all(clients, "connections", CONNECTION)
    _add_acceptance(connections, log, is_proxied=is_proxied)
    own = positions(user_keys(connections), user_keys(requests))
    for column in ("begun_ns", "connected_ns", "accepted_ns", "dequeued_ns"):
        requests[column] = gather(connections, column, own)
    served = find_served(requests, log)
    for column in FROM_SERVER:
        requests[column] = gather(log.served, column, served)
    _sort(requests, "sent_ns")
    _sort(connections, "begun_ns")
    return Merged(requests, connections)


def _sort(table: Table, by: str) -> None:
    """Sort the rows by a column in place; a copy of them all would be the largest of the lab."""
    order = np.argsort(table[by], kind="stable")
    for column in table.dtype.names or ():
        table[column] = table[column][order]


def find_served(requests: Table, log: ServerLog) -> Rows:
    """Return for each request the row of ``log.served`` with its id, `NOWHERE` if there is none."""
    return positions(*_request_keys(log.served, requests))


def find_sent(requests: Table, log: ServerLog) -> Rows:
    """Return for each row of ``log.served`` the request with its id, `NOWHERE` if none was sent."""
    return positions(*_request_keys(requests, log.served))


def _of_all(clients: ClientRun, table: str, row: "np.dtype[np.void]") -> Table:
    """Return the tables of all replicas as one of ``row``, in the order of the replicas."""
    tables: list[Table | StoredTable] = [getattr(replica, table) for replica in clients.replicas]
    rows: Table = np.zeros(sum(map(len, tables)), row)
    begin, groups = 0, clients.groups
    for replica, stored in zip(clients.replicas, tables, strict=True):
        part = stored.read() if isinstance(stored, StoredTable) else stored
        place = rows[begin : begin + len(part)]
        place["group"] = groups.index(replica.group)
        place["replica"] = replica.number
        for column in part.dtype.names or ():
            place[column] = part[column]
        begin += len(part)
    return rows


def _request_keys(*tables: Table) -> list[Keys]:
    """Return the id of each row as a number, equal for equal ids in any of ``tables``."""
    users = np.unique(np.concatenate([np.unique(user_keys(table)) for table in tables]))
    return [
        pair_keys(np.searchsorted(users, user_keys(table)).astype(np.uint64), table["message"])
        for table in tables
    ]


def _add_acceptance(connections: Table, log: ServerLog, *, is_proxied: bool) -> None:
    """Add to each connection when it was accepted and its worker, if known."""
    first = positions(user_keys(log.served), user_keys(connections))
    taken = gather(log.served, "conn", first).astype(np.intp)
    taken[first == NOWHERE] = NOWHERE
    if not is_proxied:
        _join_by_port(connections, log.accepted, taken)
    for column in ("worker", "accepted_ns", "dequeued_ns"):
        connections[column] = gather(log.accepted, column, taken)


def _join_by_port(connections: Table, accepted: Table, taken: Rows) -> None:
    """Join connections without a served request by the client's port, if it is unique.

    Replicas on several addresses may use the same port, and a replica may use a port twice.
    """
    alone = np.flatnonzero((taken == NOWHERE) & (connections["connected_ns"] > 0))
    free = np.setdiff1d(np.arange(len(accepted)), taken)
    sure = np.intersect1d(_once(connections["port"][alone]), _once(accepted["port"][free]))
    alone = alone[np.isin(connections["port"][alone], sure)]
    taken[alone] = free[positions(accepted["port"][free], connections["port"][alone])]


def _once(ports: Keys) -> Keys:
    values, counts = np.unique(ports, return_counts=True)
    once: Keys = values[counts == 1]
    return once
