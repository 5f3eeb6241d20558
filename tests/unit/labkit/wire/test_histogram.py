import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.wire.histogram import (
    BUCKETS,
    LONGER,
    OCTAVES,
    RESOLUTION,
    SHORT,
    UNIT_BITS,
    bucket_of,
    floor_ns,
    quantile_floor_ns,
)

UNIT_NS = 1 << UNIT_BITS
HOUR_NS = 3_600_000_000_000
DURATIONS = st.one_of(st.integers(0, HOUR_NS), st.integers(0, 10**9), st.integers(0, 10**6))


def histogram(durations_ns: list[int]) -> list[int]:
    counts = [0] * BUCKETS
    for each in durations_ns:
        counts[bucket_of(each)] += 1
    return counts


@given(DURATIONS)
def test_a_bucket_begins_at_most_its_resolution_below_a_duration(duration_ns: int) -> None:
    least_ns = floor_ns(bucket_of(duration_ns))
    assert least_ns <= duration_ns < max(least_ns * (1 + RESOLUTION), least_ns + UNIT_NS)


def test_the_buckets_are_without_gaps() -> None:
    assert [bucket_of(floor_ns(bucket)) for bucket in range(BUCKETS)] == list(range(BUCKETS))
    ends = [floor_ns(bucket + 1) - 1 for bucket in range(BUCKETS - 1)]
    assert [bucket_of(end) for end in ends] == list(range(BUCKETS - 1))


def test_whatever_is_longer_is_in_the_last_bucket() -> None:
    assert bucket_of(HOUR_NS * 1000) == BUCKETS - 1


def test_the_short_way_to_a_bucket_leads_to_the_same() -> None:
    assert list(SHORT) == [bucket_of(units * UNIT_NS + 1) for units in range(len(SHORT))]
    for units in range(len(SHORT), len(SHORT) << OCTAVES, 999):
        assert SHORT[units >> OCTAVES] + LONGER == bucket_of(units * UNIT_NS)


@given(st.lists(DURATIONS, min_size=1, max_size=300), st.sampled_from([0.01, 0.5, 0.9, 0.99]))
def test_a_percentile_is_a_lower_bound_of_the_exact_one_within_the_resolution(
    durations_ns: list[int], share: float
) -> None:
    found_ns = quantile_floor_ns(histogram(durations_ns), share)
    if len(durations_ns) * min(share, 1 - share) < 0.999:
        assert found_ns is None
        return
    assert found_ns is not None
    exact_ns = sorted(durations_ns)[math.ceil(share * len(durations_ns) - 1e-8) - 1]
    assert found_ns <= exact_ns < max(found_ns * (1 + RESOLUTION), found_ns + UNIT_NS)


@pytest.mark.parametrize(("messages", "is_known"), [(0, False), (99, False), (100, True)])
def test_the_99th_percentile_needs_100_messages(messages: int, is_known: bool) -> None:
    assert (quantile_floor_ns(histogram([10**9] * messages), 0.99) is not None) == is_known
