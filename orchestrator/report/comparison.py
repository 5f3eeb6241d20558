"""The comparison of two campaigns: a row for each measure of each case, and a conclusion.

Its lines also name what else differs between them.
"""

import math
import re
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from orchestrator.campaign.comparison import Change, Difference
from orchestrator.campaign.conditions import NOT_SET, Condition, Effect
from orchestrator.campaign.order_statistics import FALSE_ALARMS
from orchestrator.measures.dimensions import format_value
from orchestrator.measures.registry import find_measure
from orchestrator.measures.sentences import counted
from orchestrator.report.columns import UNKNOWN
from orchestrator.report.escape import visible
from orchestrator.report.table import Write, empty_table, writer

HEADINGS = ("measure", "first", "second", "difference", "verdict")
MAX_CONDITIONS, MAX_REASONS = 12, 3
"""So many differences of one kind are printed, and beside a missing verdict; `--json` has all."""

OPTIONS = {Effect.SCENARIO: "--different-scenarios", Effect.HOST: "--different-hosts"}
"""The option of `compare` that gives verdicts all the same."""

LEGEND = "cannot tell: for the reason above; more or longer repeats narrow an interval"
_HASH = re.compile(r"\b(sha256:)?[0-9a-f]{40,64}\b")
SHORT_HASH, MAX_VALUE_CHARS = 12, 60
STYLES = {Change.REGRESSION: "red", Change.IMPROVEMENT: "green", Change.UNKNOWN: "yellow"}


def print_differences(
    console: Console,
    differences: Sequence[Difference],
    threshold: float,
    conditions: Sequence[str] = (),
) -> None:
    """Print a table for each case, why some rows are undecided, and the conclusion.

    ``conditions`` are the lines of `condition_lines`.
    """
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
    for line in conditions:
        console.print(write(line), soft_wrap=True)
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
    """Return why rows are undecided or in doubt: each reason once for its case, or for all rows."""
    reasons = {d.reason for d in differences}
    if len(reasons) == 1 and len(differences) > 1 and (reason := reasons.pop()):
        return [visible(reason)]
    lines = (f"{visible(d.case)}: {visible(d.reason)}" for d in differences if d.reason)
    return list(dict.fromkeys(lines))


def condition_lines(conditions: Sequence[Condition]) -> list[str]:
    """Return what differs between two runs beside their figures, a line for each kind.

    The first says what is under test, also if no difference is recorded.
    """
    lines = []
    for effect in Effect:
        named = [_condition(c) for c in conditions if c.effect is effect and c.is_recorded]
        if not named and effect is Effect.CHANGE:
            named = ["no difference is recorded"]
        more = [f"and {len(named) - MAX_CONDITIONS} more"] if named[MAX_CONDITIONS:] else []
        if named:
            lines.append(f"{effect}: {'; '.join((*named[:MAX_CONDITIONS], *more))}")
    missing: dict[str, list[str]] = {}
    for each in conditions:
        if not each.is_recorded:
            which = "either" if each.before == each.after else "the second"
            which = "the first" if each.after is not None else which
            missing.setdefault(which, []).append(visible(each.name))
    lines += [f"not recorded in {which}: {', '.join(names)}" for which, names in missing.items()]
    return lines


def _condition(condition: Condition) -> str:
    """Return the name and both values, if they are short enough to be read in a line."""
    name = visible(condition.name)
    before, after = (_shortened(text or "") for text in (condition.before, condition.after))
    if max(len(before), len(after)) > MAX_VALUE_CHARS:
        only = {before: "only in the second", after: "only in the first"}
        return f"{name}: {only.get(NOT_SET, 'differs')}"
    return f"{name}: {before} in both" if before == after else f"{name}: {before}, then {after}"


def _shortened(text: str) -> str:
    """Return ``text`` printable; of the hash of a commit or an image the first characters."""
    return visible(_HASH.sub(lambda found: found[0][: len(found[1] or "") + SHORT_HASH], text))


def why_withheld(obstacles: Sequence[Condition]) -> str:
    """Return why there is no verdict, with the option that gives one."""
    effects = [effect for effect in OPTIONS if any(each.effect is effect for each in obstacles)]
    what = " and ".join(effect.value.removeprefix("other ") + "s" for effect in effects)
    more = [f"and {len(obstacles) - MAX_REASONS} more"] if obstacles[MAX_REASONS:] else []
    named = "; ".join((*map(_condition, obstacles[:MAX_REASONS]), *more))
    options = " ".join(OPTIONS[effect] for effect in effects)
    return (
        f"the runs have different {what} ({named}); compare {options} gives verdicts all the same"
    )


def coverage_line(differences: Sequence[Difference]) -> str:
    """Return how often the intervals contain the true difference, and what the verdicts keep to."""
    known = sorted({each.coverage for each in differences if each.coverage})
    if not known:
        return "no row has an interval"
    shown = " or ".join(f"{coverage:.1%}" for coverage in known)
    rows = sum(each.low is not None for each in differences)
    alarms = f"false alarms in at most {FALSE_ALARMS:.0%} of tables of {counted(rows, 'rows')}"
    return f"intervals cover {shown}; {alarms}"


def false_alarms(differences: Sequence[Difference]) -> str:
    """Return how many differences a version shows to itself, in one line."""
    alarms = [
        each for each in differences if each.change in (Change.REGRESSION, Change.IMPROVEMENT)
    ]
    names = ", ".join(f"{visible(each.case)} {each.measure}" for each in alarms)
    told = sum(each.low is not None for each in differences)
    of_rows = f"{len(alarms)} of {counted(told, 'rows')} with an interval"
    line = f"false alarms: {of_rows}; one version ran twice"
    return f"{line}: {names}" if names else line


def conclusion(differences: Sequence[Difference], threshold: float) -> str:
    """Return how many of ``differences`` have which result, in one line."""
    changes = [difference.change for difference in differences]
    counts = [
        f"{changes.count(change)} of {len(changes)}: {change}"
        for change in Change
        if change in changes
    ]
    return f"{'; '.join(counts)} (threshold {threshold * 100:.4g}%)"
