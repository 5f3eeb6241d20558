"""The comparison of two campaigns: a row for each measure of each case, and a conclusion."""

import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from orchestrator.campaign.comparison import Change, Difference
from orchestrator.campaign.order_statistics import FALSE_ALARMS
from orchestrator.measures.dimensions import format_value
from orchestrator.measures.registry import find_measure
from orchestrator.report.columns import UNKNOWN
from orchestrator.report.escape import visible
from orchestrator.report.table import Write, empty_table, writer

HEADINGS = ("measure", "first", "second", "difference", "verdict")
LEGEND = "cannot tell: for the reason above; more or longer repeats narrow the intervals"
STYLES = {Change.REGRESSION: "red", Change.IMPROVEMENT: "green", Change.UNKNOWN: "yellow"}


def print_differences(
    console: Console, differences: Sequence[Difference], threshold: float
) -> None:
    """Print a table for each case, why some rows are undecided, and the conclusion."""
    write = writer(console)
    for case in dict.fromkeys(difference.case for difference in differences):
        console.print(write(visible(case)), style="bold", soft_wrap=True)
        rows = [difference for difference in differences if difference.case == case]
        console.print(_table(rows, write), highlight=False)
        console.print()
    for doubt in doubts(differences):
        console.print(write(doubt), style="yellow", soft_wrap=True)
    console.print(write(coverage_line(differences)), style="dim", soft_wrap=True)
    if any(difference.change is Change.UNKNOWN for difference in differences):
        console.print(write(LEGEND), style="dim", soft_wrap=True)
    console.print(write(conclusion(differences, threshold)), style="bold", soft_wrap=True)


def _table(differences: Sequence[Difference], write: Write) -> Table:
    table = empty_table(write)
    table.add_column(HEADINGS[0], overflow="fold")
    for heading in HEADINGS[1:-1]:
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column(HEADINGS[-1], overflow="fold")
    for difference in differences:
        table.add_row(*map(write, cells(difference)), style=STYLES.get(difference.change))
    return table


def cells(difference: Difference) -> tuple[str, ...]:
    """Return the row of ``difference``, a text for each of `HEADINGS`."""
    return (
        difference.measure,
        _value(difference, difference.before),
        _value(difference, difference.after),
        _relative(difference),
        difference.change.value,
    )


def _value(difference: Difference, value: float | None) -> str:
    measure = find_measure(difference.measure)
    if value is None or measure is None:
        return UNKNOWN
    return format_value(value, measure.dimension)


def _relative(difference: Difference) -> str:
    if difference.relative is None:
        return UNKNOWN
    if difference.low is None or difference.high is None:
        return percent(difference.relative)
    low, high = percent(difference.low), percent(difference.high)
    return f"{percent(difference.relative)} ({low.rstrip('%')} to {high})"


def percent(share: float) -> str:
    """Return ``share`` with its sign: ``+9.8%``."""
    if math.isinf(share):
        return f"{'+' if share > 0 else '-'}infinity"
    return f"{share:+.1%}" if round(share, 3) else "0.0%"


def doubts(differences: Sequence[Difference]) -> list[str]:
    """Return why rows are undecided or in doubt, each reason once for its case."""
    lines = (f"{visible(d.case)}: {visible(d.reason)}" for d in differences if d.reason)
    return list(dict.fromkeys(lines))


def coverage_line(differences: Sequence[Difference]) -> str:
    """Return how often the intervals contain the true difference, and what the verdicts keep to."""
    known = sorted({each.coverage for each in differences if each.coverage})
    if not known:
        return "no row has an interval"
    shown = " or ".join(f"{coverage:.1%}" for coverage in known)
    rows = sum(each.low is not None for each in differences)
    alarms = f"false alarms in at most {FALSE_ALARMS:.0%} of tables of {rows} rows"
    return f"intervals cover {shown}; {alarms}"


def false_alarms(differences: Sequence[Difference]) -> str:
    """Return how many differences a version shows to itself, in one line."""
    alarms = [
        each for each in differences if each.change in (Change.REGRESSION, Change.IMPROVEMENT)
    ]
    names = ", ".join(f"{visible(each.case)} {each.measure}" for each in alarms)
    told = sum(each.low is not None for each in differences)
    counted = f"false alarms: {len(alarms)} of {told} rows with an interval; one version ran twice"
    return f"{counted}: {names}" if names else counted


def conclusion(differences: Sequence[Difference], threshold: float) -> str:
    """Return how many of ``differences`` have which result, in one line."""
    changes = [difference.change for difference in differences]
    counts = [
        f"{changes.count(change)} of {len(changes)}: {change}"
        for change in Change
        if change in changes
    ]
    return f"{'; '.join(counts)} (threshold {threshold * 100:.4g}%)"
