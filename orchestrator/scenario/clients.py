"""The key ``clients`` of a scenario: groups of clients, one class for each executor.

An executor says how the load is generated: by users that wait for each ack (``closed``), by
arrivals that do not wait (``open``), or by either of them rising and falling in stages (``ramp``).
Values are kept as they were written.
"""

import math
from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from labkit.protocol.parsing import parse_duration_s
from labkit.workload.distributions import Demands, parse_law
from labkit.workload.load_order import CLOSED, OPEN, POLITE, SLOW_SENDER, GroupOrder
from labkit.workload.profile import Profile
from labkit.workload.retries import parse_backoff
from orchestrator.measures.hints import listed
from orchestrator.measures.views import VIEWS
from orchestrator.scenario.client_place import ClientPlace
from orchestrator.scenario.fields import (
    DemandText,
    Identifier,
    LawText,
    PoolSize,
    check_word,
    describe,
    duration_between,
    invalid_value,
    not_empty,
    one_of,
    parse_rate_per_s,
    raise_all,
    rate_between,
    users_from,
    whole,
)
from orchestrator.scenario.retry import Retry
from orchestrator.scenario.server import Section
from orchestrator.scenario.tuned import ThinkTime, any_mean, tuned_share
from orchestrator.scenario.yaml_document import Location

DEFAULT_GROUP_NAME = "clients"
MAX_GROUPS = 20
MAX_STAGES = 100
PIPELINE = "pipeline"
POISSON = "poisson"
BEHAVIOURS = (
    POLITE, "no-goodbye", PIPELINE, SLOW_SENDER, "slow-reader", "silent", "vanish", "reset",
    "garbage", "oversize",
)  # fmt: skip
PACED = (SLOW_SENDER, "slow-reader", "vanish", "reset")
"""The behaviours that use ``pace``."""


class Group(Section):
    """The keys of every group; see `labkit.workload.load_order.GroupOrder`."""

    executor: str
    name: Identifier = DEFAULT_GROUP_NAME
    replicas: Annotated[int, whole(1, 1000)] = 1
    demand: DemandText | None = None
    start: Annotated[str, duration_between("0s", "60m")] = "0s"
    connect_timeout: Annotated[str, duration_between("1ms", "60m")] | None = None
    answer_timeout: Annotated[str, duration_between("1ms", "60m")] | None = None
    deadline: Annotated[str, duration_between("1ms", "60m")] | None = None
    place: Annotated[
        ClientPlace | None, Field(description="the host on which its replicas run; docs/swarm.md")
    ] = None

    @property
    def profile(self) -> Profile:
        """The load over time, from the start of the group; constant if it has no stages."""
        raise NotImplementedError

    @property
    def placed_on(self) -> str:
        """The name of the host on which its replicas run, empty for any."""
        return "" if self.place is None else self.place.host

    @property
    def is_open(self) -> bool:
        """Whether the load is a rate of arrivals; otherwise it is a number of users."""
        return False

    @property
    def peak_users(self) -> int:
        """The largest number of users at once; 0 in an open group."""
        levels = (self.profile.initial, *(level for _, level in self.profile.stages))
        return 0 if self.is_open else int(max(levels))

    @property
    def start_s(self) -> float:
        """When the load of the group begins, from the start of the load."""
        return parse_duration_s(self.start)

    @property
    def end_s(self) -> float | None:
        """When the load of the group ends; None if it ends with the last message of the users."""
        return self.start_s + self.profile.duration_s if self.profile.stages else None

    def overlaps(self, other: "Group") -> bool:
        """Return whether there is a time for which both groups are planned to run."""
        ends_s = [math.inf if each.end_s is None else each.end_s for each in (self, other)]
        return self.start_s < ends_s[1] and other.start_s < ends_s[0]

    @property
    def think_time_s(self) -> float | None:
        """The mean pause of a user in seconds, None if there are no users, or it is to be tuned."""
        return None

    @property
    def is_random(self) -> bool:
        """Whether arrivals, demands, think times or pauses before retries are drawn."""
        retry = getattr(self, "retry", None)
        return (
            getattr(self, "arrivals", "") == POISSON
            or (retry is not None and parse_backoff(retry.backoff).is_random)
            or (self.demand is not None and Demands.parse(self.demand).is_random)
            or parse_law(any_mean(getattr(self, "think_time", "0ms"))).constant_s is None
        )

    def demand_s(self, limit_s: float) -> float | None:
        """Return the mean demand of a message in seconds, None if it carries none."""
        if self.demand is None:
            return None
        return Demands.parse(self.demand, limit_s).mean_s

    def order(self, demand_limit_s: float) -> GroupOrder:
        """Return the order that the replicas receive."""
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
            placed_on=self.placed_on,
            **self._own_terms(),
        )

    def _own_terms(self) -> dict[str, Any]:
        """Return the terms of the order that only this executor has."""
        return {}


