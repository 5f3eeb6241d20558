"""The expectations of a campaign as rows: those that do not hold, those that do, and the rest.

What the lab expects of every case is one row if it holds: it is the same in each report.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.measures.sentences import counted
from orchestrator.report import text
from orchestrator.results.summary import Expectation, Outcome, Summary

WORST_FIRST = (Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.UNKNOWN)


@dataclass(frozen=True)
class ExpectationRow:
    """An expectation of a ``case``, or of the comparison of all models."""

    case: str
    expectation: Expectation

    @property
    def tone(self) -> str:
        """The color of its outcome."""
        outcome = self.expectation.outcome
        return {Outcome.PASSED: "good", Outcome.FAILED: "bad"}.get(outcome, "doubt")

    @property
    def sides(self) -> str:
        """The values of both sides."""
        return text.sides(self.expectation)


@dataclass(frozen=True)
class ExpectationTable:
    """The rows that are ``open``, as they do not hold, and those that ``hold``.

    ``always`` is a sentence about what is expected of every case, empty if nothing is.
    """

    open: list[ExpectationRow]
    hold: list[ExpectationRow]
    always: str
    count: int

    @property
    def title(self) -> str:
        """How many hold, of how many."""
        held = self.count - len(self.open)
        return f"{held} of {counted(self.count, 'expectations')} {'holds' if held == 1 else 'hold'}"


def expectation_table(summary: Summary) -> ExpectationTable:
    """Return the expectations of ``summary``, in the order of its cases, the failed ones first."""
    rows = list(_rows(summary))
    implied = [row for row in rows if row.expectation.is_implied]
    open_rows = [row for row in rows if row.expectation.outcome is not Outcome.PASSED]
    holding = [row for row in rows if row.expectation.outcome is Outcome.PASSED]
    held = sum(row.expectation.is_implied for row in holding)
    return ExpectationTable(
        open=sorted(open_rows, key=lambda row: WORST_FIRST.index(row.expectation.outcome)),
        hold=[row for row in holding if not row.expectation.is_implied],
        always=f"{held} of {len(implied)} hold" if implied else "",
        count=len(rows),
    )


def _rows(summary: Summary) -> Iterator[ExpectationRow]:
    for case in summary.cases:
        yield from (ExpectationRow(case.name, each) for each in case.expectations)
    for comparison in summary.comparisons:
        point = ", ".join(f"{axis}={value}" for axis, value in comparison.axes.items())
        name = f"models compared, {point}" if point else "models compared"
        yield from (ExpectationRow(name, each) for each in comparison.expectations)
