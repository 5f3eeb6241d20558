"""What the claims of the field came to on this machine, as `reproduction.json` has it.

Values only; the schema is published in `docs/`. Durations are in seconds, and the figures of a cell
in the base unit of what it measures.
"""

from enum import StrEnum

from pydantic import Field

from orchestrator.results.summary import Frozen, Status

SCHEMA_VERSION = 1
REPRODUCTION = "reproduction.json"


class Verdict(StrEnum):
    """What a run says of a claim, with the confidence that the claim asks for."""

    REPRODUCED = "reproduced"
    INVERTED = "inverted"  # the contrary holds
    UNDECIDED = "undecided"


class Claimed(StrEnum):
    """What the expression of a claim compares."""

    ORDER = "order"  # two measures: which is larger
    FIGURES = "figures"  # measures with a bound from figures, of the source or of theory


class Standing(StrEnum):
    """How a verdict stands to what is known to come out here."""

    AS_KNOWN = "as known"
    CONTRADICTS = "contradicts what is known"
    UNDECIDED = "undecided"  # a claim that is known to be decided
    NEW = "newly decided"  # a claim that is known to be undecided


class Cell(Frozen):
    """One value of a claim: as it was published, and as it was measured."""

    of: str = Field(description="what is measured, an expression")
    published: str = Field(description="the figure as the source prints it; empty if it has none")
    measured: str = Field(description="the median over the rounds with its unit; empty if unknown")
    value: float | None = Field(description="the same in base units")
    low: float | None = Field(
        default=None, description="the lower end of the interval of the median; null if none"
    )
    high: float | None = Field(default=None, description="its upper end")
    interval: str = Field(default="", description="both ends with their units; empty if none")
    coverage: float | None = Field(
        default=None,
        description="the exact probability with which the interval contains the median: at least "
        "0.95 if the rounds allow it, else that of the widest; null without an interval",
    )


class ClaimResult(Frozen):
    """One claim and its verdict."""

    says: str = Field(description="the claim in one sentence")
    expression: str
    confidence: float = Field(description="with which a verdict other than undecided holds")
    claimed: Claimed
    place: str = Field(description="table, figure or page of the source")
    cells: list[Cell]
    verdict: Verdict
    reason: str = Field(
        description="with what confidence the expression holds, or why the claim is undecided"
    )
    known: Verdict = Field(description="what is known to come out here")
    known_reason: str = Field(description="why it does; may be empty if that is `reproduced`")
    standing: Standing


class SourceText(Frozen):
    """Who claimed it, and where to read it."""

    author: str
    title: str
    year: int | None
    place: str
    reference: str


class FileResult(Frozen):
    """The claims of one file, all judged by the same runs."""

    name: str = Field(description="the folder of its results beside this file")
    intent: str
    source: SourceText
    status: Status
    reason: str = Field(default="", description="why its runs or its results are not complete")
    duration_s: float
    claims: list[ClaimResult]


class Reproduction(Frozen):
    """All claims that were tried, in the order of their files."""

    schema_version: int = SCHEMA_VERSION
    scenario: str = Field(default="reproduce", description="how the results name it")
    tier: str
    backend: str
    backend_reason: str
    started_at: str
    duration_s: float
    status: Status
    reason: str = Field(default="", description="why it ended early, else empty")
    planned: list[str] = Field(description="the names of the files that were to be tried")
    files: list[FileResult]
    host: dict[str, object] = Field(
        default_factory=dict, description="as environment.json: the machine, and the command"
    )
    exit_code: int

    @property
    def claims(self) -> list[ClaimResult]:
        """All claims that were tried."""
        return [claim for each in self.files for claim in each.claims]
