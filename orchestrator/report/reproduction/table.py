"""A reproduction in a terminal or a log: the claims with their figures, and the verdict.

A console of `TABLE_WIDTH` columns gets a table with a row for each figure; in a narrower one the
claims stand below each other, as a table with folded sentences would be hard to read.
"""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from orchestrator.report.escape import visible
from orchestrator.report.reproduction.text import (
    QUESTION,
    answer,
    claim_rows,
    columns,
    known_text,
    legend,
    measured_text,
    remarks,
    source_place,
    tone,
    verdict,
)
from orchestrator.report.table import Write, empty_table, line, print_answer, writer
from orchestrator.results.reproduction import ClaimResult, FileResult, Reproduction

STYLES = {"good": "bold green", "bad": "bold red", "doubt": "bold red"}
TABLE_WIDTH = 150
WIDEST = {"claim": 44, "source": 26, "of": 32}
"""Columns of long texts, which are folded at these widths."""


def print_reproduction(console: Console, reproduction: Reproduction) -> None:
    """Print the claims, what needs a reason, the answer, and the verdict as the last line."""
    write = writer(console)
    if reproduction.claims:
        _print_claims(console, reproduction, write)
        console.print()
        console.print(line(write, legend(reproduction), "dim"))
        console.print()
    for remark in remarks(reproduction):
        console.print(line(write, remark, "yellow"), soft_wrap=True)
    print_answer(console, QUESTION, answer(reproduction))
    console.print(line(write, verdict(reproduction), STYLES[tone(reproduction)]), soft_wrap=True)


def _print_claims(console: Console, reproduction: Reproduction, write: Write) -> None:
    if console.width >= TABLE_WIDTH:
        console.print(_table(reproduction, write), highlight=False)
        return
    for file in reproduction.files:
        for claim in file.claims:
            console.print(line(write, visible(claim.says), "bold"), soft_wrap=True)
            for text in _below(file, claim):
                console.print(line(write, f"  {text}", "default"), soft_wrap=True)


def _below(file: FileResult, claim: ClaimResult) -> Iterator[str]:
    """Yield the source, the figures and the verdict of ``claim``."""
    yield source_place(file, claim)
    for cell in claim.cells:
        published = f"published {visible(cell.published)}, " if cell.published else ""
        yield f"{visible(cell.of)}: {published}measured {measured_text(cell)}"
    yield f"{claim.verdict}; as known: {known_text(claim)}"


def _table(reproduction: Reproduction, write: Write) -> Table:
    table, shown = empty_table(write), columns()
    for column in shown:
        width = WIDEST.get(column.heading)
        table.add_column(write(column.heading), overflow="fold", max_width=width)
    for row in claim_rows(reproduction):
        table.add_row(*(write(column.cell(row)) for column in shown))
    return table
