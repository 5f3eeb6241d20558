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
    BROKEN = "broken"  # the engine or the infrastructure failed


class Outcome(StrEnum):
    """What an expectation came to; ``unknown`` where a measure it names is missing."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Fitness(StrEnum):
    """Whether the clients were up to what they measured."""

    OK = "ok"
    STRAINED = "strained"  # late or busy enough for somebody to know
    BOTTLENECK = "bottleneck"  # they, rather than the server, set the figures


class Record(BaseModel):
    """Frozen, and strict about what it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Expectation(Record):
    """One expression of the scenario, judged for one case, with both sides as people read them."""

    expression: str
    outcome: Outcome
    left: str = Field(description="the left side's value with its unit, empty if unknown")
    right: str = Field(description="the right side's value with its unit, empty if unknown")
    reason: str = Field(default="", description="why the outcome is unknown")


class Instrument(Record):
    """How the clients fared as a measuring instrument; their figures are among the measures."""

    fitness: Fitness
    reasons: list[str] = Field(description="why it is not ok, a sentence each")


class CaseSummary(Record):
    """One model at one load point."""

    name: str
    model: str
    slug: str = Field(description="the case's folder under raw/")
    axes: dict[str, str | int | float | bool] = Field(description="the matrix values of this case")
    measures: dict[str, float | None] = Field(
        description="every measure by its key; null where it could not be measured"
    )
    groups: dict[str, dict[str, float | None]] = Field(
        default_factory=dict,
        description="the clients' measures of each group by name, where there are several groups",
    )
    instrument: Instrument
    expectations: list[Expectation]
    invalid: list[str] = Field(description="why this case cannot be trusted as a measurement")
    overhead_s: float = Field(description="wall time of the case less the load's own window")


class Summary(Record):
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
    exit_code: int = Field(description="0, 1, 2, 3, 4 or 130 as in README.md")
