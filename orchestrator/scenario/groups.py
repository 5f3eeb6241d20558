"""Groups of clients, the closed and the open loop: a section for each executor.

An executor is how load comes about: by users that wait for their acks (a closed loop), by arrivals
that do not (an open loop), or by a ramp of either; see `ramp`. Configured values only, as written.
"""

from typing import Annotated, Any, Literal

from labkit.protocol.parsing import parse_duration_s
from labkit.workload.distributions import Demands, parse_law
from labkit.workload.load_order import CLOSED, OPEN, POLITE, GroupOrder
from labkit.workload.profile import Profile
from orchestrator.scenario.load_values import (
    Demand,
    Law,
    Name,
    Pool,
    parse_rate_per_s,
    rate_between,
    users_from,
)
from orchestrator.scenario.sections import Section
from orchestrator.scenario.values import duration_between, one_of, whole

DEFAULT_NAME = "clients"
PIPELINE = "pipeline"
BEHAVIOURS = (
    POLITE, "no-goodbye", PIPELINE, "slow-sender", "slow-reader", "silent", "vanish", "reset",
    "garbage", "oversize",
)  # fmt: skip
PACED = ("slow-sender", "slow-reader", "vanish", "reset")
"""Those for which ``pace`` means something."""


class Group(Section):
    """What each group has, whatever its executor; see `labkit.workload.load_order.GroupOrder`."""

    executor: str
    name: Name = DEFAULT_NAME
    replicas: Annotated[int, whole(1, 200)] = 1
    demand: Demand | None = None
    start: Annotated[str, duration_between("0s", "60m")] = "0s"
    connect_timeout: Annotated[str, duration_between("1ms", "60m")] | None = None
    answer_timeout: Annotated[str, duration_between("1ms", "60m")] | None = None

    @property
    def profile(self) -> Profile:
        """The load over time, from the group's start on; without stages it holds to the end."""
        raise NotImplementedError

    @property
    def is_open(self) -> bool:
        """Whether the load is arrivals per second, rather than users."""
        return False

    @property
    def peak_users(self) -> int:
        """How many users there are at most at once; none in an open group."""
        levels = (self.profile.initial, *(level for _, level in self.profile.stages))
        return 0 if self.is_open else int(max(levels))

    @property
    def start_s(self) -> float:
        """When the load begins, from the common start on."""
        return parse_duration_s(self.start)

    @property
    def end_s(self) -> float | None:
        """When the load ends, from the common start on; None where the messages decide."""
        return self.start_s + self.profile.duration_s if self.profile.stages else None

    @property
    def think_time_s(self) -> float | None:
        """The mean pause of a user in seconds, None where there are no users."""
        return None

    def demand_s(self, limit_s: float) -> float | None:
        """Return the mean demand of a message in seconds, None if it carries none."""
        if self.demand is None:
            return None
        return Demands.parse(self.demand, limit_s).mean_s

    def order(self, demand_limit_s: float) -> GroupOrder:
        """Return what the replicas are told."""
        profile = self.profile
        return GroupOrder(
            name=self.name,
            replicas=self.replicas,
            loop=OPEN if self.is_open else CLOSED,
            initial=profile.initial,
            stages=profile.stages,
            demand=self.demand,
            demand_limit_s=demand_limit_s,
            start_s=self.start_s,
            connect_timeout_s=seconds(self.connect_timeout),
            answer_timeout_s=seconds(self.answer_timeout),
            **self._own_terms(),
        )

    def _own_terms(self) -> dict[str, Any]:
        """Return those terms of the order that only this executor has."""
        return {}


class ClosedGroup(Group):
    """Users that each wait for an ack, think, and send again; replicas share the users."""

    executor: Annotated[Literal["closed"], one_of("closed")]
    users: Annotated[int, users_from(1)]
    messages: Annotated[int, whole(1, 1_000_000)] | None = None
    duration: Annotated[str, duration_between("1ms", "60m")] | None = None
    think_time: Law = "0ms"
    behaviour: Annotated[str, one_of(*BEHAVIOURS)] = POLITE
    pipeline: Annotated[int, whole(2, 1000)] | None = None
    pace: Annotated[str, duration_between("1ms", "60m")] | None = None

    @property
    def profile(self) -> Profile:
        """All users at once."""
        duration_s = seconds(self.duration)
        stages = () if duration_s is None else ((duration_s, float(self.users)),)
        return Profile(float(self.users), stages)

    @property
    def think_time_s(self) -> float | None:
        """The mean pause of a user in seconds."""
        return parse_law(self.think_time).mean_s()

    def _own_terms(self) -> dict[str, Any]:
        terms: dict[str, Any] = {
            "messages": self.messages,
            "think_time": self.think_time,
            "behaviour": self.behaviour,
        }
        if self.behaviour == PIPELINE and self.pipeline is not None:
            terms["pipeline"] = self.pipeline
        if self.pace is not None:
            terms["pace_s"] = parse_duration_s(self.pace)
        return terms


class OpenGroup(Group):
    """Arrivals that come when they are due, whether or not earlier ones were answered."""

    executor: Annotated[Literal["open"], one_of("open")]
    rate: Annotated[str, rate_between("0.001/s", "1000000/s")]
    duration: Annotated[str, duration_between("1ms", "60m")]
    connections: Pool
    arrivals: Annotated[str, one_of("constant", "poisson")] = "constant"

    @property
    def profile(self) -> Profile:
        """One rate all the time."""
        level = parse_rate_per_s(self.rate)
        return Profile(level, ((parse_duration_s(self.duration), level),))

    @property
    def is_open(self) -> bool:
        """It is."""
        return True

    def _own_terms(self) -> dict[str, Any]:
        return {"arrivals": self.arrivals, "connections": pool_size(self.connections)}


def seconds(written: str | None) -> float | None:
    """Return the seconds of a duration that may not be there."""
    return None if written is None else parse_duration_s(written)


def pool_size(connections: int | str | None) -> int:
    """Return the connections of a pool, 0 where each arrival has its own."""
    return connections if isinstance(connections, int) else 0
