"""The clients of the simulation: what the loops of `client` do, without sockets and clock."""

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from labkit.workload.load_order import GroupOrder, Share
from labkit.workload.profile import NS_PER_S, lifetimes
from orchestrator.twin.agenda import Agenda
from orchestrator.twin.demands import GroupDemands, Thinking, Work
from orchestrator.twin.talk import Server, Source, Talk


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
