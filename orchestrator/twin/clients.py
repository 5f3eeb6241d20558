"""The clients of the simulation: planned ones, and a replay of those of a run.

`Users`, `Arrivals` and `PooledArrivals` do what the loops of `client` do. `replay` makes clients
from a run's table of requests: a client connects when it did in the run, to the worker that the
log names if each has a listener, and after an ack takes as long to send again as it did. Its
messages are numbered by their rows in the table.
"""

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from labkit.workload.load_order import OPEN, GroupOrder, Share
from labkit.workload.profile import NS_PER_S, lifetimes
from orchestrator.results.tables import Rows, Table, user_keys
from orchestrator.twin.core import Connection, EventQueue, Model, Source
from orchestrator.twin.demands import GroupDemands, Thinking, Work


class Users(Source):
    """A closed loop: each user sends, waits for the ack, thinks, and sends again."""

    def __init__(
        self, group: int, order: GroupOrder, demands: GroupDemands, thinking: Thinking
    ) -> None:
        self.group = group
        self._order = order
        self._demands = demands
        self._thinking = thinking
        self._messages = order.messages or sys.maxsize

    def connections(self) -> Iterator[Connection]:
        """Yield the connection of each user."""
        start_ns = round(self._order.start_s * NS_PER_S)
        for user, lifetime in enumerate(lifetimes(self._order.profile)):
            stop_ns = sys.maxsize if lifetime.stop_ns is None else start_ns + lifetime.stop_ns
            yield Connection(self, user, start_ns + lifetime.start_ns, stop_ns)

    def on_connected(self, conn: Connection) -> bool | None:
        """Send the user's first message, if its time is not over."""
        if conn.due_ns >= conn.stop_ns:
            return False
        self._set(conn, 0, conn.begun_ns, conn.connected_ns)
        return True

    def on_acked(self, conn: Connection, now_ns: int) -> bool | None:
        """Let the user think, and send again or close."""
        next_message = conn.message + 1
        if next_message == self._messages:
            return False
        pause_ns = self._thinking.after(conn.user, conn.message)
        due_ns = max(now_ns, min(now_ns + pause_ns, conn.stop_ns))
        if due_ns >= conn.stop_ns:
            return False
        self._set(conn, next_message, due_ns, due_ns)
        return True

    def _set(self, conn: Connection, message: int, due_ns: int, sent_ns: int) -> None:
        conn.message, conn.due_ns, conn.sent_ns = message, due_ns, sent_ns
        conn.set_work(self._demands.of(conn.user, message))


class Arrivals(Source):
    """An open loop in which each arrival has a connection of its own."""

    def __init__(self, group: int, order: GroupOrder, seed: int, demands: GroupDemands) -> None:
        self.group = group
        self._order = order
        self._seed = seed
        self._demands = demands

    def connections(self) -> Iterator[Connection]:
        """Yield the connection of each arrival."""
        start_ns = round(self._order.start_s * NS_PER_S)
        for arrival, offset_ns in enumerate(self._order.arrival_offsets_ns(self._seed)):
            conn = Connection(self, arrival, start_ns + offset_ns, sys.maxsize)
            conn.message = arrival
            yield conn

    def on_connected(self, conn: Connection) -> bool | None:
        """Send the arrival that the connection was made for."""
        conn.sent_ns = conn.connected_ns
        conn.set_work(self._demands.of(0, conn.message))
        return True

    def on_acked(self, conn: Connection, now_ns: int) -> bool | None:  # noqa: ARG002 `Users` needs it
        """Close."""
        return False


class Arrival(NamedTuple):
    """An arrival for a pool of connections; ``comes_ns`` is when its client handles it."""

    comes_ns: int
    due_ns: int
    message: int


