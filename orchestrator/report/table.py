"""A campaign in a terminal or a log: a row for each case, the problems, and the verdict.

A table is never wider than the console: columns that do not fit go into a further table. Plain
ASCII if the encoding requires it; colors only if rich finds a terminal.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from rich.box import SIMPLE_HEAD, Box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.report.columns import (
    GROUP,
    Column,
    Columns,
    Row,
    axis_names,
    axis_text,
    bands,
    legend,
    split_by_group,
    split_by_view,
)
from orchestrator.report.escape import visible
from orchestrator.report.text import (
    answer,
    comparisons,
    disturbances,
    findings,
    guesses,
    is_flawed,
    notes,
    overheads,
    remarks,
    verdict,
)
from orchestrator.results.summary import CaseSummary, Status, Summary

GAP = 2
MAX_KEY_WIDTH = 24
MAX_KEY_CHARS = 2 * MAX_KEY_WIDTH
ASCII_HEAD = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
ASCII_FOR = str.maketrans({"—": "-", "…": "...", "±": "+-", "≥": ">=", "≤": "<="})
Write = Callable[[str], Text]


def print_table(console: Console, summary: Summary) -> None:
    """Print the cases, everything that is not as expected, and at the end what is read first.

    That is the question, the answer and its caveat, and the verdict as the last line: on a screen
    the last lines are the first that are seen.
    """
    write = writer(console)
    _print_cases(console, summary.cases, bands(summary.cases, summary.shown))
    for split in (split_by_group, split_by_view):
        _print_cases(console, split(summary.cases), [GROUP])
    if summary.cases:
        console.print(line(write, "; ".join(legend(summary.cases, summary.shown)), "dim"))
        console.print()
    for sentence, style in _sentences(summary):
        console.print(line(write, sentence, style), soft_wrap=True)
    print_answer(console, summary.intent, answer(summary))
    console.print(line(write, verdict(summary), _tone(summary)), soft_wrap=True)


def writer(console: Console) -> Write:
    """Return the function that makes text for ``console``, in ASCII if it can show no more."""
    return _ascii if console.options.ascii_only else Text


def _ascii(text: str) -> Text:
    return Text(text.translate(ASCII_FOR).encode("ascii", "backslashreplace").decode("ascii"))


def empty_table(write: Write) -> Table:
    """Return a table without columns in the style of all our tables."""
    box = ASCII_HEAD if write is _ascii else SIMPLE_HEAD
    return Table(box=box, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))


def _sentences(summary: Summary) -> Iterator[tuple[str, str]]:
    """Yield the lines below the tables, each with its style."""
    for case in summary.cases:
        yield from ((finding, "red") for finding in findings(case))
        yield from ((remark, "yellow") for remark in remarks(case))
    yield from ((note, "dim") for note in notes(summary))
    yield from ((guess, "cyan") for guess in guesses(summary))
    for sentence, is_expected in comparisons(summary):
        yield sentence, "default" if is_expected else "red"
    if summary.cases:
        yield overheads(summary), "dim"
    if disturbed := disturbances(summary):
        yield disturbed, "yellow"


def print_answer(console: Console, question: str, sentences: Sequence[str]) -> None:
    """Print the question, the answer, which is the first sentence, and the caveats after it."""
    if not sentences:
        return
    write = writer(console)
    for sentence, style in (
        ("", "default"),
        (f"question: {visible(question)}", "default"),
        (f"answer: {sentences[0]}", "bold"),
        *((caveat, "yellow") for caveat in sentences[1:]),
    ):
        console.print(line(write, sentence, style), soft_wrap=not console.is_terminal)


def _tone(summary: Summary) -> str:
    is_good = summary.status is Status.COMPLETE and not is_flawed(summary)
    return "bold green" if is_good else "bold red"


def line(write: Write, text: str, style: str) -> Text:
    """Return ``text`` as it is printed, in ``style``."""
    styled = write(text)
    styled.stylize(style)
    return styled


def print_rows(
    console: Console,
    rows: Sequence[Row],
    keys: Sequence[Column[Row]],
    topics: Sequence[Sequence[Column[Row]]],
) -> None:
    """Print ``rows``, if there are any, in as many tables as necessary; each has the ``keys``."""
    write = writer(console)
    for columns in _fit(rows, keys, topics, console.width) if rows else ():
        console.print(_table(rows, keys, columns, write), highlight=False)
        console.print()


def _print_cases(console: Console, cases: Sequence[CaseSummary], topics: Sequence[Columns]) -> None:
    print_rows(console, cases, _key_columns(cases), topics)


def _key_columns(cases: Sequence[CaseSummary]) -> list[Column[CaseSummary]]:
    """Return the columns that identify the case of a row."""
    axes = (Column(shortened(axis), partial(_short_axis, axis)) for axis in axis_names(cases))
    return [Column("model", lambda case: shortened(case.model)), *axes]


def _short_axis(axis: str, case: CaseSummary) -> str:
    return shortened(axis_text(axis, case))


def shortened(text: str) -> str:
    """Return a key on one line, without the end of a very long one."""
    text = visible(text)
    return text if len(text) <= MAX_KEY_CHARS else text[: MAX_KEY_CHARS - 1] + "…"


def _fit(
    rows: Sequence[Row],
    keys: Sequence[Column[Row]],
    topics: Sequence[Sequence[Column[Row]]],
    width: int,
) -> Iterator[list[Column[Row]]]:
    """Yield the columns of each table: one table if all fit, else one or more for each topic."""
    room = width - min(_width(rows, keys), width // 2)
    everything = [column for columns in topics for column in columns]
    if _width(rows, everything) + GAP <= room:
        yield everything
        return
    for columns in topics:
        table: list[Column[Row]] = []
        for column in columns:
            if table and _width(rows, [*table, column]) + GAP > room:
                yield table
                table = []
            table.append(column)
        yield table


def _width(rows: Sequence[Row], columns: Sequence[Column[Row]]) -> int:
    return sum(GAP + _column_width(rows, column) for column in columns) - GAP


def _column_width(rows: Sequence[Row], column: Column[Row]) -> int:
    return max(map(cell_len, (*column.heading.split("\n"), *map(column.cell, rows))))


def _table(
    rows: Sequence[Row], keys: Sequence[Column[Row]], columns: Sequence[Column[Row]], write: Write
) -> Table:
    table = empty_table(write)
    for key in keys:
        table.add_column(
            write(key.heading), overflow="fold", max_width=MAX_KEY_WIDTH, vertical="bottom"
        )
    for column in columns:
        table.add_column(write(column.heading), justify="right", no_wrap=True, vertical="bottom")
    for row in rows:
        table.add_row(*(write(column.cell(row)) for column in (*keys, *columns)))
    return table
