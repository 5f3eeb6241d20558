"""Percentiles as text and as shares."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.measures.percentiles import (
    PercentileError,
    plain_name,
    share_of,
    split_percentile,
    statistic_of,
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("p95", "p95"),
        ("p(95)", "p95"),
        ("p(99.5)", "p99_5"),
        ("p(99.9)", "p999"),
        ("p99.5", "p99_5"),
        ("after.accept_wait_p99.90", "after.accept_wait_p999"),
        ("response_time_p(99.5)", "response_time_p99_5"),
        ("slow.p(2.25)", "slow.p2_25"),
        ("after.accept_wait_p( 99.90 )", "after.accept_wait_p999"),
        ("makespan", "makespan"),
        ("ceil(users)", "ceil(users)"),
    ],
)
def test_brackets_and_points_become_digits(text: str, name: str) -> None:
    assert plain_name(text) == name


@pytest.mark.parametrize("inside", ["100", "101", "0", "0.0", "-5", "99.99999", "", "x", "95%"])
def test_what_is_no_percentile_is_refused(inside: str) -> None:
    with pytest.raises(PercentileError, match="above 0 and below 100"):
        plain_name(f"p({inside})")


@pytest.mark.parametrize(
    "name", ["p100", "p0", "p00", "p05", "p101", "p9999", "p99_", "p99_50", "p99_9", "p", "max"]
)
def test_a_statistic_that_is_no_percentile_has_no_share(name: str) -> None:
    assert share_of(name) is None


@given(st.integers(1, 999_999))
def test_every_percentile_has_one_name_which_gives_its_share_back(per_million: int) -> None:
    percent = Fraction(per_million, 10_000)
    name = statistic_of(f"{float(percent):.4f}")
    assert share_of(name) == pytest.approx(float(percent / 100), rel=1e-12)
    assert split_percentile(f"queue_wait_{name}") == ("queue_wait", name)


def test_a_name_is_split_into_measure_and_percentile() -> None:
    assert split_percentile("p95") == ("", "p95")
    assert split_percentile("response_time_max") is None
    assert split_percentile("probe_cpu_share") is None