class PooledArrivals(Source):
    """An open loop in one replica, whose arrivals wait for a free connection of its pool.

    They use the one that has been idle longest. After the last arrival, connections are closed.
    ``connections`` are a number, an instant and a worker each, 0 for one that is not known;
    ``arrivals`` are in the order of time.
    """

    is_shared = True

    def __init__(
        self,
        group: int,
        connections: Iterable[tuple[int, int, int]],
        arrivals: Sequence[Arrival],
        work_of: Callable[[int], Work],
    ) -> None:
        self.group = group
        self._connections = connections
        self._arrivals = arrivals
        self._work_of = work_of
        self._arrived = 0
        self._waiting: deque[Arrival] = deque()
        self._free: deque[Connection] = deque()

    @classmethod
    def planned(cls, group: int, share: Share, demands: GroupDemands) -> "PooledArrivals":
        """Return the arrivals of a replica, by its share of the load."""
        start_ns = round(share.group.start_s * NS_PER_S)

        def number(own: int) -> int:  # in the group, from that in the replica
            return share.place + own * share.group.replicas

        arrivals = [
            Arrival(start_ns + offset_ns, start_ns + offset_ns, number(own))
            for own, offset_ns in enumerate(share.arrival_offsets_ns())
        ]
        connections = [(number(own), start_ns, 0) for own in range(share.connections)]
        return cls(group, connections, arrivals, lambda message: demands.of(0, message))

    def connections(self) -> Iterator[Connection]:
        """Yield the connections of the pool."""
        for user, begun_ns, worker in self._connections:
            conn = Connection(self, user, begun_ns, sys.maxsize)
            conn.worker = worker
            yield conn

    def start(self, events: EventQueue, server: Model) -> None:
        """Schedule the arrivals, each to be sent to ``server`` over a free connection."""
        self._events, self._server = events, server
        if self._arrivals:
            events.schedule(self._arrivals[0].comes_ns, self._on_due)

    def on_connected(self, conn: Connection) -> bool | None:
        """Use a new connection for the longest waiting arrival."""
        return self.on_acked(conn, conn.connected_ns)

    def on_acked(self, conn: Connection, now_ns: int) -> bool | None:
        """Use a free connection for the longest waiting arrival."""
        if self._waiting:
            self._send(conn, now_ns)
            return True
        if self._arrived == len(self._arrivals):
            return False
        self._free.append(conn)
        return None

    def _on_due(self, now_ns: int, _: object) -> None:
        self._waiting.append(self._arrivals[self._arrived])
        self._arrived += 1
        if self._free:
            conn = self._free.popleft()
            self._send(conn, now_ns)
            self._server.deliver(conn)
        if self._arrived < len(self._arrivals):
            self._events.schedule(self._arrivals[self._arrived].comes_ns, self._on_due)
        elif not self._waiting:
            while self._free:
                self._server.close(now_ns, self._free.popleft())

    def _send(self, conn: Connection, now_ns: int) -> None:
        _, conn.due_ns, conn.message = self._waiting.popleft()
        conn.sent_ns = now_ns
        conn.set_work(self._work_of(conn.message))


class Step(NamedTuple):
    """A message of a connection: its row, the time from the previous ack to due, and to sent.

    For the first message, the time from when the connection was established; it may be negative.
    """

    row: int
    pause_ns: int
    lag_ns: int


@dataclass(frozen=True)
class Script:
    """The messages of one connection, and when it is established, in ns from the common start.

    ``worker`` is the one that served it.
    """

    connected_ns: int
    steps: Sequence[Step]
    worker: int


class Scripted(Source):
    """Connections that each send a message, wait for its ack, and send the next."""

    def __init__(self, group: int, scripts: Sequence[Script], works: Sequence[Work]) -> None:
        self.group = group
        self._scripts = sorted(scripts, key=lambda script: script.connected_ns)
        self._works = works
        self._steps: list[Iterator[Step]] = []

    def connections(self) -> Iterator[Connection]:
        """Yield each connection, numbered in the order they were established."""
        self._steps = [iter(script.steps) for script in self._scripts]
        for number, script in enumerate(self._scripts):
            conn = Connection(self, number, script.connected_ns, sys.maxsize)
            conn.worker = script.worker
            yield conn

    def on_connected(self, conn: Connection) -> bool | None:
        """Send the first message."""
        return self.on_acked(conn, conn.connected_ns)

    def on_acked(self, conn: Connection, now_ns: int) -> bool | None:
        """Send the next message, or close."""
        step = next(self._steps[conn.user], None)
        if step is None:
            return False
        conn.message = step.row
        conn.due_ns = now_ns + step.pause_ns
        conn.sent_ns = conn.due_ns + step.lag_ns
        conn.set_work(self._works[step.row])
        return True


