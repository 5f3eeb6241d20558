"""A reproduction for GitHub Actions, and as Markdown: the table of claims, and annotations."""

from collections.abc import Iterator

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
from orchestrator.report.reproduction.text import (
    QUESTION,
    answer,
    claim_rows,
    columns,
    file_text,
    incomplete_files,
    remarks,
    verdict,
)
from orchestrator.results.reproduction import Reproduction, Standing
from orchestrator.results.summary import Status


def step_summary(reproduction: Reproduction) -> str:
    """Return the reproduction in Markdown: answer, verdict, the table of claims, remarks."""
    parts = opening(reproduction.scenario, QUESTION, verdict(reproduction), answer(reproduction))
    parts += [claims_table(reproduction), markdown_list(limit_lines([*remarks(reproduction)]))]
    return "\n".join(part for part in parts if part) + "\n"


def claims_table(reproduction: Reproduction) -> str:
    """Return the table of claims in Markdown; empty without claims."""
    rows, shown = claim_rows(reproduction)[:MAX_ROWS], columns()
    cells = ([column.cell(row) for column in shown] for row in rows)
    return markdown_table([column.heading for column in shown], cells) if rows else ""


def annotations(reproduction: Reproduction) -> list[Annotation]:
    """Return the annotations: an error if a verdict contradicts what is known, a warning if none.

    A reproduction, or a file, that did not complete is an error.
    """
    return limit_annotations(_annotations(reproduction))


def _annotations(reproduction: Reproduction) -> Iterator[Annotation]:
    if reproduction.status is not Status.COMPLETE:
        yield Annotation(ERROR, visible(reproduction.scenario), verdict(reproduction))
    for file in incomplete_files(reproduction):
        yield Annotation(ERROR, visible(file.name), file_text(file))
    for claim in reproduction.claims:
        if claim.standing is not Standing.AS_KNOWN:
            level = ERROR if claim.standing is Standing.CONTRADICTS else WARNING
            message = f"{claim.verdict}, known is {claim.known}; {claim.reason}"
            yield Annotation(level, visible(claim.says), visible(message))
