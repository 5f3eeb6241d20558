"""The ramp: users, or arrivals, that begin at none and become more or fewer in stages."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from labkit.protocol.parsing import parse_duration_s
from labkit.workload.distributions import parse_law
from labkit.workload.profile import Profile
from orchestrator.scenario.groups import Group, pool_size
from orchestrator.scenario.load_values import Law, Pool, parse_rate_per_s, rate_between, users_from
from orchestrator.scenario.sections import Section
from orchestrator.scenario.values import (
    complaint,
    complaints,
    duration_between,
    not_empty,
    one_of,
)

MAX_STAGES = 100


class Stage(Section):
    """A straight line of a ramp: from where it stands to so many users, or such a rate."""

    duration: Annotated[str, duration_between("1ms", "60m")]
    users: Annotated[int, users_from(0)] | None = None
    rate: Annotated[str, rate_between("0/s", "1000000/s")] | None = None

    @property
    def line(self) -> tuple[float, float]:
        """Its seconds, and the level at its end."""
        level = parse_rate_per_s(self.rate) if self.rate is not None else float(self.users or 0)
        return parse_duration_s(self.duration), level


def _check_stages(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    if len(stages) > MAX_STAGES:
        raise complaint(f"{len(stages)} stages; allowed: at most {MAX_STAGES}")
    kinds = [{"users", "rate"} & each.model_dump(exclude_none=True).keys() for each in stages]
    complaints(
        ((index,), complaint(f"a stage has {'both' if found else 'none'}; write users or rate"))
        for index, found in enumerate(kinds)
        if len(found) != 1
    )
    if len(set().union(*kinds)) > 1:
        raise complaint("some stages have users and some a rate; write one or the other in all")
    return stages


class RampGroup(Group):
    """Users, or arrivals, that begin at none and become more or fewer in stages."""

    executor: Annotated[Literal["ramp"], one_of("ramp")]
    stages: Annotated[
        tuple[Stage, ...],
        Field(strict=False),
        AfterValidator(not_empty("stage")),
        AfterValidator(_check_stages),
    ]
    think_time: Law = "0ms"
    connections: Pool | None = None
    arrivals: Annotated[str, one_of("constant", "poisson")] = "constant"

    @property
    def profile(self) -> Profile:
        """From none, stage by stage."""
        return Profile(0.0, tuple(stage.line for stage in self.stages))

    @property
    def is_open(self) -> bool:
        """It is where its stages have a rate."""
        return self.stages[0].rate is not None

    @property
    def think_time_s(self) -> float | None:
        """The mean pause of a user in seconds, None where there are no users."""
        return None if self.is_open else parse_law(self.think_time).mean_s()

    def _own_terms(self) -> dict[str, Any]:
        if self.is_open:
            return {"arrivals": self.arrivals, "connections": pool_size(self.connections)}
        return {"think_time": self.think_time}
