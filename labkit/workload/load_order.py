"""The load that the orchestrator orders, and the share of it that each replica carries out."""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

from labkit.wire.wire import Message, WireError, read_fields
from labkit.workload.profile import Lifetime, Profile, arrivals_ns, lifetimes, poisson_arrivals_ns

CLOSED, OPEN = "closed", "open"
POLITE, SLOW_SENDER = "polite", "slow-sender"


@dataclass(frozen=True)
class GroupOrder:
    """One group of clients: ``replicas`` of them share its load.

    ``initial`` and ``stages`` are the load over time (see `labkit.workload.profile`); each stage
    has a duration in seconds and the level at its end. If ``loop`` is ``closed`` a level is a
    number of users, if it is ``open`` a number of arrivals per second. Without stages the level
    holds until each user has sent its ``messages``. If ``messages`` is None, a user sends as long
    as it is present.

    ``arrivals`` is ``constant`` or ``poisson``. ``connections`` is the size of the pool that
    carries them, for all replicas together; 0 opens a connection for each arrival. ``demand`` and
    ``think_time`` have the syntax of `labkit.workload.distributions`. A demand is cut to
    ``demand_limit_s``; None is the server's default. ``pipeline`` and ``pace_s`` belong to the
    behaviours of those names. A time-out of None is off.

    An open group sends a message up to ``attempts`` times, each after an ``answer_timeout_s``; see
    `labkit.workload.retries`. ``retry_budget`` is the most retries for each first attempt, None for
    no limit. ``placed_on`` is the host with whose name its replicas enrol, empty for any.
    """

    name: str
    replicas: int
    loop: str
    initial: float
    stages: tuple[tuple[float, float], ...] = ()
    messages: int | None = None
    arrivals: str = "constant"
    connections: int = 0
    demand: str | None = None
    demand_limit_s: float = 60.0
    think_time: str = "0ms"
    start_s: float = 0.0
    connect_timeout_s: float | None = None
    answer_timeout_s: float | None = None
    behaviour: str = POLITE
    pipeline: int = 1
    pace_s: float = 0.1
    attempts: int = 1
    retry_budget: float | None = None
    backoff: str = "0ms"
    placed_on: str = ""

    @property
    def profile(self) -> Profile:
        """The load over time, from ``start_s`` on."""
        return Profile(self.initial, self.stages)

    @property
    def users(self) -> int:
        """The number of users that a closed group has in all."""
        return len(lifetimes(self.profile))

    def arrival_offsets_ns(self, seed: int) -> Iterator[int]:
        """Yield when each arrival of an open group is due, from the group's own start."""
        if self.arrivals == "poisson":
            return poisson_arrivals_ns(self.profile, seed, self.name)
        return arrivals_ns(self.profile)

    def planned(self, seed: int, replica: int | None = None) -> int | None:
        """Return the number of messages planned, in all or for one replica of the group.

        None if the number is not known before the run, as users send as long as they are present.
        """
        is_open = self.loop == OPEN
        units = sum(1 for _ in self.arrival_offsets_ns(seed)) if is_open else self.users
        if replica is not None:
            units = len(range(replica, units, self.replicas))
        if is_open:
            return units
        return None if self.messages is None or self.stages else units * self.messages


@dataclass(frozen=True)
class Order:
    """A whole load. The conductor announces the start ``margin_s`` before it.

    Replicas are numbered over all groups, in their order. The load starts without replicas that
    have not enrolled ``enrol_s`` after the conductor received the order.
    """

    groups: tuple[GroupOrder, ...]
    target: str
    seed: int
    timeout_s: float
    margin_s: float
    enrol_s: float

    @property
    def replicas(self) -> int:
        """The number of replicas of all groups."""
        return sum(group.replicas for group in self.groups)

    def place(self, replica: int) -> tuple[GroupOrder, int]:
        """Return the group of a replica and its number within that group."""
        for group in self.groups:
            if replica < group.replicas:
                return group, replica
            replica -= group.replicas
        raise IndexError(replica)

    @classmethod
    def read(cls, message: Message) -> "Order":
        """Return the order ``message``.

        Raises:
            WireError: a field is missing or invalid.
        """
        groups = message.get("groups")
        if not isinstance(groups, list) or not groups:
            raise WireError("invalid Order: groups is empty or missing")
        order = read_fields(cls, {**message, "groups": tuple(map(_read_group, groups))})
        for name in ("timeout_s", "margin_s", "enrol_s"):
            seconds = getattr(order, name)
            if not 0 <= seconds < math.inf:
                raise WireError(f"invalid Order: {name} is {seconds}")
        return order


@dataclass(frozen=True)
class Share:
    """The part of one replica: its number in all, its place in its group, the group's load."""

    replica: int
    place: int
    group: GroupOrder
    target: str
    seed: int
    timeout_s: float

    @classmethod
    def of(cls, order: Order, replica: int) -> "Share":
        """Return the share of ``replica`` in ``order``."""
        group, place = order.place(replica)
        return cls(replica, place, group, order.target, order.seed, order.timeout_s)

    @classmethod
    def read(cls, message: Message) -> "Share":
        """Return the share ``message``.

        Raises:
            WireError: a field is missing or invalid.
        """
        return read_fields(cls, {**message, "group": _read_group(message.get("group"))})

    def fields(self) -> dict[str, Any]:
        """Return the share as the fields of a message."""
        return asdict(self)

    @property
    def planned(self) -> int | None:
        """The number of messages this replica is to send; None if not known before the run."""
        return self.group.planned(self.seed, self.place)

    @property
    def connections(self) -> int:
        """The number of connections in this replica's part of the group's pool."""
        return len(range(self.place, self.group.connections, self.group.replicas))

    def lifetimes(self) -> list[tuple[int, Lifetime]]:
        """Return this replica's users: the number of each in its group, and its lifetime."""
        return list(enumerate(lifetimes(self.group.profile)))[self.place :: self.group.replicas]

    def arrival_offsets_ns(self) -> Iterator[int]:
        """Yield when each arrival of this replica is due, from the group's own start."""
        offsets = self.group.arrival_offsets_ns(self.seed)
        return islice(offsets, self.place, None, self.group.replicas)


def _read_group(received: object) -> GroupOrder:
    group = read_fields(GroupOrder, received)
    try:
        return replace(group, stages=tuple((float(s), float(level)) for s, level in group.stages))
    except (TypeError, ValueError):
        raise WireError(f"invalid GroupOrder: stages is {group.stages!r:.80}") from None
