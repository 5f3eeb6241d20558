"""A line for each load and case, with the time that is left."""

from io import StringIO

import pytest
from rich.console import Console

from orchestrator.capacity.progress import SearchProgress, TimeLeft
from orchestrator.capacity.searched_group import SearchedGroup
from orchestrator.results.capacity import LoadKind, LoadResult, Verdict
from tests.unit.orchestrator.capacity.capacity_fixtures import case
from tests.unit.orchestrator.capacity.trial_fixtures import plan

GROUP = SearchedGroup(0, "clients", LoadKind.RATE)


class Clock:
    """A clock that a test sets."""

    now_s = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now_s


def test_the_cases_that_are_left_take_as_long_as_those_that_have_ended() -> None:
    clock = Clock()
    left = TimeLeft(3, clock)
    assert left.left_s is None
    assert str(left) == ""
    clock.now_s += 60
    left.case_ended()
    assert left.left_s == pytest.approx(120)
    assert str(left) == "; about 2 min left"
    clock.now_s += 50
    assert str(left) == "; about 70 s left"
    clock.now_s += 500
    assert left.left_s == 0
    left.case_ended()
    left.case_ended()
    assert str(left) == ""


def test_each_load_and_each_case_is_a_line() -> None:
    screen = StringIO()
    progress = SearchProgress(Console(file=screen, width=200), GROUP, 2)
    progress.case_begun(plan().case, 180.0)
    progress.trial_begun(plan().case)
    progress.callbacks.on_step("under load")
    found = LoadResult(
        load=162.0, verdict=Verdict.HOLDS, reason="0.1% were late", objectives=[], trials=[]
    )
    progress.load_ended(found)
    progress.case_ended(case())
    begun, load, ended = screen.getvalue().splitlines()
    assert begun == "[1/2] prefork: searching; its twin bears 180/s"
    assert load == "[1/2] prefork: 162/s holds, 0 trials: 0.1% were late"
    assert ended.startswith("[1/2] prefork: bears 212/s to 223/s, limited by its workers")
