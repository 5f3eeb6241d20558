"""The comparison of two capacity searches: a row for each case, and a conclusion."""

from collections.abc import Sequence

from rich.console import Console

from orchestrator.capacity.comparison import CapacityDifference, Standing
from orchestrator.measures.sentences import counted
from orchestrator.report.capacity.table import bounds_cell
from orchestrator.report.capacity.text import UNITS
from orchestrator.report.columns import UNKNOWN, Column
from orchestrator.report.comparison import percent
from orchestrator.report.escape import markdown, markdown_list, markdown_table, visible
from orchestrator.report.github import (
    ERROR,
    MAX_ROWS,
    WARNING,
    Annotation,
    limit_annotations,
    limit_lines,
)
from orchestrator.report.table import print_rows, shortened, writer

Rows = Sequence[CapacityDifference]
NAME = Column[CapacityDifference]("case", lambda row: shortened(row.case))


def print_capacity_differences(console: Console, rows: Rows, conditions: Sequence[str]) -> None:
    """Print a row for each case, why some have no verdict, what else differs, the conclusion."""
    write = writer(console)
    print_rows(console, rows, [NAME], [columns(rows)])
    for doubt in doubts(rows):
        console.print(write(doubt), style="yellow", soft_wrap=True)
    for condition in conditions:
        console.print(write(condition), soft_wrap=True)
    console.print(write(conclusion(rows)), style="bold", soft_wrap=True)


def columns(rows: Rows) -> list[Column[CapacityDifference]]:
    """Return what both bear, how much more or less that is, and the verdict."""
    unit = UNITS[rows[0].kind]
    return [
        Column(f"first\n{unit}", lambda row: bounds_cell(row.before)),
        Column(f"second\n{unit}", lambda row: bounds_cell(row.after)),
        Column("change", _change),
        Column("verdict", lambda row: row.standing.value),
    ]


def _change(row: CapacityDifference) -> str:
    low, high = (None if each is None else percent(each - 1) for each in (row.low, row.high))
    if low is None:
        return UNKNOWN if high is None else f"≤ {high}"
    return f"≥ {low}" if high is None else f"{low} to {high}"


def doubts(rows: Rows) -> list[str]:
    """Return why cases have no verdict: each reason once for its case, or for all of them."""
    reasons = {row.reason for row in rows}
    if len(reasons) == 1 and len(rows) > 1 and (reason := reasons.pop()):
        return [visible(reason)]
    return [f"{visible(row.case)}: {visible(row.reason)}" for row in rows if row.reason]


def conclusion(rows: Rows) -> str:
    """Return how many cases have which verdict, in one line."""
    standings = [row.standing for row in rows]
    counts = [f"{standings.count(each)} {each}" for each in Standing if each in standings]
    return f"of {counted(len(rows), 'cases')}: {', '.join(counts)}"


def capacity_differences_summary(rows: Rows, conditions: Sequence[str]) -> str:
    """Return the comparison in Markdown: the conclusion and a row for each case."""
    shown = [NAME, *columns(rows)]
    cells = ([each.cell(row) for each in shown] for row in rows[:MAX_ROWS])
    parts = [
        f"### {markdown(conclusion(rows))}\n",
        markdown_table([each.heading for each in shown], cells),
        markdown_list([*conditions, *limit_lines(doubts(rows))]),
    ]
    return "\n".join(part for part in parts if part) + "\n"


def capacity_differences_annotations(rows: Rows) -> list[Annotation]:
    """Return an error for each case that bears less, a warning for each without a verdict."""
    errors = [
        Annotation(
            ERROR,
            visible(row.case),
            f"bears less: {bounds_cell(row.after)} against {bounds_cell(row.before)}",
        )
        for row in rows
        if row.standing is Standing.WORSE
    ]
    warnings = (Annotation(WARNING, "compare", doubt) for doubt in doubts(rows))
    return limit_annotations([*errors, *warnings])
