import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.analysis.statistics import is_enough, peak_overlap, quantile, ratio, statistics_s
from orchestrator.measures.bounds import AtLeast

DURATIONS = st.lists(st.integers(0, 10**12), min_size=1)


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.5, 20),  # 2 of 4 values do not exceed 20
        (0.51, 30),  # 2.04 values are needed, so 3
        (0.75, 30),
        (0.76, 40),
        (1.0, 40),
        (0.0, 10),  # the smallest, although no value is needed
    ],
)
def test_a_quantile_is_the_nearest_rank(share: float, expected: float) -> None:
    assert quantile([10, 20, 30, 40], share) == expected


def test_an_empty_sample_has_no_quantile() -> None:
    assert quantile([], 0.5) is None


@given(DURATIONS, st.sampled_from([0.01, 0.5, 0.9, 0.99, 0.999, 1.0]))
def test_a_quantile_is_the_smallest_value_that_enough_values_do_not_exceed(
    values: list[int], share: float
) -> None:
    found = quantile(sorted(values), share)
    assert found in values
    reached = sum(value <= found for value in values)
    below = sum(value < found for value in values)
    assert reached / len(values) >= share > below / len(values)


def test_statistics_are_in_seconds_and_named_after_their_measure() -> None:
    durations_ns = np.arange(100, 0, -1) * 1_000_000_000  # not sorted
    assert statistics_s("wait", durations_ns, "mean", "p50", "p99", "max") == {
        "wait_mean": 50.5,
        "wait_p50": 50.0,
        "wait_p99": 99.0,
        "wait_max": 100.0,
    }


@pytest.mark.parametrize(
    ("which", "fewest"),
    [
        ("mean", 1),
        ("max", 1),
        ("p50", 2),
        ("p90", 10),
        ("p99", 100),
        ("p999", 1000),
        ("p95", 20),
        ("p99_5", 200),
        ("p5", 20),
        ("p0_5", 200),
    ],
)
def test_a_percentile_needs_a_value_beyond_it(which: str, fewest: int) -> None:
    for values, is_known in ((fewest - 1, False), (fewest, True)):
        found = statistics_s("wait", np.ones(values, np.int64), which)[f"wait_{which}"]
        assert (found is not None) == is_known


@given(per_mille=st.integers(1, 999), values=st.integers(1, 3000))
def test_a_percentile_is_the_nearest_rank_for_every_share(per_mille: int, values: int) -> None:
    """The rank is that of exact arithmetic: 0.07 * 100 is above 7 in floating point."""
    rank = max(math.ceil(Fraction(per_mille, 1000) * values), 1)
    assert quantile(range(1, values + 1), per_mille / 1000) == rank
    enough = values * min(Fraction(per_mille, 1000), 1 - Fraction(per_mille, 1000)) >= 1
    assert is_enough(values, per_mille / 1000) == enough


def test_a_lower_bound_bounds_only_what_it_could_increase() -> None:
    """Seventy of 600 messages have no ack after 1 s, so the 90th percentile is at least 1 s."""
    durations_ns = np.array([5_000_000] * 530 + [1_000_000_000] * 70)
    is_bound = np.arange(600) >= 530
    found = statistics_s("x", durations_ns, "mean", "p50", "p90", "p99", "max", is_bound=is_bound)
    assert found["x_p50"] == 0.005
    assert not isinstance(found["x_p50"], AtLeast)
    assert all(isinstance(found[f"x_{each}"], AtLeast) for each in ("mean", "p90", "p99", "max"))
    assert found["x_p99"] == 1.0


def test_a_message_that_failed_at_once_is_not_a_fast_one() -> None:
    """One of three was reset after 1 us: it ranks behind the others, and the median is exact."""
    durations_ns, is_bound = np.array([1_000, 10**9, 2 * 10**9]), np.array([True, False, False])
    found = statistics_s("x", durations_ns, "p50", "max", is_bound=is_bound)
    assert found["x_p50"] == 2.0
    assert not isinstance(found["x_p50"], AtLeast)
    assert isinstance(found["x_max"], AtLeast)


def test_statistics_of_no_durations_are_unknown() -> None:
    empty = np.zeros(0, np.int64)
    assert statistics_s("wait", empty, "mean", "max") == {"wait_mean": None, "wait_max": None}


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [(3.0, 4.0, 0.75), (0.0, 4.0, 0.0), (3.0, 0.0, None), (None, 4.0, None), (3.0, None, None)],
)
def test_a_ratio_is_unknown_if_a_side_is_or_the_whole_is_0(
    part: float | None, whole: float | None, expected: float | None
) -> None:
    assert ratio(part, whole) == expected


@pytest.mark.parametrize(
    ("spans", "peak"),
    [
        ([], 0),
        ([(1, 5)], 1),
        ([(1, 5), (5, 9)], 1),  # one ends where another begins
        ([(1, 5), (4, 9)], 2),
        ([(1, 9), (2, 3), (4, 5)], 2),
        ([(1, 2), (1, 2), (1, 2)], 3),
    ],
)
def test_peak_overlap(spans: list[tuple[int, int]], peak: int) -> None:
    assert overlap(spans) == peak


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20))))
def test_peak_overlap_agrees_with_counting_at_every_instant(spans: list[tuple[int, int]]) -> None:
    ends = [(start, start + length) for start, length in spans]
    counts = [sum(start <= t < end for start, end in ends) for t in range(61)]
    assert overlap(ends) == max(counts)


def overlap(spans: list[tuple[int, int]]) -> int:
    """Return the peak overlap of spans, each its begin and end."""
    begun, ended = np.array(spans, dtype=np.int64).reshape(-1, 2).T
    return peak_overlap(begun, ended)


def test_a_standard_deviation_is_that_of_a_sample_and_unknown_beside_lower_bounds() -> None:
    durations_ns = np.array([2, 4, 4, 4, 5, 5, 7, 9], np.int64) * 10**9
    (found,) = statistics_s("wait", durations_ns, "sd").values()
    assert found == pytest.approx(math.sqrt(32 / 7))
    is_bound = np.arange(8) == 7
    assert statistics_s("wait", durations_ns, "sd", is_bound=is_bound) == {"wait_sd": None}
    assert statistics_s("wait", durations_ns[:1], "sd") == {"wait_sd": None}
