import pytest

from labkit.protocol.parsing import DurationError, parse_duration_s


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
