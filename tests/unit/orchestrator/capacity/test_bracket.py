"""The first two loads, and widening."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.capacity.bracket import first_bracket, widening

loads = st.floats(1e-3, 1e6)


@pytest.mark.parametrize(
    ("predicted", "guess", "is_wide", "at", "expected"),
    [
        (100.0, None, False, None, (90, 110)),
        (100.0, None, True, None, (71, 140)),
        (100.0, 7.0, False, 300.0, (90, 110)),  # the twin knows better than the scenario
        (100.0, None, True, 110.0, (71, 154)),  # 140 would be nearer to 110 than to 100
        (100.0, None, True, 80.0, (56.8, 140)),
        (None, 40.0, False, None, (40, 60)),
        (None, 40.0, True, 100.0, (100 / 1.9, 190)),
        (None, 40.0, False, 90.0, (60, 135)),
        (None, None, False, None, (10, 15)),
    ],
)
def test_first_bracket(
    predicted: float | None,
    guess: float | None,
    is_wide: bool,
    at: float | None,
    expected: tuple[float, float],
) -> None:
    assert first_bracket(predicted, guess, is_wide, at) == pytest.approx(expected)


@given(
    predicted=st.none() | loads,
    guess=st.none() | loads,
    is_wide=st.booleans(),
    at=st.none() | loads,
)
def test_the_first_load_is_the_smaller_one(
    predicted: float | None, guess: float | None, is_wide: bool, at: float | None
) -> None:
    low, high = first_bracket(predicted, guess, is_wide, at)
    assert 0 < low < high


@given(at=loads, share=st.floats(0.5, 2.0))
def test_a_load_between_the_two_and_either_of_them_are_within_a_width_of_a_half(
    at: float, share: float
) -> None:
    low, high = first_bracket(at * share, None, is_wide=True, at=at)
    if low < at < high:
        assert (at - low) / at <= 0.5
        assert (high - at) / high <= 0.5


def test_a_widening_is_wider_than_the_one_before() -> None:
    assert [widening(times) for times in (1, 2, 3)] == [1.5, 2.25, 3.375]
    assert [widening(times, is_wide=True) for times in (1, 2)] == [1.9, pytest.approx(3.61)]
