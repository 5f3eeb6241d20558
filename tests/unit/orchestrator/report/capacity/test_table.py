import io

import pytest
from rich.console import Console

from orchestrator.report.capacity.table import bounds_cell, print_capacity, topics
from orchestrator.results.capacity import Capacity, Limit, LoadKind
from tests.unit.orchestrator.capacity.capacity_fixtures import (
    asked,
    at_least,
    capacity,
    case,
    without_figure,
)


def printed(found: Capacity, width: int = 120, encoding: str = "utf-8") -> list[str]:
    """Return the lines that are printed."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding, write_through=True)
    print_capacity(Console(file=stream, width=width), found)
    return raw.getvalue().decode(encoding).splitlines()


def test_it_ends_with_question_answer_caveat_and_verdict() -> None:
    assert printed(capacity(case(), without_figure()))[-4:] == [
        "question: How much can it take? (p99 < 50ms)",
        "answer: It bears some.",
        "Caution: it is not known what epoll can bear.",
        "1 of 2 cases bounded within 5%, 1 without a figure",
    ]


def test_a_row_for_each_case() -> None:
    lines = printed(capacity(case(), without_figure()))
    assert lines[3].split("  ")[0] == "prefork,workers=4"
    assert lines[3].split()[1:] == ["[212,", "223]", "220", "workers", "busy", "2.13"]
    assert lines[4].split() == ["epoll", "—", "220", "the", "clients", "2.13"]


def test_what_the_clients_limited_has_a_lower_bound_only() -> None:
    lines = printed(capacity(at_least()))
    assert lines[3].split() == ["epoll", "≥", "180", "220", "the", "clients", "2.13"]


def test_with_a_load_there_are_its_verdict_and_the_headroom() -> None:
    lines = printed(capacity(asked("epoll", 200, (246, None)), at=200.0))
    assert lines[3].split()[:5] == ["epoll", "≥", "246", "holds", "≥"]


def test_a_narrow_terminal_gets_several_tables() -> None:
    lines = printed(capacity(asked("prefork,workers=4", 200, (246, 300)), at=200.0), width=60)
    assert all(len(line) <= 60 for line in lines[:10])
    assert sum(line.startswith("prefork,workers=4 ") for line in lines) == 2


def test_it_is_ascii_if_the_terminal_is() -> None:
    lines = printed(capacity(asked("epoll", 200, (246, None)), at=200.0), encoding="ascii")
    assert any(">= 246" in line for line in lines)


@pytest.mark.parametrize(
    ("bounds", "cell"),
    [
        ((212.0, 223.0), "[212, 223]"),
        ((212.0, None), "≥ 212"),
        ((None, 223.0), "< 223"),
        ((None, None), "—"),
    ],
)
def test_the_cell_of_bounds(bounds: tuple[float | None, float | None], cell: str) -> None:
    assert bounds_cell(case(bounds=bounds)) == cell


def test_missing_figures_are_dashes_and_headings_have_the_unit() -> None:
    columns = [
        column for topic in topics(capacity(kind=LoadKind.USERS, at=7.0)) for column in topic
    ]
    empty = case(limited_by=Limit.UNKNOWN, predicted=None, cpu_s_per_1000_messages=None)
    assert [column.heading.replace("\n", " ") for column in columns] == [
        "bears users", "at 7 users", "headroom", "twin predicts", "limited by",
        "CPU s per 1,000 messages",
    ]  # fmt: skip
    assert [column.cell(empty) for column in columns[1:]] == ["—"] * 5


def test_a_search_without_cases_has_a_verdict() -> None:
    assert printed(capacity(answer=[])) == ["there is no case"]
