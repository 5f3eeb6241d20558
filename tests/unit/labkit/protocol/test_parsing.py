import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.protocol.parsing import (
    UNITS_S,
    DurationError,
    parse_duration_s,
    read_duration_s,
    read_positive_duration_s,
    read_whole,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0s", 0), ("1us", 1e-6), ("50ms", 0.05), ("1.5s", 1.5), ("2m", 120), ("007ms", 0.007)],
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert parse_duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    ["", "1", "s", "-1s", "+1s", "1 s", " 1s", "1s ", "1S", ".5s", "5.s", "1e3s", "1h", "\u0661s",
     "1s\n", "infs", "nans", "9" * 21 + "s"],
)  # fmt: skip
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(DurationError, match="write a number and a unit"):
        parse_duration_s(text)


@given(st.integers(0, 10**9), st.sampled_from(sorted(UNITS_S)))
def test_whole_numbers_are_exact_in_every_unit(number: int, unit: str) -> None:
    assert parse_duration_s(f"{number}{unit}") == number * UNITS_S[unit]


@given(st.text(st.sampled_from("0123456789.usm- \u0661")) | st.text())
def test_any_text_is_a_duration_of_zero_or_more_or_refused_in_a_short_line(text: str) -> None:
    try:
        duration_s = parse_duration_s(text)
    except DurationError as error:
        refusal = error
    else:
        assert 0 <= duration_s < float("inf")
        return
    assert len(str(refusal)) < 500
    assert "\n" not in str(refusal)


@pytest.mark.parametrize(
    ("text", "number"), [("1", 1), ("9", 9), ("009", 9), ("0" * 18 + "5", 5)]
)  # fmt: skip
def test_a_whole_number_may_be_either_bound_and_have_leading_zeros(text: str, number: int) -> None:
    assert read_whole(text, 1, 9) == number


@pytest.mark.parametrize(
    "text",
    ["", "0", "10", "-1", "+5", "5.0", "5 ", " 5", "5\n", "1_0", "\u0665", "\u00b2", "five",
     "0" * 19 + "5", "9" * 100_000],
)  # fmt: skip
def test_anything_else_is_no_whole_number_in_the_range(text: str) -> None:
    with pytest.raises(ValueError, match="is not a whole number from 1 to 9") as raised:
        read_whole(text, 1, 9)
    assert len(str(raised.value)) < 200


@given(st.integers(0, 10**18), st.integers(0, 10**18), st.integers(0, 10**18))
def test_a_number_is_read_if_and_only_if_it_is_in_the_range(a: int, b: int, number: int) -> None:
    low, high = sorted((a, b))
    try:
        found = read_whole(str(number), low, high)
    except ValueError:
        assert not low <= number <= high
    else:
        assert low <= found == number <= high


def test_a_duration_to_be_read_is_a_day_at_most() -> None:
    assert read_duration_s("1440m") == read_positive_duration_s("86400s") == 86_400
    assert read_duration_s("0ms") == 0
    for read in (read_duration_s, read_positive_duration_s):
        with pytest.raises(DurationError, match="'1441m' is longer than a day"):
            read("1441m")


@pytest.mark.parametrize("text", ["0s", "0.0ms", "000us"])
def test_a_positive_duration_is_more_than_0(text: str) -> None:
    with pytest.raises(DurationError, match="must be more than 0"):
        read_positive_duration_s(text)
    assert read_positive_duration_s("0.000001us") > 0
