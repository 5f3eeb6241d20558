"""A capacity search in a terminal or a log: a row for each case, what is in doubt, the answer.

The columns are those of the page and of GitHub's summary too.
"""

from collections.abc import Callable

from rich.console import Console

from orchestrator.capacity.figures import at_text, has_figure, range_text
from orchestrator.measures.sentences import number_text
from orchestrator.report.capacity.text import (
    UNITS,
    answer,
    legend,
    notes,
    question,
    remarks,
    tone,
    verdict,
)
from orchestrator.report.columns import UNKNOWN, Column
from orchestrator.report.table import line, print_answer, print_rows, shortened, writer
from orchestrator.results.capacity import NO_FIGURE, Capacity, CaseCapacity, Limit

NAME = Column[CaseCapacity]("case", lambda case: shortened(case.name))
STYLES = {"good": "bold green", "bad": "bold red", "doubt": "bold red"}
Cases = list[Column[CaseCapacity]]


def print_capacity(console: Console, capacity: Capacity) -> None:
    """Print the cases, what is in doubt, and at the end what is read first.

    That is the question, the answer and its caveat, and the verdict as the last line.
    """
    write = writer(console)
    print_rows(console, capacity.cases, [NAME], topics(capacity))
    if capacity.cases:
        console.print(line(write, "; ".join(legend(capacity)), "dim"))
        console.print()
    for remark in remarks(capacity):
        console.print(line(write, remark, "yellow"), soft_wrap=True)
    for note in notes(capacity):
        console.print(line(write, note, "dim"), soft_wrap=True)
    print_answer(console, question(capacity), answer(capacity))
    console.print(line(write, verdict(capacity), STYLES[tone(capacity)]), soft_wrap=True)


def topics(capacity: Capacity) -> list[Cases]:
    """Return the columns of the table of cases: what they bear, and what that rests on."""
    bears: Cases = [Column(f"bears\n{UNITS[capacity.kind]}", bounds_cell)]
    if capacity.at is not None:
        load = at_text(capacity)
        bears.append(Column(f"at\n{load}", lambda case: case.at.value if case.at else UNKNOWN))
        bears.append(Column("headroom", _headroom))
    return [
        bears,
        [
            Column("twin\npredicts", _number(lambda case: case.predicted)),
            Column("limited by", _limit),
            Column("CPU s per 1,000\nmessages", _number(lambda case: case.cpu_s_per_1000_messages)),
        ],
    ]


def bounds_cell(case: CaseCapacity) -> str:
    """Return the bounds of ``case``: ``[212, 223]``, ``≥ 212``, ``< 223``; a dash without them."""
    if not has_figure(case):
        return UNKNOWN
    bounds = (case.lower, case.upper)
    lower, upper = (None if each is None else number_text(each) for each in bounds)
    if lower is None:
        return f"< {upper}"
    return f"≥ {lower}" if upper is None else f"[{lower}, {upper}]"


def _headroom(case: CaseCapacity) -> str:
    if case.headroom_low is not None and case.headroom_high is None:
        return f"≥ {case.headroom_low:.0%}"
    return range_text(case.headroom_low, case.headroom_high) or UNKNOWN


def _limit(case: CaseCapacity) -> str:
    if case.limited_by is Limit.UNKNOWN:
        return UNKNOWN
    return f"the {case.limited_by}" if case.limited_by in NO_FIGURE else case.limited_by.value


def _number(value_of: Callable[[CaseCapacity], float | None]) -> Callable[[CaseCapacity], str]:
    def cell(case: CaseCapacity) -> str:
        value = value_of(case)
        return UNKNOWN if value is None else number_text(value)

    return cell
