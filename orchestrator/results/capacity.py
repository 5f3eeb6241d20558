"""The result of a capacity search, as `capacity.json` has it; the schema is published in `docs/`.

Values only. A load is an arrival rate per second, or a number of users; durations are in seconds.
"""

from enum import StrEnum

from pydantic import Field

from orchestrator.results.summary import Cheapest, Frozen, Status

SCHEMA_VERSION = 1
CAPACITY = "capacity.json"


class LoadKind(StrEnum):
    """What is searched."""

    RATE = "arrival rate"  # of the open group, per second
    USERS = "users"  # of the closed group


class Verdict(StrEnum):
    """Whether the objectives hold at a load, with the confidence of the search."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNDECIDED = "undecided"


class Limit(StrEnum):
    """What kept a case from more than its capacity."""

    WORKERS = "workers busy"  # all workers are in service nearly all the time
    CPU = "CPU"  # the server uses all that the host, or its limit, gives it
    INTERPRETER_LOCK = "interpreter lock"  # one thread at a time computes
    ACCEPT_QUEUE = "accept queue"  # connections wait or are refused while workers are idle
    QUEUEING = "queueing"  # none of these: waits of random arrivals break the objective
    CLIENTS = "clients"  # the load was not generated as planned: no figure of the server
    HOST = "host"  # other programs, or the clients, took the CPUs: no figure of the server
    UNKNOWN = "unknown"


NO_FIGURE = frozenset({Limit.CLIENTS, Limit.HOST})
"""Limits that are none of the server, so that no upper bound is reported."""


class ObjectiveFigures(Frozen):
    """One objective in one trial, or at one load over its valid trials."""

    objective: str
    value: float | None = Field(
        description="the left side, in base units; over a load, the median of its trials"
    )
    late_share: float | None = Field(
        default=None, description="of a percentile: the share of messages beyond its limit"
    )
    allowed_share: float | None = Field(
        default=None, description="of a percentile: the share that may be beyond it"
    )
    late_share_low: float | None = Field(
        default=None, description="the lower end of the confidence interval of `late_share`"
    )
    late_share_high: float | None = Field(default=None, description="its upper end")


class TrialResult(Frozen):
    """One run at one load."""

    slug: str = Field(description="the trial's folder under raw/")
    seed: int
    messages: int = Field(description="due after the warm-up")
    objectives: list[ObjectiveFigures]
    utilization: float | None = None
    broken: str = Field(
        default="", description="why the load cannot hold whatever the figures: drops, errors, …"
    )
    invalid: list[str] = Field(
        default_factory=list, description="why the trial does not count, a sentence each"
    )


class LoadResult(Frozen):
    """One load and its verdict."""

    load: float
    verdict: Verdict
    reason: str = Field(description="what decided it, a short sentence")
    is_confirmation: bool = Field(
        default=False, description="whether it repeats the lower bound with fresh draws"
    )
    objectives: list[ObjectiveFigures]
    trials: list[TrialResult] = Field(description="valid and invalid ones, in order")


class CaseCapacity(Frozen):
    """One case: the bounds of its capacity, and what they rest on."""

    name: str
    model: str
    axes: dict[str, str | int | float | bool] = Field(description="the matrix values of this case")
    workers: int | None = None
    lower: float | None = Field(description="the greatest load that held, confirmed; null if none")
    upper: float | None = Field(description="the least load that did not hold; null if none")
    ended: str = Field(description="why the search of this case ended")
    is_complete: bool = Field(description="whether the bounds are as close as was asked")
    predicted: float | None = Field(
        default=None, description="the capacity of the queueing twin; null if there is none"
    )
    prediction: str = Field(default="", description="why there is no twin")
    limited_by: Limit = Limit.UNKNOWN
    evidence: str = Field(default="", description="what shows that it is limited by this")
    cpu_s_per_1000_messages: float | None = Field(
        default=None, description="CPU time of the server at the greatest load that held"
    )
    at: Verdict | None = Field(default=None, description="the verdict at the load asked about")
    headroom_low: float | None = Field(
        default=None, description="lower / at - 1: how much more than `at` it bears at least"
    )
    headroom_high: float | None = Field(default=None, description="upper / at - 1: and at most")
    loads: list[LoadResult] = Field(description="in the order in which they were tried")


class Capacity(Frozen):
    """The result of one search over all cases of a scenario."""

    schema_version: int = SCHEMA_VERSION
    scenario: str
    intent: str
    kind: LoadKind
    group: str = Field(description="the group of clients whose load is searched")
    objectives: list[str]
    at: float | None = Field(description="the load asked about")
    is_any_enough: bool = Field(
        default=False, description="whether one case that holds at that load is enough"
    )
    width: float = Field(description="(upper - lower) / upper at which a search ends")
    confidence: float = Field(description="with which both bounds of a case are right")
    backend: str
    backend_reason: str
    started_at: str
    duration_s: float
    status: Status
    reason: str = Field(description="why it ended early, else empty")
    planned_cases: int
    cases: list[CaseCapacity]
    cheapest: list[Cheapest] = Field(
        default_factory=list, description="with `at`: the cases with the fewest workers that hold"
    )
    answer: list[str] = Field(description="what it found, in sentences")
    host: dict[str, object] = Field(
        default_factory=dict, description="as environment.json: the machine, and the command"
    )
    exit_code: int