class ClosedGroup(Group):
    """Users that each send, wait for the ack, think, and send again; replicas share the users."""

    executor: Annotated[Literal["closed"], one_of("closed")]
    users: Annotated[int, users_from(1)]
    messages: Annotated[int, whole(1, 1_000_000)] | None = None
    duration: Annotated[str, duration_between("1ms", "60m")] | None = None
    think_time: ThinkTime = "0ms"
    behaviour: Annotated[str, one_of(*BEHAVIOURS)] = POLITE
    pipeline: Annotated[int, whole(2, 1000)] | None = None
    pace: Annotated[str, duration_between("1ms", "60m")] | None = None

    @property
    def profile(self) -> Profile:
        """All users from the start on."""
        duration_s = seconds(self.duration)
        stages = () if duration_s is None else ((duration_s, float(self.users)),)
        return Profile(float(self.users), stages)

    @property
    def think_time_s(self) -> float | None:
        """The mean pause of a user in seconds, None if it is not known yet."""
        if tuned_share(self.think_time) is not None:
            return None
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
    """Arrivals that are sent when they are due, whether or not earlier ones were answered."""

    executor: Annotated[Literal["open"], one_of("open")]
    rate: Annotated[str, rate_between("0.001/s", "1000000/s")]
    duration: Annotated[str, duration_between("1ms", "60m")]
    connections: PoolSize
    arrivals: Annotated[str, one_of("constant", POISSON)] = "constant"
    retry: Retry | None = None

    @property
    def profile(self) -> Profile:
        """A constant rate."""
        level = parse_rate_per_s(self.rate)
        return Profile(level, ((parse_duration_s(self.duration), level),))

    @property
    def is_open(self) -> bool:
        """Always true."""
        return True

    def _own_terms(self) -> dict[str, Any]:
        return _open_terms(self)


class Stage(Section):
    """One stage of a ramp: a linear change to this number of users, or to this rate."""

    duration: Annotated[str, duration_between("1ms", "60m")]
    users: Annotated[int, users_from(0)] | None = None
    rate: Annotated[str, rate_between("0/s", "1000000/s")] | None = None

    @property
    def line(self) -> tuple[float, float]:
        """Its duration in seconds, and the level at its end."""
        level = parse_rate_per_s(self.rate) if self.rate is not None else float(self.users or 0)
        return parse_duration_s(self.duration), level


