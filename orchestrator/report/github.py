"""A campaign, or a comparison, for GitHub: a summary of the step, and annotations on the run.

Markdown and workflow commands as text; who writes them where is not decided here. No text from
outside breaks a table or begins a command of its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from orchestrator.campaign.comparison import Change, Difference
from orchestrator.measures.dimensions import format_value
from orchestrator.measures.registry import MEASURES
from orchestrator.report.columns import UNKNOWN, measure_text
from orchestrator.report.comparison import HEADINGS, cells, conclusion, doubts
from orchestrator.report.escape import bullets, escape, table, visible
from orchestrator.report.text import findings, of_models, remarks, sides, verdict
from orchestrator.results.summary import CaseSummary, Expectation, Outcome, Status, Summary

FIGURES = ("throughput", "response_time_p50", "response_time_p99", "cpu_time_per_message")
MAX_ROWS = 500
"""A step may say 1 MiB."""

MAX_ANNOTATIONS = 10
"""So many of each level GitHub shows of a step; it drops the others in silence."""

ERROR, WARNING = "error", "warning"


class Annotation(NamedTuple):
    """A remark on a workflow run: ``error`` or ``warning``."""

    level: str
    title: str
    message: str

    def command(self) -> str:
        """Return it as GitHub's runner reads it from a step's output."""
        return f"::{self.level} title={_property(self.title)}::{_message(self.message)}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


def step_summary(summary: Summary) -> str:
    """Return the campaign in Markdown: the verdict, a row for each case, what is not as expected.

    Figures are medians; the interval stands beside them where repeats bear one.
    """
    parts = [f"### {escape(summary.scenario)}: {escape(verdict(summary))}\n"]
    parts.append(escape(summary.intent) + "\n")
    if summary.cases:
        headings = ("case", "expected", *(name.replace("_", " ") for name in FIGURES))
        parts.append(table(headings, map(_row, summary.cases[:MAX_ROWS])))
    said = [line for case in summary.cases for line in (*findings(case), *remarks(case))]
    said += [told for told, _ in of_models(summary)]
    parts.append(bullets(_first(said)))
    return "\n".join(part for part in parts if part) + "\n"


def _row(case: CaseSummary) -> tuple[str, ...]:
    passed = sum(1 for each in case.expectations if each.outcome is Outcome.PASSED)
    expected = f"{passed}/{len(case.expectations)}" + (", invalid" if case.invalid else "")
    return (case.name, expected, *(_figure(case, name) for name in FIGURES))


def _figure(case: CaseSummary, name: str) -> str:
    text = measure_text(case, name)
    measure = MEASURES[name]
    interval = case.intervals.get(measure.key)
    if text == UNKNOWN or interval is None:
        return text
    low, high = (format_value(end, measure.dimension) for end in interval)
    return f"{text} ({low} to {high})"


def _first(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:MAX_ROWS]
    if len(lines) > MAX_ROWS:
        yield f"and {len(lines) - MAX_ROWS} more"


def annotations(summary: Summary) -> list[Annotation]:
    """Return what somebody should see of the campaign.

    A failed expectation, or a campaign cut short, is an error; what is undecided or invalid as a
    measurement is a warning.
    """
    return _shown(_annotations(summary))


def _annotations(summary: Summary) -> Iterator[Annotation]:
    if summary.status is not Status.COMPLETE:
        yield Annotation(ERROR, visible(summary.scenario), verdict(summary))
    for case in summary.cases:
        yield from _of_expectations(case.name, case.expectations)
        for reason in case.invalid:
            message = f"invalid as a measurement: {visible(reason)}"
            yield Annotation(WARNING, visible(case.name), message)
    for comparison in summary.comparisons:
        yield from _of_expectations("compare", comparison.expectations)


def _of_expectations(name: str, expectations: Iterable[Expectation]) -> Iterator[Annotation]:
    for each in expectations:
        if each.outcome is not Outcome.PASSED:
            level = ERROR if each.outcome is Outcome.FAILED else WARNING
            message = f"{visible(each.expression)}: {each.outcome}: {sides(each)}"
            yield Annotation(level, visible(name), message)


def differences_summary(differences: Sequence[Difference], threshold: float) -> str:
    """Return a comparison in Markdown: the conclusion and a row for each measure of each case."""
    rows = ((each.case, *cells(each)) for each in differences[:MAX_ROWS])
    parts = [
        f"### {escape(conclusion(differences, threshold))}\n",
        table(("case", *HEADINGS), rows),
        bullets(_first(doubts(differences))),
    ]
    return "\n".join(part for part in parts if part) + "\n"


def differences_annotations(differences: Sequence[Difference]) -> list[Annotation]:
    """Return an error for each regression, and a warning for each reason not to tell."""
    regressions = (each for each in differences if each.change is Change.REGRESSION)
    found = [
        Annotation(ERROR, visible(each.case), f"regression: {', '.join(cells(each)[:-1])}")
        for each in regressions
    ]
    found += [Annotation(WARNING, "compare", doubt) for doubt in doubts(differences)]
    return _shown(found)


def _shown(found: Iterable[Annotation]) -> list[Annotation]:
    """Return as many of each level as GitHub shows, the last one saying how many more there are."""
    shown: list[Annotation] = []
    every = list(found)
    for level in (ERROR, WARNING):
        those = [each for each in every if each.level == level]
        rest = len(those) - MAX_ANNOTATIONS + 1
        if rest > 1:
            those = those[:-rest]
            those.append(Annotation(level, "more", f"and {rest} more, see the step's summary"))
        shown += those
    return shown
