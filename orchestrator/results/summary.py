"""The findings of a campaign, as `summary.json` has them; the schema is published in `docs/`.

Values only: no clock, no files, no backend. Keys of ``measures`` carry their unit.
"""

from enum import StrEnum
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 2


class Status(StrEnum):
    """How the campaign itself ended."""

    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    NONCONFORMING = "nonconforming"  # the target violates the contract, so it was not measured
    BROKEN = "broken"  # the engine or the infrastructure failed


class Outcome(StrEnum):
    """The result of an expectation."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"  # the repeats do not give the requested confidence
    UNKNOWN = "unknown"  # a measure that it names is missing


class Grade(StrEnum):
    """The result of a guess, if one was made."""

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"  # a measure that it names is missing
    NO_GUESS = "no guess"  # the user has predicted no value


class Fitness(StrEnum):
    """Whether the clients were fast enough for what they measured."""

    OK = "ok"
    STRAINED = "strained"  # late or busy enough for a remark
    BOTTLENECK = "bottleneck"  # they limited the figures, not the server


class ReasonKind(StrEnum):
    """What makes a run invalid; ``--accept-invalid`` forgives the first two only."""

    DISTURBED_HOST = "disturbed_host"  # a rule about the host does not hold; a retry may help
    DISTURBED_RUN = "disturbed_run"  # another rule does not hold, a fault was late, a CPU throttled
    LOST_REPLICA = "lost_replica"  # a client replica did not report, or its program failed
    LOST_RECORDS = "lost_records"  # lines of the log, samples or fault records are missing
    UNBALANCED = "unbalanced"  # records that should agree do not: counts, rows, instants, acks
    BROKEN_LAW = "broken_law"  # no server can do what the records say
    FAULT = "fault"  # a fault was not injected or reverted as the scenario asks
    OTHER_INTERPRETER = "other_interpreter"  # the server ran on another Python than requested
    OTHER_CLOCK = "other_clock"  # the instants of two programs cannot be compared
    STRANGER = "stranger"  # a program that is no part of the run took part in it


class Reason(NamedTuple):
    """Why a run is invalid as a measurement."""

    kind: ReasonKind
    text: str


class Frozen(BaseModel):
    """The base of all parts of a summary: immutable, and without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Expectation(Frozen):
    """One expression of the scenario, judged for one case, with both sides formatted."""

    expression: str
    outcome: Outcome
    left: str = Field(description="the left side's value with its unit, empty if unknown")
    right: str = Field(description="the right side's value with its unit, empty if unknown")
    reason: str = Field(
        default="",
        description="why the outcome is unknown or inconclusive; how many CPUs a failed one had",
    )
    is_implied: bool = Field(
        default=False,
        description="whether it is expected of every case, instead of written in the scenario",
    )


class Guess(Frozen):
    """A guess about a case, and its result, which does not affect the exit code."""

    expression: str
    grade: Grade = Field(description="by what was measured")
    measured: str = Field(description="the measured value of the left side, empty if unknown")
    twin: Grade = Field(description="by what the queueing twin predicts")
    predicted: str = Field(description="the predicted value of the left side, empty if unknown")


class Instrument(Frozen):
    """Whether the clients were fit to measure; their figures are among the measures."""

    fitness: Fitness
    reasons: list[str] = Field(description="why it is not ok, a sentence each")


class Interpreter(Frozen):
    """The Python that ran a server, as it reported."""

    version: str = Field(description="such as 3.13.5")
    lock: bool = Field(
        description="whether the interpreter lock was on, at the start of the run or at its end"
    )


class FaultSummary(Frozen):
    """One fault of a run; seconds from the common start of the load."""

    fault: str
    worker: int | None = Field(description="the worker of kill-worker")
    asked_s: float = Field(description="when it was due")
    effect_s: float | None = Field(description="when it had been injected; null if it was not")
    reverted_s: float | None = Field(description="when it had been reverted; null if it was not")
    over_s: float | None = Field(
        default=None, description="when its first consequence was over; null if it never was"
    )
    error: str = Field(description="why it could not be injected or reverted, else empty")
    is_by_hand: bool = Field(default=False, description="a person asked for it during the run")


class TwinSummary(Frozen):
    """A run compared with its queueing twin, whose figures are in `groups`."""

    remark: str = Field(
        description="why there is no twin, how measured and predicted differ, that overhead is too "
        "large for the twin, or how many messages it lacks; else empty"
    )
    part: str | None = Field(
        default=None, description="if they differ, the part of the response time that differs most"
    )
    grew_s: float | None = Field(
        default=None, description="by how much the mean of that part is above the predicted one"
    )
    overhead_s: dict[str, float] = Field(
        default_factory=dict,
        description="what messages and connections cost beyond their demands, as calibrated",
    )
    lacks_load: bool = Field(
        default=False, description="the model has a twin, but none for this load"
    )


