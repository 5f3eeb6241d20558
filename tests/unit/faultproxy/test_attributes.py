"""The values of a toxic's attributes, as they come from JSON."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultproxy.attributes import (
    MAX_BYTES,
    MAX_KB_PER_S,
    Attribute,
    bytes_to_pass,
    duration_ns,
    rate_kb_per_s,
    shown,
    size_bytes,
)

ATTRIBUTES = [duration_ns(), rate_kb_per_s(), size_bytes(), bytes_to_pass()]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("50ms"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    ("attribute", "written", "value"),
    [
        (duration_ns(), "0ms", 0),
        (duration_ns(), "1.5us", 1500),
        (duration_ns(), "1440m", 86_400_000_000_000),
        (rate_kb_per_s(), 0.001, 0.001),
        (rate_kb_per_s(), 1_000_000_000, MAX_KB_PER_S),
        (size_bytes(), 1, 1),
        (size_bytes(), MAX_BYTES, MAX_BYTES),
        (bytes_to_pass(), 0, 0),
    ],
)
def test_a_value_is_read_up_to_its_bounds(
    attribute: Attribute, written: object, value: float
) -> None:
    assert attribute.read(written) == value


@pytest.mark.parametrize(
    ("attribute", "written", "reason"),
    [
        (duration_ns(), 50, "50 is not a duration; write a number and a unit"),
        (duration_ns(), "50", "'50' is not a duration; write a number and a unit"),
        (duration_ns(), "1441m", "'1441m' is longer than a day"),
        (rate_kb_per_s(), 0, "0 is not a rate"),
        (rate_kb_per_s(), math.nan, "nan is not a rate"),
        (rate_kb_per_s(), math.inf, "inf is not a rate"),
        (rate_kb_per_s(), True, "True is not a rate"),
        (rate_kb_per_s(), "5", "'5' is not a rate"),
        (size_bytes(), 0, "0 is not a number of bytes from 1 to 1099511627776"),
        (size_bytes(), MAX_BYTES + 1, "1099511627777 is not a number of bytes"),
        (bytes_to_pass(), -1, "-1 is not a number of bytes from 0 to"),
        (bytes_to_pass(), False, "False is not a number of bytes"),
        (bytes_to_pass(), 1.0, "1.0 is not a number of bytes"),
        (bytes_to_pass(), None, "None is not a number of bytes"),
    ],
)
def test_a_value_beyond_them_is_refused_with_the_reason(
    attribute: Attribute, written: object, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        attribute.read(written)


@pytest.mark.parametrize("attribute", ATTRIBUTES)
@given(value=VALUES | st.text().map(lambda text: text * 100))
def test_any_value_is_a_finite_number_or_refused_in_a_short_line(
    attribute: Attribute, value: object
) -> None:
    try:
        read = attribute.read(value)
    except ValueError as error:
        refusal = str(error)
    else:
        assert 0 <= read < math.inf
        return
    assert len(refusal) < 500  # 40 characters, each of which may take ten
    assert "\n" not in refusal


def test_a_long_value_is_cut() -> None:
    assert shown("x" * 10) == "'xxxxxxxxxx'"
    assert shown("x" * 1000) == "'" + "x" * 79 + "…"
