"""A search with a load that was asked about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.capacity.case_search import CaseSearch
from orchestrator.capacity.search import SearchSettings
from orchestrator.results.capacity import Verdict
from tests.unit.orchestrator.capacity.search_fixtures import in_turn, monotone, run

HOLDS, FAILS, UNDECIDED = Verdict.HOLDS, Verdict.FAILS, Verdict.UNDECIDED
FINE = SearchSettings(width=0.05)
WIDE = SearchSettings(width=0.5)


@pytest.mark.parametrize(
    ("at", "loads", "verdict"),
    [
        (100, [100, 140], HOLDS),
        (110, [110, 71], FAILS),
        (80, [80, 140], HOLDS),
        (20, [71, 140], HOLDS),  # 71 holds, so 20 does
        (500, [140, 71], FAILS),  # 140 does not, so 500 does not either
    ],
)
def test_two_loads_end_a_wide_search(at: float, loads: list[float], verdict: Verdict) -> None:
    search = CaseSearch(WIDE, 100, None, at)
    assert run(search, monotone(103)).loads == loads
    assert search.at_verdict is verdict
    assert search.is_complete


@pytest.mark.parametrize(
    ("capacity", "loads", "verdict"),
    [
        (130, [190, 100], HOLDS),
        (250, [190, 361], HOLDS),  # 190 holds, so 100 does
        (70, [190, 100, 100 / 1.9], FAILS),
    ],
)
def test_without_a_twin_a_wide_search_begins_above_the_load(
    capacity: float, loads: list[float], verdict: Verdict
) -> None:
    search = CaseSearch(WIDE, None, 20, 100)
    assert run(search, monotone(capacity)).loads == pytest.approx(loads, rel=1e-4)
    assert search.at_verdict is verdict
    assert search.is_complete


@pytest.mark.parametrize(("at", "capacity"), [(20, 10), (500, 900)])
def test_the_load_is_tried_itself_if_the_twin_is_wrong(at: float, capacity: float) -> None:
    search = CaseSearch(WIDE, 100, None, at)
    assert run(search, monotone(capacity)).loads[1] == at
    assert search.at_verdict is (HOLDS if at < capacity else FAILS)


def test_the_load_is_a_bound_of_a_fine_search() -> None:
    search = CaseSearch(FINE, 100, None, 98)
    tried = run(search, monotone(101))
    assert tried.loads[:2] == [98, 110]
    assert tried.steps[-1].is_confirmation
    assert search.at_verdict is HOLDS
    assert search.is_complete


def test_a_load_that_is_undecided_may_be_decided_by_the_bounds() -> None:
    search = CaseSearch(FINE, 100, None, 99)
    run(search, in_turn(UNDECIDED, HOLDS, FAILS, HOLDS, HOLDS, HOLDS, HOLDS, HOLDS))
    assert search.lower is not None
    assert search.lower > 99
    assert search.at_verdict is HOLDS


def test_a_load_between_the_bounds_is_undecided() -> None:
    search = CaseSearch(WIDE, 100, None, 100)
    tried = run(search, monotone(100, below=0.02, above=0.02))
    assert search.at_verdict is UNDECIDED
    assert not search.is_complete
    assert len(tried.steps) <= 4


def test_a_confirmation_that_fails_refutes_the_load() -> None:
    search = CaseSearch(FINE, 100, None, 100)
    run(search, in_turn(HOLDS, FAILS, FAILS, FAILS, HOLDS, HOLDS))
    assert search.upper == 100
    assert search.at_verdict is FAILS


def test_without_a_load_asked_about_it_is_the_search() -> None:
    search = CaseSearch(FINE, 100, None, None)
    assert run(search, monotone(97)).loads == [90, 110, 99.499, 94.63, 94.63]
    assert search.at_verdict is None
    assert search.is_confirmed


@given(
    width=st.sampled_from([0.05, 0.2, 0.5]),
    capacity=st.floats(5, 500),
    predicted=st.none() | st.floats(5, 500),
    at=st.floats(5, 500),
    is_whole=st.booleans(),
)
def test_any_load_is_decided_rightly_within_two_loads(
    width: float, capacity: float, predicted: float | None, at: float, is_whole: bool
) -> None:
    at = round(at) if is_whole else at
    settings = SearchSettings(width, is_whole=is_whole)
    search = CaseSearch(settings, predicted, None, at)
    tried = run(search, monotone(capacity), most=12)
    early = CaseSearch(settings, predicted, None, at)
    for verdict in tried.verdicts[:2]:
        early.next()
        early.record(verdict)
    assert early.at_verdict is search.at_verdict is (HOLDS if at <= capacity else FAILS)
