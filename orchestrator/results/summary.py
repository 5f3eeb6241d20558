"""What a campaign found, as `summary.json` holds it; the schema is published in `docs/`.

Values only: no clock, no files, no backend. Keys of ``measures`` carry their unit.
"""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 2


class Status(StrEnum):
    """How the campaign itself ended."""

    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    NONCONFORMING = "nonconforming"  # the target does not keep the contract: nothing was measured
    BROKEN = "broken"  # the engine or the infrastructure failed


class Outcome(StrEnum):
    """What an expectation came to."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"  # the repeats do not bear the confidence that was asked for
    UNKNOWN = "unknown"  # a measure that it names is missing


class Grade(StrEnum):
    """What a guess came to."""

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"  # a measure that it names is missing


class Fitness(StrEnum):
    """Whether the clients were up to what they measured."""

    OK = "ok"
    STRAINED = "strained"  # late or busy enough for somebody to know
    BOTTLENECK = "bottleneck"  # they, rather than the server, set the figures


class Frozen(BaseModel):
    """Frozen, and strict about what it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Expectation(Frozen):
    """One expression of the scenario, judged for one case, with both sides as people read them."""

    expression: str
    outcome: Outcome
    left: str = Field(description="the left side's value with its unit, empty if unknown")
    right: str = Field(description="the right side's value with its unit, empty if unknown")
    reason: str = Field(default="", description="why the outcome is unknown or inconclusive")


class Guess(Frozen):
    """What was guessed of a case beforehand, and what became of it; it decides nothing."""

    expression: str
    grade: Grade = Field(description="by what was measured")
    measured: str = Field(description="the left side as it was measured, empty if unknown")
    twin: Grade = Field(description="by what the queueing twin predicts")
    predicted: str = Field(description="the left side as the twin has it, empty if unknown")


class Instrument(Frozen):
    """How the clients fared as a measuring instrument; their figures are among the measures."""

    fitness: Fitness
    reasons: list[str] = Field(description="why it is not ok, a sentence each")


class FaultSummary(Frozen):
    """One fault of a run; seconds from the common start of the load."""

    fault: str
    worker: int | None = Field(description="of kill-worker, which one")
    asked_s: float = Field(description="when it was due")
    effect_s: float | None = Field(description="when it had been done; null if it was not")
    reverted_s: float | None = Field(description="when its end had, if it has one")
    error: str = Field(description="why it could not be done, empty if it was")


class TwinSummary(Frozen):
    """What the queueing twin makes of a run; its figures are among the groups."""

    remark: str = Field(
        description="why there is no twin, or what measured and predicted part in; else empty"
    )
    part: str | None = Field(
        default=None, description="where they part, the part of response time that differs most"
    )
    grew_s: float | None = Field(
        default=None, description="by how much the mean of that part is above the predicted one"
    )
    overhead_s: dict[str, float] = Field(
        default_factory=dict,
        description="what messages and connections cost beside their demands, as calibrated",
    )


class RunSummary(Frozen):
    """One repeat of a case."""

    slug: str = Field(description="the run's folder under raw/ and samples/")
    measures: dict[str, float | None] = Field(
        description="every measure by its key; null where it could not be measured"
    )
    groups: dict[str, dict[str, float | None]] = Field(
        default_factory=dict,
        description="the clients' measures of each group by name, where there are several groups",
    )
    faults: list[FaultSummary] = Field(default_factory=list)
    twin: TwinSummary | None = None
    instrument: Instrument
    invalid: list[str] = Field(description="why this run cannot be trusted as a measurement")
    notes: list[str] = Field(
        default_factory=list,
        description="what of the kernel's evidence is missing, or not of the server alone, and why",
    )
    overhead_s: float = Field(description="wall time of the run less the load's own window")


class CaseSummary(Frozen):
    """One model at one load point, over all its repeats."""

    name: str
    model: str
    slug: str = Field(description="the case's folder under raw/")
    axes: dict[str, str | int | float | bool] = Field(description="the matrix values of this case")
    measures: dict[str, float | None] = Field(
        description="the median over the repeats of every measure; null where one has no value"
    )
    intervals: dict[str, tuple[float, float]] = Field(
        default_factory=dict,
        description="95% confidence intervals of those medians that several repeats allow",
    )
    groups: dict[str, dict[str, float | None]] = Field(
        default_factory=dict, description="the same medians for each of several client groups"
    )
    instrument: Instrument = Field(description="as of the repeat that fared worst")
    expectations: list[Expectation]
    guesses: list[Guess] = Field(default_factory=list)
    invalid: list[str] = Field(description="why this case cannot be trusted as a measurement")
    notes: list[str] = Field(default_factory=list, description="those of its runs")
    overhead_s: float = Field(description="the median of the runs'")
    runs: list[RunSummary] = Field(
        default_factory=list, description="each repeat, in the order of the rounds"
    )


class Ranking(Frozen):
    """The models at one load point, best first, by one measure."""

    measure: str = Field(description="the measure's key")
    axes: dict[str, str | int | float | bool]
    ranks: list[list[str]] = Field(
        description="models that the repeats cannot tell apart share a rank"
    )


class Comparison(Frozen):
    """What was expected between models, judged at one load point."""

    axes: dict[str, str | int | float | bool]
    expectations: list[Expectation]


class Summary(Frozen):
    """Everything `orchestrate.py` concluded, and under which circumstances."""

    schema_version: int = SCHEMA_VERSION
    scenario: str = Field(description="the scenario file's name without its ending")
    intent: str
    backend: str = Field(description="docker or process")
    backend_reason: str = Field(description="why that backend")
    started_at: str = Field(description="UTC, ISO 8601")
    duration_s: float
    status: Status
    reason: str = Field(default="", description="what interrupted or broke the campaign")
    planned_cases: int
    cases: list[CaseSummary]
    comparisons: list[Comparison] = Field(default_factory=list)
    rankings: list[Ranking] = Field(
        default_factory=list, description="where repeats bear it, by throughput and p99"
    )
    accepts_invalid: bool = Field(
        default=False, description="whether expectations count of invalid cases too, as was asked"
    )
    exit_code: int = Field(description="0, 1, 2, 3, 4 or 130 as in README.md")