def _check_stages(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    if len(stages) > MAX_STAGES:
        raise invalid_value(f"{len(stages)} stages; allowed: at most {MAX_STAGES}")
    kinds = [{"users", "rate"} & each.model_dump(exclude_none=True).keys() for each in stages]
    raise_all(
        (
            (index,),
            invalid_value(f"a stage has {'both' if found else 'neither'}; write users or rate"),
        )
        for index, found in enumerate(kinds)
        if len(found) != 1
    )
    if len(set().union(*kinds)) > 1:
        raise invalid_value("some stages have users and some a rate; write one or the other in all")
    return stages


class RampGroup(Group):
    """Users, or arrivals, that start at zero and rise or fall in stages."""

    executor: Annotated[Literal["ramp"], one_of("ramp")]
    stages: Annotated[
        tuple[Stage, ...],
        Field(strict=False),
        AfterValidator(not_empty("stage")),
        AfterValidator(_check_stages),
    ]
    think_time: LawText = "0ms"
    connections: PoolSize | None = None
    arrivals: Annotated[str, one_of("constant", POISSON)] = "constant"
    retry: Retry | None = None

    @property
    def profile(self) -> Profile:
        """From zero, stage by stage."""
        return Profile(0.0, tuple(stage.line for stage in self.stages))

    @property
    def is_open(self) -> bool:
        """Whether its stages have a rate."""
        return self.stages[0].rate is not None

    @property
    def think_time_s(self) -> float | None:
        """The mean pause of a user in seconds, None if there are no users."""
        return None if self.is_open else parse_law(self.think_time).mean_s()

    def _own_terms(self) -> dict[str, Any]:
        if self.is_open:
            return _open_terms(self)
        return {"think_time": self.think_time}


def _open_terms(group: OpenGroup | RampGroup) -> dict[str, Any]:
    """Return the terms of an order that only groups of arrivals have."""
    retries = {} if group.retry is None else group.retry.terms()
    return {"arrivals": group.arrivals, "connections": pool_size(group.connections), **retries}


EXECUTORS: Mapping[str, type[Group]] = {
    "closed": ClosedGroup,
    "open": OpenGroup,
    "ramp": RampGroup,
}


def section_of(written: object) -> type[Group]:
    """Return the class for a group as written; `Group` if its executor is unknown.

    Errors use it to list the allowed keys.
    """
    executor = written.get("executor") if isinstance(written, Mapping) else None
    return EXECUTORS.get(executor, Group) if isinstance(executor, str) else Group


def _read_group(written: object, info: ValidationInfo) -> Group:
    if isinstance(written, Group):
        return written
    if not isinstance(written, dict):
        form = "write a map, e.g. {executor: closed, users: 5, messages: 10}"
        raise invalid_value(f"{describe(written)}; {form}")
    if "executor" not in written:
        raise invalid_value(f"missing key 'executor'; write one of {listed(EXECUTORS)}")
    try:
        executor = check_word(written["executor"], EXECUTORS)
    except PydanticCustomError as error:
        raise_all([(("executor",), error)])
    return EXECUTORS[executor].model_validate(written, context=info.context)


def check_groups(groups: tuple[Group, ...]) -> tuple[Group, ...]:
    """Refuse more than `MAX_GROUPS`, and groups with a missing, reserved or repeated name."""
    if len(groups) > MAX_GROUPS:
        raise invalid_value(f"{len(groups)} groups; allowed: at most {MAX_GROUPS}")
    seen: set[str] = set(VIEWS)
    found: list[tuple[Location, PydanticCustomError]] = []
    for index, group in enumerate(groups):
        if len(groups) > 1 and "name" not in group.model_fields_set:
            found.append(
                ((index,), invalid_value("this group has no name; with several groups, name each"))
            )
        elif group.name in seen:
            reason = "is reserved" if group.name in VIEWS else "is already used"
            message = f"{group.name!r} {reason}; give each group its own name"
            found.append(((index, "name"), invalid_value(message)))
        seen.add(group.name)
    raise_all(found)
    return groups


def seconds(written: str | None) -> float | None:
    """Return a duration in seconds, None if there is none."""
    return None if written is None else parse_duration_s(written)


def pool_size(connections: int | str | None) -> int:
    """Return the connections of a pool, 0 if each arrival has its own."""
    return connections if isinstance(connections, int) else 0


_GroupInput: object = reduce(or_, EXECUTORS.values())
"""A group of any executor, for the JSON Schema."""

AnyGroup = Annotated[
    Group,
    PlainValidator(_read_group, json_schema_input_type=_GroupInput),
    PlainSerializer(lambda group: group.model_dump(mode="json", exclude_none=True)),
]
"""A group, validated by the class of its executor."""
