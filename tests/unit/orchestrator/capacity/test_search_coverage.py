"""A thousand whole searches whose truth is known exactly, and whether the bounds cover it.

Without --long there are three hundred.
"""

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

import pytest

from orchestrator.capacity.case_run import times_as_long
from orchestrator.capacity.case_search import CaseSearch
from orchestrator.capacity.long_run import Budget
from orchestrator.capacity.search import SearchSettings
from tests.unit.orchestrator.capacity.simulated_searches import (
    Found,
    System,
    Twin,
    run_together,
    searched,
)

CONFIDENCE = 0.95
OFF = Twin(noise=0.03, bias=0.03)
"""Its capacity is 4 to 6% too great; of its late messages a sixth, with four workers half, are not
late in the system or the reverse."""

SYSTEMS = [System(workers, twin) for workers in (1, 2, 4) for twin in (OFF, None)]
EACH, FEWER = 167, 50


def run_searches(width: float, each: int, systems: Sequence[System] = SYSTEMS) -> list[Found]:
    settings = SearchSettings(width)
    return run_together(
        [searched(system, n, settings, CONFIDENCE) for system in systems for n in range(each)]
    )


@pytest.mark.parametrize(("workers", "share"), [(1, 0.539), (2, 0.758), (4, 0.875)])
def test_the_truth_is_that_of_the_formula(workers: int, share: float) -> None:
    """The time in M/M/c: Kleinrock 1975; one worker: exp(-(1 - ρ) · 10) = 0.01."""
    assert System(workers).capacity / workers == pytest.approx(share, abs=5e-4)


@pytest.mark.slow
def test_the_bounds_cover_the_truth_at_the_stated_confidence(*, is_long: bool) -> None:
    number = EACH if is_long else FEWER
    found = run_searches(0.15, number)
    assert len(found) == number * len(SYSTEMS)
    assert sum(each.covers for each in found) >= CONFIDENCE * len(found)
    assert all(len(each.verdicts) <= 12 for each in found)
    for system in SYSTEMS:
        covering = [each.covers for each in found if each.system == system]
        assert sum(covering) >= 0.9 * len(covering), f"{system} is not like the others"
    assert all(each.search.lower is not None and each.search.upper is not None for each in found)


@pytest.mark.slow
def test_a_narrow_search_with_a_twin_ends_as_narrow_as_asked() -> None:
    width = 0.05
    twin = replace(OFF, messages=Budget().times(times_as_long(width)).messages)
    found = run_searches(width, 10, [System(workers, twin) for workers in (1, 2, 4)])
    assert all(each.covers for each in found)
    assert median(_width(each.search) for each in found) <= width


def _width(search: CaseSearch) -> float:
    if search.lower is None or search.upper is None:
        return 1.0
    return (search.upper - search.lower) / search.upper


@pytest.mark.slow
def test_a_wide_search_is_short_and_covers_the_truth() -> None:
    found = run_searches(0.5, 20)
    assert sum(each.covers for each in found) >= CONFIDENCE * len(found)
    assert sum(each.search.is_complete for each in found) >= 0.95 * len(found)
    with_twin = [each for each in found if each.system.twin is not None]
    assert sorted(len(each.verdicts) for each in with_twin)[len(with_twin) // 2] == 3