class OverTime(Frozen):
    """A run in steps of time, at most 100: a list has the value of each step, in their order.

    Each step is as long as ``step_s``, but for the last one, which ends with the run: it is up to
    half a step shorter or longer. A connection that was never established counts as one message,
    due when it was begun and without an ack, as messages that wait for it have no record.
    """

    step_s: float = Field(
        description="the least 1, 2 or 5 times a power of ten of seconds with at most 100 steps"
    )
    end_s: float = Field(description="the end of the last step, from the common start")
    warmup_s: float = Field(description="the end of the warm-up, from the common start; else 0")
    begin_s: list[float] = Field(description="the begin of each step, from the common start")
    offered_per_s: list[float] = Field(description="messages due in the step")
    throughput_per_s: list[float] = Field(description="messages whose ack came in the step")
    failed_per_s: list[float] = Field(description="messages whose failure came in the step")
    errors_per_s: list[float] = Field(description="connections whose failure came in the step")
    in_flight: list[float] = Field(
        description="messages that are due and not ended, their mean over the step"
    )
    response_time_p50_s: list[float | None] = Field(
        description="of the messages due in the step, whenever they ended; null below 2 messages"
    )
    response_time_p99_s: list[float | None] = Field(description="null below 100 messages")
    response_time_max_s: list[float | None] = Field(description="null without messages")
    lower_bounds: dict[str, list[int]] = Field(
        default_factory=dict,
        description="of each column of response times, the steps, from 0, whose value is a lower "
        "bound: messages have no ack",
    )


class Abort(Frozen):
    """The expression under `abort` of the scenario that ended a load before its time."""

    expression: str
    left: str = Field(description="the left side's value with its unit, as known at that time")
    right: str = Field(description="the right side's value with its unit, as known at that time")
    at_s: float = Field(description="when, in seconds from the common start of the load")


class RunSummary(Frozen):
    """One repeat of a case."""

    slug: str = Field(description="the run's folder under raw/ and samples/")
    repeat: int | None = Field(
        default=None, description="its number among the repeats, from 1; null in older results"
    )
    seed: int | None = Field(
        default=None, description="the seed of its draws; null in results of older versions"
    )
    measures: dict[str, float | None] = Field(description="every one by its key; null if unknown")
    groups: dict[str, dict[str, float | None]] = Field(
        default_factory=dict,
        description="the clients' measures of each group, if there are several groups, and those "
        "of each view of the run, such as during or predicted, by name",
    )
    lower_bounds: list[str] = Field(
        default_factory=list,
        description="keys of measures, or group.key, of which only a lower bound is known",
    )
    errors: dict[str, float] = Field(
        default_factory=dict,
        description="by key or group.key, by how much a measure that joins two clocks may be off",
    )
    clock_error_s: float = Field(
        default=0.0, description="error of a client's instants on the server's clock; 0: one clock"
    )
    interpreter: Interpreter | None = Field(
        default=None, description="null of a target, and in results of older versions"
    )
    faults: list[FaultSummary] = Field(default_factory=list)
    aborted: Abort | None = Field(
        default=None,
        description="why the load ended early, so that the case failed and its later repeats were "
        "left out; null if it did not",
    )
    twin: TwinSummary | None = None
    over_time: OverTime | None = Field(
        default=None, description="null without messages, and in results of older versions"
    )
    instrument: Instrument
    invalid: list[str] = Field(description="why this run is invalid as a measurement")
    invalid_kinds: list[ReasonKind] = Field(
        default_factory=list, description="the kind of each reason in `invalid`, in the same order"
    )
    notes: list[str] = Field(
        default_factory=list,
        description="where the programs ran, and which of the kernel's figures are missing or "
        "include other programs, and why",
    )
    host_cpu_s: dict[str, float | None] = Field(
        default_factory=dict,
        description="CPU time during the load, in s: all that was used (busy), of it in interrupts "
        "that belong to no program, and of each part of the lab; others is the rest, below 0 by "
        "the errors of the parts; null if unknown",
    )
    cpus: str = Field(
        default="",
        description="how many CPUs the lab could use, if not all of the machine: 1 of 2 CPUs",
    )
    overhead_s: float = Field(description="wall time of the run less the load's own window")


