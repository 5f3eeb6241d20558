"""A capacity search for GitHub Actions: a summary of the step, and annotations."""

from collections.abc import Iterator

from orchestrator.capacity.figures import at_text, bounds_text, objectives_text
from orchestrator.report.capacity.table import NAME, topics
from orchestrator.report.capacity.text import answer, notes, question, remark, remarks, verdict
from orchestrator.report.escape import markdown_list, markdown_table, visible
from orchestrator.report.github import (
    ERROR,
    MAX_ROWS,
    WARNING,
    Annotation,
    limit_annotations,
    limit_lines,
    opening,
)
from orchestrator.results.capacity import Capacity, CaseCapacity, Verdict
from orchestrator.results.summary import Status


def step_summary(capacity: Capacity) -> str:
    """Return the search in Markdown: question, answer, verdict, a row for each case, remarks."""
    parts = opening(capacity.scenario, question(capacity), verdict(capacity), answer(capacity))
    if capacity.cases:
        columns = [NAME, *(column for topic in topics(capacity) for column in topic)]
        rows = ([each.cell(case) for each in columns] for case in capacity.cases[:MAX_ROWS])
        parts.append(markdown_table([each.heading for each in columns], rows))
    parts.append(markdown_list(limit_lines([*remarks(capacity), *notes(capacity)])))
    return "\n".join(part for part in parts if part) + "\n"


def annotations(capacity: Capacity) -> list[Annotation]:
    """Return the annotations of a search.

    A case that does not bear the load asked about is an error, unless one that holds is enough and
    there is one; so is a search that did not complete. What is undecided, and a case without a
    figure, is a warning.
    """
    return limit_annotations(_annotations(capacity))


def _annotations(capacity: Capacity) -> Iterator[Annotation]:
    if capacity.status is not Status.COMPLETE:
        yield Annotation(ERROR, visible(capacity.scenario), verdict(capacity))
    is_met = capacity.is_any_enough and any(c.at is Verdict.HOLDS for c in capacity.cases)
    for case in capacity.cases:
        name = visible(case.name)
        if case.at is Verdict.FAILS and not is_met:
            yield Annotation(ERROR, name, shortfall(case, capacity))
        elif case.at is Verdict.UNDECIDED and not is_met:
            yield Annotation(WARNING, name, f"undecided at {at_text(capacity)}")
        if case.at is not Verdict.FAILS and (doubt := remark(case)):
            yield Annotation(WARNING, name, doubt)


def shortfall(case: CaseCapacity, capacity: Capacity) -> str:
    """Return that ``case`` does not bear the load asked about, and what it bears."""
    bears = bounds_text(case, capacity.kind)
    known = f"; it bears {bears}" if bears else ""
    objectives = objectives_text(capacity)
    return visible(f"{objectives} does not hold at {at_text(capacity)}{known}")
