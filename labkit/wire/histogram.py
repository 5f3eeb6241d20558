"""A histogram of durations of a fixed size, cheap enough to be updated for each message.

Eight buckets for each power of two, so that a bucket is at most an eighth as wide as the durations
in it. It is for figures while a load runs; results are exact, from every sample.
"""

import math
from collections.abc import Sequence

UNIT_BITS = 14  # a unit of 2**14 ns, 16 µs, is the narrowest bucket
PART_BITS = 3
EXACT = 2 << PART_BITS  # durations of fewer units have a bucket for each unit
LONGEST_BITS = 28  # 2**28 units are 73 min, longer than any load
BUCKETS = (LONGEST_BITS - PART_BITS - 1 << PART_BITS) + EXACT
RESOLUTION = 1 / (1 << PART_BITS)
"""The width of a bucket as a share of the shortest duration in it, from 0.13 ms on."""

ROUNDING = 1e-8


def bucket_of(duration_ns: int) -> int:
    """Return the index of the bucket of ``duration_ns``, which is not negative."""
    units = duration_ns >> UNIT_BITS
    if units < EXACT:
        return units
    shift = units.bit_length() - PART_BITS - 1
    return min((shift << PART_BITS) + (units >> shift), BUCKETS - 1)


SHORT = bytes(bucket_of(units << UNIT_BITS) for units in range(4096))
"""The bucket of each duration below 67 ms, by its units: for a caller that cannot afford a call.

That of a longer one, below 17 s, is ``SHORT[units >> OCTAVES] + LONGER``.
"""
OCTAVES = 8
LONGER = OCTAVES << PART_BITS


def floor_ns(bucket: int) -> int:
    """Return the shortest duration in ``bucket``, in nanoseconds."""
    if bucket < EXACT:
        return bucket << UNIT_BITS
    shift = (bucket >> PART_BITS) - 1
    return bucket - (shift << PART_BITS) << shift + UNIT_BITS


def quantile_floor_ns(counts: Sequence[int], share: float) -> int | None:
    """Return the lower end of the bucket of a quantile by nearest rank, in nanoseconds.

    None if no duration can be beyond it: the 99th percentile needs 100 of them, as in results.
    """
    total = sum(counts)
    if total * min(share, 1 - share) < 1 - ROUNDING:
        return None
    left = math.ceil(share * total - ROUNDING)
    for bucket, count in enumerate(counts):
        left -= count
        if left <= 0:
            return floor_ns(bucket)
    return None
