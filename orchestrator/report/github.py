"""A campaign, or a comparison, for GitHub Actions: a summary of the step, and annotations.

Returns Markdown and workflow commands as text, and writes neither. No text from outside breaks a
table or starts a workflow command.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from orchestrator.campaign.comparison import Change, Difference
from orchestrator.measures.dimensions import format_value
from orchestrator.measures.registry import MEASURES
from orchestrator.report.columns import UNKNOWN, acked_of_sent, expectations_met, measure_text
from orchestrator.report.comparison import HEADINGS, cells, conclusion, coverage_line, doubts
from orchestrator.report.escape import markdown, markdown_list, markdown_table, visible
from orchestrator.report.text import (
    answer,
    comparisons,
    disturbances,
    findings,
    outcome_text,
    remarks,
    verdict,
)
from orchestrator.results.summary import CaseSummary, Expectation, Outcome, Status, Summary

FIGURES = ("throughput", "response_time_p50", "response_time_p99", "cpu_time_per_message")
MAX_ROWS = 500
"""Because GitHub limits the summary of a step to 1 MiB."""

MAX_ANNOTATIONS = 10
"""GitHub shows so many of each level for a step, and drops the others without notice."""

ERROR, WARNING = "error", "warning"


class Annotation(NamedTuple):
    """A message on a workflow run; its ``level`` is ``error`` or ``warning``."""

    level: str
    title: str
    message: str

    def command(self) -> str:
        """Return the workflow command that GitHub's runner reads from a step's output."""
        return f"::{self.level} title={_property(self.title)}::{_message(self.message)}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")


def step_summary(summary: Summary) -> str:
    """Return the campaign in Markdown: the question, the answer and the verdict come first.

    Then a row for each case, and the problems. Figures are medians, with their interval if there
    are enough repeats.
    """
    parts = opening(summary.scenario, summary.intent, verdict(summary), answer(summary))
    if summary.cases:
        headings = (
            "case",
            "as expected",
            "acked of sent",
            *(name.replace("_", " ") for name in FIGURES),
        )
        parts.append(markdown_table(headings, map(_row, summary.cases[:MAX_ROWS])))
    lines = [line for case in summary.cases for line in (*findings(case), *remarks(case))]
    lines += filter(None, [disturbances(summary)])
    lines += [line for line, _ in comparisons(summary)]
    parts.append(markdown_list(limit_lines(lines)))
    return "\n".join(part for part in parts if part) + "\n"


def opening(scenario: str, intent: str, judged: str, sentences: Sequence[str]) -> list[str]:
    """Return the first lines: the question, the answer with its caveats, and the verdict.

    ``sentences`` are the answer and the caveats. Without them, the verdict is before the question.
    """
    name, intent, judged = map(markdown, (scenario, intent, judged))
    if not sentences:
        return [f"### {name}: {judged}\n", f"{intent}\n"]
    answered, *caveats = map(markdown, sentences)
    return [
        f"### {name}: {intent}\n",
        f"**{answered}**\n",
        *(f"{caveat}\n" for caveat in caveats),
        f"{judged}\n",
    ]


def _row(case: CaseSummary) -> tuple[str, ...]:
    expected = expectations_met(case) + (", invalid" if case.invalid else "")
    return (case.name, expected, acked_of_sent(case), *(_figure(case, name) for name in FIGURES))


def _figure(case: CaseSummary, name: str) -> str:
    text = measure_text(case, name)
    measure = MEASURES[name]
    interval = case.intervals.get(measure.key)
    if text == UNKNOWN or interval is None:
        return text
    low, high = (format_value(end, measure.dimension) for end in interval)
    return f"{text} ({low} to {high})"


def limit_lines(lines: Sequence[str]) -> Iterator[str]:
    """Yield as many of ``lines`` as there is room for; the last one counts the others."""
    yield from lines[:MAX_ROWS]
    if len(lines) > MAX_ROWS:
        yield f"and {len(lines) - MAX_ROWS} more"


def annotations(summary: Summary) -> list[Annotation]:
    """Return the annotations of a campaign.

    A failed expectation, or a campaign that did not complete, is an error. An expectation without
    a result and a case that is invalid as a measurement are warnings.
    """
    return limit_annotations(_annotations(summary))


def _annotations(summary: Summary) -> Iterator[Annotation]:
    if summary.status is not Status.COMPLETE:
        yield Annotation(ERROR, visible(summary.scenario), verdict(summary))
    for case in summary.cases:
        yield from _expectation_annotations(case.name, case.expectations)
        for reason in case.invalid:
            message = f"invalid as a measurement: {visible(reason)}"
            yield Annotation(WARNING, visible(case.name), message)
    for comparison in summary.comparisons:
        yield from _expectation_annotations("compare", comparison.expectations)


def _expectation_annotations(
    name: str, expectations: Iterable[Expectation]
) -> Iterator[Annotation]:
    for expectation in expectations:
        if expectation.outcome is not Outcome.PASSED:
            level = ERROR if expectation.outcome is Outcome.FAILED else WARNING
            yield Annotation(level, visible(name), outcome_text(expectation))


def limit_annotations(annotations: Iterable[Annotation]) -> list[Annotation]:
    """Return as many of each level as GitHub shows; the last one says how many are left out."""
    shown: list[Annotation] = []
    everything = list(annotations)
    for level in (ERROR, WARNING):
        same_level = [annotation for annotation in everything if annotation.level == level]
        rest = len(same_level) - MAX_ANNOTATIONS + 1
        if rest > 1:
            same_level = same_level[:-rest]
            more = f"and {rest} more, see the step's summary"
            same_level.append(Annotation(level, "more", more))
        shown += same_level
    return shown


def differences_summary(
    differences: Sequence[Difference], threshold: float, conditions: Sequence[str] = ()
) -> str:
    """Return a comparison in Markdown: the conclusion and a row for each measure of each case.

    ``conditions`` are the lines that say what else differs between the runs.
    """
    rows = ((difference.case, *cells(difference)) for difference in differences[:MAX_ROWS])
    parts = [
        f"### {markdown(conclusion(differences, threshold))}\n",
        markdown_table(("case", *HEADINGS), rows),
        markdown_list([*conditions, coverage_line(differences), *limit_lines(doubts(differences))]),
    ]
    return "\n".join(part for part in parts if part) + "\n"


def differences_annotations(differences: Sequence[Difference]) -> list[Annotation]:
    """Return an error for each regression, and a warning for each reason for doubt."""
    errors = [
        Annotation(ERROR, visible(each.case), f"regression: {', '.join(cells(each)[:-1])}")
        for each in differences
        if each.change is Change.REGRESSION
    ]
    return limit_annotations(
        [*errors, *(Annotation(WARNING, "compare", d) for d in doubts(differences))]
    )
