import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.measures.ranges import Range, magnitude, negative, operate

numbers = st.floats(-1e6, 1e6)
shares = st.floats(0, 1)


@st.composite
def ranges_with_a_value(draw: st.DrawFn) -> tuple[Range, float]:
    """Return a range, and a number in it."""
    least, most = sorted((draw(numbers), draw(numbers)))
    value = least + draw(shares) * (most - least)
    return (least, most), min(max(value, least), most)


def contains(found: Range, value: float) -> bool:
    slack = 1e-9 * max(1.0, abs(found[0]), abs(found[1]))
    return found[0] - slack <= value <= found[1] + slack


@given(st.sampled_from("+-*"), ranges_with_a_value(), ranges_with_a_value())
def test_every_possible_result_is_in_the_range(
    operator: str, left: tuple[Range, float], right: tuple[Range, float]
) -> None:
    results = {"+": left[1] + right[1], "-": left[1] - right[1], "*": left[1] * right[1]}
    assert contains(operate(operator, left[0], right[0]), results[operator])


@given(ranges_with_a_value(), ranges_with_a_value())
def test_every_quotient_is_in_the_range_unless_the_divisor_may_be_0(
    left: tuple[Range, float], right: tuple[Range, float]
) -> None:
    if right[0][0] <= 0 <= right[0][1]:
        with pytest.raises(ZeroDivisionError):
            operate("/", left[0], right[0])
    elif math.isfinite(1 / right[0][0]) and math.isfinite(1 / right[0][1]):
        assert contains(operate("/", left[0], right[0]), left[1] / right[1])


@given(ranges_with_a_value())
def test_every_magnitude_and_negative_is_in_the_range(one: tuple[Range, float]) -> None:
    assert contains(magnitude(one[0]), abs(one[1]))
    assert contains(negative(one[0]), -one[1])
    assert magnitude(one[0])[0] >= 0