class CaseSummary(Frozen):
    """One model at one load point, over all its repeats."""

    name: str
    model: str
    slug: str = Field(description="the case's folder under raw/")
    axes: dict[str, str | int | float | bool] = Field(description="the matrix values of this case")
    measures: dict[str, float | None] = Field(
        description="the median over the repeats of every measure; null if one has no value"
    )
    intervals: dict[str, tuple[float, float]] = Field(
        default_factory=dict,
        description="confidence intervals of those medians, if there are two repeats or more",
    )
    coverage: float | None = Field(
        default=None,
        description="the exact probability with which each interval contains the median: at "
        "least 0.95 if the repeats allow it, else that of the widest; null without intervals",
    )
    condition: str = Field(
        default="",
        description="what the intervals are conditional on: `over repeats with fresh draws`, or "
        "`of one sequence of draws`, so that another seed may give figures outside them",
    )
    groups: dict[str, dict[str, float | None]] = Field(
        default_factory=dict,
        description="the same medians for each of several client groups, and for each view of the "
        "run",
    )
    lower_bounds: list[str] = Field(
        default_factory=list,
        description="keys of measures, or group.key, of which only a lower bound is known",
    )
    errors: dict[str, float] = Field(
        default_factory=dict,
        description="by key or group.key, by how much a measure that joins two clocks may be off",
    )
    interpreter: Interpreter | None = Field(
        default=None, description="that of its runs; null if they differ in it or have none"
    )
    instrument: Instrument = Field(description="that of the worst repeat")
    expectations: list[Expectation]
    guesses: list[Guess] = Field(default_factory=list)
    invalid: list[str] = Field(description="why this case is invalid as a measurement")
    invalid_kinds: list[ReasonKind] = Field(
        default_factory=list, description="the kind of each reason in `invalid`, in the same order"
    )
    notes: list[str] = Field(default_factory=list, description="those of its runs")
    overhead_s: float = Field(description="the median of the runs'")
    runs: list[RunSummary] = Field(
        default_factory=list,
        description="each repeat that counts, in the order of the rounds: its first run that the "
        "host did not disturb",
    )
    disturbed: list[RunSummary] = Field(
        default_factory=list,
        description="the runs that the host disturbed and that do not count, with their reasons; "
        "a retry has the repeat of the run that it replaces",
    )


class Ranking(Frozen):
    """The models at one load point, best first, by one measure."""

    measure: str = Field(description="the measure's key")
    axes: dict[str, str | int | float | bool]
    ranks: list[list[str]] = Field(
        description="models that the repeats do not distinguish share a rank"
    )


class Comparison(Frozen):
    """Expectations that compare models, judged at one load point."""

    axes: dict[str, str | int | float | bool]
    expectations: list[Expectation]


class Cheapest(Frozen):
    """The cases with the fewest workers whose expectations hold, at one load."""

    axes: dict[str, str | int | float | bool] = Field(
        description="the load: the values on all axes but workers"
    )
    cases: list[str] = Field(description="the names of the cases; several if equally cheap")
    workers: int | None = Field(
        description="the number of workers of each; 1 for single and for one loop; null if no case"
    )
    of: int = Field(description="how many cases there are at this load")
    holding: int = Field(description="how many of them hold")


class Answer(Frozen):
    """The answer to the question of a scenario, in words, with the values of this campaign."""

    sentences: list[str] = Field(
        default_factory=list,
        description="what `answer` of the scenario says of these results; empty without `answer`",
    )
    caveat: str = Field(
        default="", description="one sentence that says why not to rely on it; empty if none"
    )


class Summary(Frozen):
    """The findings of a campaign, and how it ran."""

    schema_version: int = SCHEMA_VERSION
    scenario: str = Field(description="the scenario file's name without its ending")
    intent: str
    answer: Answer = Field(default_factory=Answer)
    shown: list[str] = Field(
        default_factory=list,
        description="the measures in question, or group.measure, which tables show first: those of "
        "`show` in the scenario, else those that its expectations name",
    )
    backend: str = Field(description="docker or process")
    backend_reason: str = Field(description="why that backend")
    started_at: str = Field(description="UTC, ISO 8601")
    duration_s: float
    status: Status
    reason: str = Field(default="", description="what interrupted or broke the campaign")
    planned_cases: int
    planned_runs: int | None = Field(
        default=None, description="all repeats of all cases; null in results of older versions"
    )
    cases: list[CaseSummary]
    comparisons: list[Comparison] = Field(default_factory=list)
    rankings: list[Ranking] = Field(
        default_factory=list, description="by throughput and p99, if there are enough repeats"
    )
    cheapest: list[Cheapest] = Field(
        default_factory=list,
        description="the cheapest cases that hold, at each load, if workers are an axis",
    )
    accepts_invalid: bool = Field(
        default=False, description="whether expectations of invalid cases count too, as requested"
    )
    exit_code: int = Field(description="0, 1, 2, 3, 4 or 130 as in README.md")
