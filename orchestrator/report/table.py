"""A campaign on a terminal or in a log: a row per case, what is wrong with it, the verdict.

Never wider than the console: columns that do not fit beside each other go into a second table.
Plain ASCII where the encoding demands it; colours only where rich finds a terminal.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from rich.box import SIMPLE_HEAD, Box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.report.columns import GROUP, Column, axes_of, axis_text, bands, by_group, legend
from orchestrator.report.escape import visible
from orchestrator.report.text import (
    findings,
    guesses,
    is_flawed,
    notes,
    of_models,
    overheads,
    remarks,
    verdict,
)
from orchestrator.results.summary import CaseSummary, Status, Summary

GAP = 2
MAX_KEY_WIDTH = 24
MAX_KEY_CHARS = 2 * MAX_KEY_WIDTH
ASCII_HEAD = Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)
ASCII_FOR = str.maketrans({"—": "-", "…": "...", "±": "+-"})
Write = Callable[[str], Text]
Band = tuple[Column, ...]


def print_table(console: Console, summary: Summary) -> None:
    """Print the cases, everything that is not as expected, and the verdict as the last line."""
    write = _ascii if console.options.ascii_only else Text
    _print_rows(console, summary.cases, bands(summary.cases), write)
    _print_rows(console, by_group(summary.cases), [GROUP], write)
    if summary.cases:
        console.print(_line(write, "; ".join(legend(summary.cases)), "dim"))
        console.print()
    for told, style in _sentences(summary):
        console.print(_line(write, told, style), soft_wrap=True)


def _sentences(summary: Summary) -> Iterator[tuple[str, str]]:
    """Yield what is said below the tables, and in which colour."""
    for case in summary.cases:
        yield from ((finding, "red") for finding in findings(case))
        yield from ((remark, "yellow") for remark in remarks(case))
    yield from ((note, "dim") for note in notes(summary))
    yield from ((guess, "cyan") for guess in guesses(summary))
    for told, is_expected in of_models(summary):
        yield told, "default" if is_expected else "red"
    if summary.cases:
        yield overheads(summary), "dim"
    yield verdict(summary), "bold green" if _is_good(summary) else "bold red"


def _print_rows(
    console: Console, cases: Sequence[CaseSummary], about: Sequence[Band], write: Write
) -> None:
    """Print a row for each of ``cases``, if there are any, in as many tables as it takes."""
    keys = _key_columns(cases)
    for columns in _fit(cases, keys, about, console.width) if cases else ():
        console.print(_table(cases, keys, columns, write), highlight=False)
        console.print()


def _is_good(summary: Summary) -> bool:
    return summary.status is Status.COMPLETE and not is_flawed(summary)


def _ascii(text: str) -> Text:
    return Text(text.translate(ASCII_FOR).encode("ascii", "backslashreplace").decode("ascii"))


def _line(write: Write, text: str, style: str) -> Text:
    line = write(text)
    line.stylize(style)
    return line


def _key_columns(cases: Sequence[CaseSummary]) -> list[Column]:
    """Return the columns that say which case a row is."""
    axes = (Column(_short(axis), partial(_short_axis, axis)) for axis in axes_of(cases))
    return [Column("model", lambda case: _short(case.model)), *axes]


def _short_axis(axis: str, case: CaseSummary) -> str:
    return _short(axis_text(axis, case))


def _short(text: str) -> str:
    text = visible(text)
    return text if len(text) <= MAX_KEY_CHARS else text[: MAX_KEY_CHARS - 1] + "…"


def _fit(
    cases: Sequence[CaseSummary], keys: Sequence[Column], about: Sequence[Band], width: int
) -> Iterator[list[Column]]:
    """Yield the columns of each table: all in one if they fit, else by meaning, else as many."""
    room = width - min(_width(cases, keys), width // 2)
    together = [column for columns in about for column in columns]
    if _width(cases, together) + GAP <= room:
        yield together
        return
    for columns in about:
        band: list[Column] = []
        for column in columns:
            if band and _width(cases, [*band, column]) + GAP > room:
                yield band
                band = []
            band.append(column)
        yield band


def _width(cases: Sequence[CaseSummary], columns: Sequence[Column]) -> int:
    return sum(GAP + _column_width(cases, column) for column in columns) - GAP


def _column_width(cases: Sequence[CaseSummary], column: Column) -> int:
    return max(map(cell_len, (column.heading, *map(column.cell, cases))))


def _table(
    cases: Sequence[CaseSummary], keys: Sequence[Column], columns: Sequence[Column], write: Write
) -> Table:
    box = ASCII_HEAD if write is _ascii else SIMPLE_HEAD
    table = Table(box=box, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for key in keys:
        table.add_column(write(key.heading), overflow="fold", max_width=MAX_KEY_WIDTH)
    for column in columns:
        table.add_column(write(column.heading), justify="right", no_wrap=True)
    for case in cases:
        table.add_row(*(write(column.cell(case)) for column in (*keys, *columns)))
    return table
