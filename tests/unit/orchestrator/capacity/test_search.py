"""Searches over loads whose verdicts are known: by hand, and properties of any truth."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.capacity.search import Search, SearchSettings, Step
from orchestrator.results.capacity import Verdict
from tests.unit.orchestrator.capacity.search_fixtures import Tried, in_turn, monotone, run

HOLDS, FAILS, UNDECIDED = Verdict.HOLDS, Verdict.FAILS, Verdict.UNDECIDED
FINE = SearchSettings(width=0.05)

widths = st.sampled_from([0.02, 0.05, 0.1, 0.3, 0.5])
verdicts = st.sampled_from(list(Verdict))


def search_of(settings: SearchSettings = FINE, low: float = 90, high: float = 110) -> Search:
    return Search(settings, (low, high))


def latest(tried: Tried) -> dict[float, Verdict]:
    return {step.load: verdict for step, verdict in zip(tried.steps, tried.verdicts, strict=True)}


def assert_sound(search: Search, tried: Tried) -> None:
    """Compare the bounds with those of the verdicts: the last one of each load counts."""
    failed = [load for load, verdict in latest(tried).items() if verdict is FAILS]
    held = [load for load, verdict in latest(tried).items() if verdict is HOLDS]
    assert search.upper == min(failed, default=None)
    assert search.lower == max(
        (load for load in held if load < min(failed, default=math.inf)), default=None
    )


def test_a_good_twin_needs_five_loads() -> None:
    search = search_of()
    tried = run(search, monotone(97))
    assert tried.loads == [90, 110, 99.499, 94.63, 94.63]
    assert [step.is_confirmation for step in tried.steps] == [False] * 4 + [True]
    assert (search.lower, search.upper) == pytest.approx((94.63, 99.499), abs=1e-3)
    assert search.is_complete
    assert search.ended == "the bounds are within 5%"


@pytest.mark.parametrize(
    ("capacity", "first"),
    [
        (130, [90, 110, 165]),
        (300, [90, 110, 165, 371.25]),
        (70, [90, 60]),
        (35, [90, 60, 26.667]),
    ],
)
def test_a_bracket_is_widened_on_the_side_where_it_is_open(
    capacity: float, first: list[float]
) -> None:
    assert run(search_of(), monotone(capacity)).loads[: len(first)] == first


def test_the_loads_beside_an_undecided_one_are_half_the_width_away() -> None:
    """Halving the gap would try loads that are undecided, too, or a bound too far away."""
    search = search_of()
    tried = run(search, monotone(99.4, below=0.02, above=0.02))
    assert tried.loads == [90, 110, 99.499, 97.011, 101.986, 97.011]
    assert search.is_complete


def test_a_wide_undecided_zone_is_left_in_greater_steps() -> None:
    search = search_of(SearchSettings(width=0.05, most_undecided=4))
    tried = run(search, monotone(99.4, below=0.08, above=0.02))
    assert tried.loads == [90, 110, 99.499, 97.011, 101.986, 94.586, 90]
    assert search.ended == "the loads between the bounds are too near the capacity to be decided"
    assert not search.is_complete


def test_the_bound_that_is_missing_is_near_a_load_that_was_undecided() -> None:
    search = search_of()
    tried = run(search, monotone(100, below=0.15, above=0.15))
    assert tried.loads[:4] == [90, 73.636, 110, 134.444]
    assert (search.lower, search.upper) == pytest.approx((90 * 90 / 110, 130))


def test_a_search_in_which_nothing_can_be_decided_ends_early() -> None:
    search = search_of()
    assert len(run(search, in_turn()).loads) == 3
    assert (search.lower, search.upper) == (None, None)
    assert search.ended == "3 loads were undecided"


def test_a_bound_that_is_missing_is_searched_however_many_loads_were_undecided() -> None:
    """Without this, a confirmation that failed left some searches without any lower bound."""
    search = search_of()
    run(search, in_turn(HOLDS, FAILS, *[UNDECIDED] * 4, HOLDS, HOLDS))
    assert search.lower is not None
    assert search.is_confirmed


def test_undecided_loads_end_a_search_with_the_bounds_so_far() -> None:
    search = search_of()
    tried = run(search, monotone(100, below=0.08, above=0.12))
    assert tried.verdicts.count(UNDECIDED) == 3
    assert (search.lower, search.upper) == pytest.approx((90, 112.75))
    assert search.is_confirmed
    assert not search.is_complete
    assert search.ended == "3 loads were undecided"


def test_a_confirmation_that_fails_makes_the_search_go_on_below() -> None:
    search = search_of()
    tried = run(search, in_turn(HOLDS, FAILS, HOLDS, HOLDS, FAILS, FAILS, HOLDS, HOLDS))
    repeated = tried.steps[4]
    assert repeated == Step(tried.steps[3].load, is_confirmation=True)
    assert all(step.load < repeated.load for step in tried.steps[5:])
    assert_sound(search, tried)


def test_a_confirmation_that_is_undecided_is_no_bound() -> None:
    search = search_of()
    tried = run(search, in_turn(HOLDS, FAILS, FAILS, HOLDS, UNDECIDED, FAILS, HOLDS, HOLDS))
    repeated = tried.steps[4].load
    assert search.lower is not None
    assert search.lower < repeated
    assert tried.steps[5].load == pytest.approx(repeated * 1.025)
    assert tried.steps[6].load == pytest.approx(repeated * 0.975)
    assert_sound(search, tried)


def test_a_bound_without_confirmation_is_as_it_was_found() -> None:
    search = search_of(SearchSettings(width=0.5, has_confirmation=False), 77, 115)
    assert run(search, monotone(100)).loads == [77, 115]
    assert search.is_complete


def test_a_search_that_is_left_has_the_bounds_so_far() -> None:
    search = search_of()
    assert (search.lower, search.upper, search.ended) == (None, None, "")
    search.next()
    search.record(HOLDS)
    assert (search.lower, search.upper, search.is_complete) == (90, None, False)
    assert not search.is_confirmed


def test_neighbours_end_a_search_of_whole_users() -> None:
    search = search_of(SearchSettings(width=0.05, is_whole=True), 4.6, 5.5)
    tried = run(search, monotone(5))
    assert tried.loads == [4, 6, 5, 5]
    assert (search.lower, search.upper) == (5, 6)
    assert search.is_complete
    assert search.ended == "no whole load lies between the bounds"


def test_there_is_no_user_below_one() -> None:
    search = search_of(SearchSettings(width=0.05, is_whole=True), 2.7, 3.3)
    assert run(search, monotone(0.5)).loads == [2, 1]
    assert (search.lower, search.upper) == (None, 1)
    assert not search.is_complete
    assert search.ended == "there is no smaller load"


def test_a_verdict_of_no_load_is_refused() -> None:
    with pytest.raises(ValueError, match="no load"):
        search_of().record(HOLDS)


@given(
    width=widths,
    capacity=st.floats(1, 1e4),
    off=st.floats(-4.0, 4.0),
    zone=st.tuples(st.floats(0, 0.4), st.floats(0, 0.4)),
    is_whole=st.booleans(),
)
def test_any_monotone_truth(
    width: float, capacity: float, off: float, zone: tuple[float, float], is_whole: bool
) -> None:
    """A search ends in time, and its bounds are right; ``off`` is up to 54 times too much."""
    low = capacity * math.exp(off)
    search = Search(SearchSettings(width, is_whole=is_whole), (low, low * 1.2))
    tried = run(search, monotone(capacity, *zone), most=12)
    assert_sound(search, tried)
    assert tried.verdicts.count(UNDECIDED) <= 5  # three, and one more on each side of them
    assert search.lower is None or search.lower <= capacity
    assert search.upper is None or search.upper > capacity
    assert search.is_confirmed or search.lower is None
    if is_whole:
        assert all(step.load == int(step.load) >= 1 for step in tried.steps)


@given(width=widths, off=st.floats(1 / 3, 3), ratio=st.floats(1.05, 2), is_whole=st.booleans())
def test_a_guess_within_three_times_the_capacity_leads_to_the_width(
    width: float, off: float, ratio: float, is_whole: bool
) -> None:
    capacity = 1000.5
    low = capacity * off
    search = Search(SearchSettings(width, is_whole=is_whole), (low, low * ratio))
    run(search, monotone(capacity))
    assert search.is_complete


@given(off=st.sampled_from([1 / 50, 50]), is_upward=st.booleans())
def test_a_guess_that_is_fifty_times_off_brackets_the_capacity(off: float, is_upward: bool) -> None:
    capacity = 100 / off if is_upward else 100 * off
    search = search_of()
    run(search, monotone(capacity))
    assert search.lower is not None
    assert search.upper is not None
    assert search.upper / search.lower < 1.2


@given(
    answers=st.lists(verdicts, min_size=12, max_size=12), width=widths, is_whole=st.booleans(),
    low=st.floats(0.5, 200), has_confirmation=st.booleans(),
)  # fmt: skip
def test_any_verdicts_in_any_order(
    answers: list[Verdict], width: float, is_whole: bool, low: float, has_confirmation: bool
) -> None:
    """A system need not be monotone, and a verdict may be wrong."""
    settings = SearchSettings(width, is_whole=is_whole, has_confirmation=has_confirmation)
    search = Search(settings, (low, low * 1.3))
    tried = run(search, in_turn(*answers), most=12)
    assert_sound(search, tried)
    assert search.lower is None or search.upper is None or search.lower < search.upper
    chosen = [step.load for step in tried.steps if not step.is_confirmation]
    assert len(chosen) == len(set(chosen))
    repeated = [step.load for step in tried.steps if step.is_confirmation]
    assert len(repeated) == len(set(repeated))
    assert set(repeated) <= set(chosen)
    assert not repeated or has_confirmation