def replay(
    requests: Table, orders: Sequence[GroupOrder], start_ns: int, works: Sequence[Work]
) -> list[Source]:
    """Return the clients that sent ``requests``, all of them acknowledged, each with its work."""
    sources: list[Source] = []
    for number, order in enumerate(orders):
        rows = np.flatnonzero(requests["group"] == number)
        if order.loop == OPEN and order.connections:
            for replica in np.unique(requests["replica"][rows]).tolist():
                own = rows[requests["replica"][rows] == replica]
                sources.append(_pool(number, requests, own, start_ns, works.__getitem__))
        else:
            sources.append(Scripted(number, _scripts(requests, rows, start_ns), works))
    return sources


def _scripts(requests: Table, rows: Rows, start_ns: int) -> list[Script]:
    """Return the script of each connection of ``rows``."""
    order = rows[np.lexsort((requests["sent_ns"][rows], user_keys(requests[rows])))]
    ordered = requests[order]
    keys = user_keys(ordered)
    is_first = (
        np.concatenate([[True], keys[1:] != keys[:-1]]) if len(ordered) else np.zeros(0, bool)
    )
    connected_ns = ordered["connected_ns"].astype(np.int64)
    before_ns = np.roll(ordered["ended_ns"].astype(np.int64), 1)
    before_ns[is_first] = connected_ns[is_first]
    pauses_ns = (ordered["due_ns"].astype(np.int64) - before_ns).tolist()
    lags_ns = (ordered["sent_ns"].astype(np.int64) - ordered["due_ns"].astype(np.int64)).tolist()
    steps = [Step(*each) for each in zip(order.tolist(), pauses_ns, lags_ns, strict=True)]
    begins = [*np.flatnonzero(is_first).tolist(), len(steps)]
    workers = ordered["worker"].tolist()
    return [
        Script(int(connected_ns[begin]) - start_ns, steps[begin:end], workers[begin])
        for begin, end in pairwise(begins)
    ]


def _pool(
    group: int, requests: Table, rows: Rows, start_ns: int, work_of: Callable[[int], Work]
) -> PooledArrivals:
    """Return the arrivals of one replica and the connections that carried them.

    An arrival comes when its client handled it: when it was due, plus the client's lag while a
    connection was free.
    """
    own = requests[rows]
    order = np.lexsort((own["sent_ns"], user_keys(own)))
    freed_ns = np.zeros(len(own), np.int64)
    keys = user_keys(own)[order]
    is_next = np.concatenate([[False], keys[1:] == keys[:-1]])
    freed_ns[order[is_next]] = np.roll(own["ended_ns"][order].astype(np.int64), 1)[is_next]
    due_ns, sent_ns = own["due_ns"].astype(np.int64), own["sent_ns"].astype(np.int64)
    ready_ns = np.maximum.reduce([due_ns, freed_ns, own["connected_ns"].astype(np.int64)])
    comes_ns = due_ns + np.maximum(sent_ns - ready_ns, 0)
    arrivals = sorted(
        Arrival(int(comes) - start_ns, int(due) - start_ns, int(row))
        for comes, due, row in zip(comes_ns, due_ns, rows, strict=True)
    )
    users, first = np.unique(own["user"], return_index=True)
    opened = [
        (int(user), int(at_ns) - start_ns, int(worker))
        for user, at_ns, worker in zip(
            users, own["connected_ns"][first], own["worker"][first], strict=True
        )
    ]
    return PooledArrivals(group, sorted(opened, key=lambda each: each[1]), arrivals, work_of)
