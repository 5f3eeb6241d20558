"""The clients of the simulation: what the loops of `client` do, without sockets and clock.

The run's own arrivals, as clients of the simulation. A client does what it did: it connects at
that instant, and after an ack it takes as long to send again as it took. What is asked of the
server comes with it; when it is served and acked, the simulation says. A message is numbered by
its row in the table of requests.
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
from orchestrator.twin.core import Agenda, Server, Source, Talk
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

    def talks(self) -> Iterator[Talk]:
        """Yield the connection of each user."""
        start_ns = round(self._order.start_s * NS_PER_S)
        for user, lifetime in enumerate(lifetimes(self._order.profile)):
            stop_ns = sys.maxsize if lifetime.stop_ns is None else start_ns + lifetime.stop_ns
            yield Talk(self, user, start_ns + lifetime.start_ns, stop_ns)

    def connected(self, talk: Talk) -> bool | None:
        """Have the user send its first message, if its time is not over."""
        if talk.due_ns >= talk.stop_ns:
            return False
        self._set(talk, 0, talk.begun_ns, talk.connected_ns)
        return True

    def acked(self, talk: Talk, now_ns: int) -> bool | None:
        """Have the user think, and send again or say goodbye."""
        following = talk.message + 1
        if following == self._messages:
            return False
        pause_ns = self._thinking.after(talk.user, talk.message)
        due_ns = max(now_ns, min(now_ns + pause_ns, talk.stop_ns))
        if due_ns >= talk.stop_ns:
            return False
        self._set(talk, following, due_ns, due_ns)
        return True

    def _set(self, talk: Talk, message: int, due_ns: int, sent_ns: int) -> None:
        talk.message, talk.due_ns, talk.sent_ns = message, due_ns, sent_ns
        talk.take(self._demands.of(talk.user, message))


class Arrivals(Source):
    """An open loop in which each arrival has a connection of its own."""

    def __init__(self, group: int, order: GroupOrder, seed: int, demands: GroupDemands) -> None:
        self.group = group
        self._order = order
        self._seed = seed
        self._demands = demands

    def talks(self) -> Iterator[Talk]:
        """Yield the connection of each arrival."""
        start_ns = round(self._order.start_s * NS_PER_S)
        for arrival, offset_ns in enumerate(self._order.arrival_offsets_ns(self._seed)):
            talk = Talk(self, arrival, start_ns + offset_ns, sys.maxsize)
            talk.message = arrival
            yield talk

    def connected(self, talk: Talk) -> bool | None:
        """Send the arrival that the connection was made for."""
        talk.sent_ns = talk.connected_ns
        talk.take(self._demands.of(0, talk.message))
        return True

    def acked(self, talk: Talk, now_ns: int) -> bool | None:  # noqa: ARG002 others think
        """Say goodbye."""
        return False


class Arrival(NamedTuple):
    """One that a pool of connections is to carry; ``comes_ns`` is when its client takes it up."""

    comes_ns: int
    due_ns: int
    message: int


class PooledArrivals(Source):
    """An open loop in one replica, whose arrivals wait for a free connection of its pool.

    They take the one that has been idle longest. Once none is to come, connections say goodbye.
    ``connections`` are a number and an instant each, ``arrivals`` in the order in which they come.
    """

    is_shared = True

    def __init__(
        self,
        group: int,
        connections: Iterable[tuple[int, int]],
        arrivals: Sequence[Arrival],
        work_of: Callable[[int], Work],
    ) -> None:
        self.group = group
        self._connections = connections
        self._arrivals = arrivals
        self._work_of = work_of
        self._arrived = 0
        self._waiting: deque[Arrival] = deque()
        self._free: deque[Talk] = deque()

    @classmethod
    def planned(cls, group: int, share: Share, demands: GroupDemands) -> "PooledArrivals":
        """Return those of a replica, as its share of the load says."""
        start_ns = round(share.group.start_s * NS_PER_S)

        def number(own: int) -> int:  # in the group, of what is the ``own``-th of this replica
            return share.place + own * share.group.replicas

        arrivals = [
            Arrival(start_ns + offset_ns, start_ns + offset_ns, number(own))
            for own, offset_ns in enumerate(share.arrival_offsets_ns())
        ]
        connections = [(number(own), start_ns) for own in range(share.connections)]
        return cls(group, connections, arrivals, lambda message: demands.of(0, message))

    def talks(self) -> Iterator[Talk]:
        """Yield the connections of the pool."""
        for user, begun_ns in self._connections:
            yield Talk(self, user, begun_ns, sys.maxsize)

    def start(self, agenda: Agenda, server: Server) -> None:
        """Have the arrivals come, each to be carried to ``server`` by a free connection."""
        self._agenda, self._server = agenda, server
        if self._arrivals:
            agenda.at(self._arrivals[0].comes_ns, self._on_due)

    def connected(self, talk: Talk) -> bool | None:
        """Offer a new connection to who has waited longest."""
        return self.acked(talk, talk.connected_ns)

    def acked(self, talk: Talk, now_ns: int) -> bool | None:
        """Offer a free connection to who has waited longest."""
        if self._waiting:
            self._give(talk, now_ns)
            return True
        if self._arrived == len(self._arrivals):
            return False
        self._free.append(talk)
        return None

    def _on_due(self, now_ns: int, _: object) -> None:
        self._waiting.append(self._arrivals[self._arrived])
        self._arrived += 1
        if self._free:
            talk = self._free.popleft()
            self._give(talk, now_ns)
            self._server.deliver(talk)
        if self._arrived < len(self._arrivals):
            self._agenda.at(self._arrivals[self._arrived].comes_ns, self._on_due)
        elif not self._waiting:
            while self._free:
                self._server.dismiss(now_ns, self._free.popleft())

    def _give(self, talk: Talk, now_ns: int) -> None:
        _, talk.due_ns, talk.message = self._waiting.popleft()
        talk.sent_ns = now_ns
        talk.take(self._work_of(talk.message))


class Step(NamedTuple):
    """A message of a connection: its row, how long after the ack before it is due, and then sent.

    Of the first it is how long after the connection is established, which may be before.
    """

    row: int
    pause_ns: int
    lag_ns: int


@dataclass(frozen=True)
class Script:
    """What one connection does from when it is established, in ns from the common start."""

    connected_ns: int
    steps: Sequence[Step]


class Scripted(Source):
    """Connections that each send a message, wait for its ack, and send the next."""

    def __init__(self, group: int, scripts: Sequence[Script], works: Sequence[Work]) -> None:
        self.group = group
        self._scripts = sorted(scripts, key=lambda script: script.connected_ns)
        self._works = works
        self._following: list[Iterator[Step]] = []

    def talks(self) -> Iterator[Talk]:
        """Yield each connection, numbered as they were established."""
        self._following = [iter(script.steps) for script in self._scripts]
        for number, script in enumerate(self._scripts):
            yield Talk(self, number, script.connected_ns, sys.maxsize)

    def connected(self, talk: Talk) -> bool | None:
        """Have the first message sent."""
        return self.acked(talk, talk.connected_ns)

    def acked(self, talk: Talk, now_ns: int) -> bool | None:
        """Have the next message sent, or say goodbye."""
        step = next(self._following[talk.user], None)
        if step is None:
            return False
        talk.message = step.row
        talk.due_ns = now_ns + step.pause_ns
        talk.sent_ns = talk.due_ns + step.lag_ns
        talk.take(self._works[step.row])
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
    """Return what each connection of ``rows`` did."""
    order = rows[np.lexsort((requests["sent_ns"][rows], user_keys(requests[rows])))]
    told = requests[order]
    keys = user_keys(told)
    is_first = np.concatenate([[True], keys[1:] != keys[:-1]]) if len(told) else np.zeros(0, bool)
    connected_ns = told["connected_ns"].astype(np.int64)
    before_ns = np.roll(told["ended_ns"].astype(np.int64), 1)
    before_ns[is_first] = connected_ns[is_first]
    pauses_ns = (told["due_ns"].astype(np.int64) - before_ns).tolist()
    lags_ns = (told["sent_ns"].astype(np.int64) - told["due_ns"].astype(np.int64)).tolist()
    steps = [Step(*each) for each in zip(order.tolist(), pauses_ns, lags_ns, strict=True)]
    begins = [*np.flatnonzero(is_first).tolist(), len(steps)]
    return [
        Script(int(connected_ns[begin]) - start_ns, steps[begin:end])
        for begin, end in pairwise(begins)
    ]


def _pool(
    group: int,
    requests: Table,
    rows: Rows,
    start_ns: int,
    work_of: Callable[[int], Work],
) -> PooledArrivals:
    """Return the arrivals of one replica and the connections that carried them.

    An arrival comes when its client took it up: when it was due, and so much later as the client
    was late with a connection that was free.
    """
    told = requests[rows]
    order = np.lexsort((told["sent_ns"], user_keys(told)))
    freed_ns = np.zeros(len(told), np.int64)
    keys = user_keys(told)[order]
    is_next = np.concatenate([[False], keys[1:] == keys[:-1]])
    freed_ns[order[is_next]] = np.roll(told["ended_ns"][order].astype(np.int64), 1)[is_next]
    due_ns, sent_ns = told["due_ns"].astype(np.int64), told["sent_ns"].astype(np.int64)
    ready_ns = np.maximum.reduce([due_ns, freed_ns, told["connected_ns"].astype(np.int64)])
    comes_ns = due_ns + np.maximum(sent_ns - ready_ns, 0)
    arrivals = sorted(
        Arrival(int(comes) - start_ns, int(due) - start_ns, int(row))
        for comes, due, row in zip(comes_ns, due_ns, rows, strict=True)
    )
    users, first = np.unique(told["user"], return_index=True)
    opened = [
        (int(user), int(at_ns) - start_ns)
        for user, at_ns in zip(users, told["connected_ns"][first], strict=True)
    ]
    return PooledArrivals(group, sorted(opened, key=lambda each: each[1]), arrivals, work_of)
