"""A reproduction in a terminal or a log: a row for each figure of each claim, and the verdict."""

from rich.console import Console
from rich.table import Table

from orchestrator.report.reproduction.text import (
    LEGEND,
    QUESTION,
    ClaimRow,
    answer,
    claim_rows,
    columns,
    remarks,
    tone,
    verdict,
)
from orchestrator.report.table import Write, empty_table, line, print_answer, writer
from orchestrator.results.reproduction import Reproduction

STYLES = {"good": "bold green", "bad": "bold red", "doubt": "bold red"}
WIDEST = {"claim": 44, "source": 26, "of": 32}
"""Columns of long texts, which are folded at these widths."""


def print_reproduction(console: Console, reproduction: Reproduction) -> None:
    """Print the claims, what is not as known, the answer, and the verdict as the last line."""
    write = writer(console)
    rows = claim_rows(reproduction)
    if rows:
        console.print(_table(rows, write), highlight=False)
        console.print()
        console.print(line(write, LEGEND, "dim"))
        console.print()
    for remark in remarks(reproduction):
        console.print(line(write, remark, "yellow"), soft_wrap=True)
    print_answer(console, QUESTION, answer(reproduction))
    console.print(line(write, verdict(reproduction), STYLES[tone(reproduction)]), soft_wrap=True)


def _table(rows: list[ClaimRow], write: Write) -> Table:
    table, shown = empty_table(write), columns()
    for column in shown:
        table.add_column(
            write(column.heading),
            overflow="fold",
            max_width=WIDEST.get(column.heading),
        )
    for row in rows:
        table.add_row(*(write(column.cell(row)) for column in shown))
    return table
