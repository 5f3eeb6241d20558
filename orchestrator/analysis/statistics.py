"""Exact statistics of durations: from every value, without buckets.

A percentile needs enough values that at least one lies beyond it: 100 for the 99th, and for the
first. With fewer it is unknown, because it would be the maximum or minimum under another name.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from orchestrator.measures.bounds import AtLeast
from orchestrator.measures.percentiles import share_of
from orchestrator.results.tables import Columns, Flags

Figures = dict[str, float | None]
Durations = npt.NDArray[np.int64]
ROUNDING = 1e-8
"""Above the error of a share times the number of values, of which there are at most 10 million."""
UNBOUNDED_NS = 2**62
SD = "sd"
"""The standard deviation, of a sample."""


def quantile(ordered: Sequence[float] | Durations, share: float) -> float | None:
    """Return the smallest value that at least ``share`` of the sorted values do not exceed.

    The nearest-rank definition (Hyndman and Fan 1996, type 1): it never reports a value that
    was not measured. None for an empty sample.
    """
    if not len(ordered):
        return None
    return float(ordered[max(math.ceil(share * len(ordered) - ROUNDING), 1) - 1])


def between_ns(table: Columns, begin: str, end: str) -> Durations:
    """Return the time from one column of instants to another, row by row."""
    durations: Durations = table[end].astype(np.int64) - table[begin].astype(np.int64)
    return durations


def is_enough(values: int, share: float) -> bool:
    """Return whether a sample of ``values`` has the quantile ``share``, or its maximum for 1.

    At least one value is beyond it: above it, or for a share below one half, below or at it.
    """
    beyond = values * min(share, 1 - share) if share < 1 else values
    return beyond >= 1 - ROUNDING


def statistics_s(
    name: str, durations_ns: Durations, *which: str, is_bound: Flags | None = None
) -> Figures:
    """Return the statistics ``which`` of durations, in seconds, as ``<name>_<statistic>``.

    ``mean``, ``sd``, ``max`` and percentiles; each None if there are too few durations for it.
    ``is_bound`` flags durations that are lower bounds. They rank last, since they may have no end;
    a percentile among them, and the mean, is `AtLeast` its value, and ``sd`` is None.
    """
    ordered = ranked = np.sort(durations_ns)
    if is_bound is not None and is_bound.any():
        bounds_ns = np.full(is_bound.sum(), UNBOUNDED_NS)
        ranked = np.concatenate([np.sort(durations_ns[~is_bound]), bounds_ns])
    return {f"{name}_{each}": _statistic(each, ordered, ranked) for each in which}


def _statistic(which: str, ordered: Durations, ranked: Durations) -> float | None:
    """Return one statistic in seconds; ``ranked`` has `UNBOUNDED_NS` in place of lower bounds."""
    has_bounds = len(ranked) > 0 and int(ranked[-1]) == UNBOUNDED_NS
    if which == SD:
        is_known = len(ordered) > 1 and not has_bounds
        return float(ordered.std(ddof=1)) / 1e9 if is_known else None
    share = share_of(which) or 1.0
    if not is_enough(len(ordered), share):
        return None
    if which == "mean":
        mean_s = float(ordered.mean()) / 1e9
        return AtLeast(mean_s) if has_bounds else mean_s
    value_ns = quantile(ranked, share)
    is_known = value_ns is not None and value_ns < UNBOUNDED_NS
    least_s = (quantile(ordered, share) or 0.0) / 1e9
    return (value_ns or 0.0) / 1e9 if is_known else AtLeast(least_s)


def ratio(part: float | None, whole: float | None) -> float | None:
    """Return ``part / whole``; None if one is unknown or ``whole`` is 0."""
    return part / whole if part is not None and whole else None


def peak_overlap(begun: Durations, ended: Durations) -> int:
    """Return how many spans overlap at most; a span does not contain its end.

    As many as have begun, less those that have ended, at the begin of one of them.
    """
    begun = np.sort(begun)
    overlap = np.searchsorted(np.sort(ended), begun, side="right")
    np.subtract(np.arange(1, len(begun) + 1), overlap, out=overlap)
    return int(overlap.max(initial=0))
