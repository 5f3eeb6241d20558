"""Exact statistics of durations: from every value, without buckets."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from orchestrator.results.tables import Table

Figures = dict[str, float | None]
Durations = npt.NDArray[np.int64]
SHARES = {"p50": 0.50, "p90": 0.90, "p99": 0.99, "p999": 0.999, "max": 1.0}


def quantile(ordered: Sequence[float] | Durations, share: float) -> float | None:
    """Return the smallest value that at least ``share`` of the sorted values do not exceed.

    The nearest-rank definition (Hyndman and Fan 1996, type 1): it never reports a value that
    was not measured. None for an empty sample.
    """
    if not len(ordered):
        return None
    return float(ordered[max(math.ceil(share * len(ordered)), 1) - 1])


def between_ns(table: Table, begin: str, end: str) -> Durations:
    """Return the time from one column of instants to another, row by row."""
    durations: Durations = table[end].astype(np.int64) - table[begin].astype(np.int64)
    return durations


def statistics_s(name: str, durations_ns: Durations, *which: str) -> Figures:
    """Return the statistics ``which`` of durations, in seconds, as ``<name>_<statistic>``.

    ``mean`` and those of `SHARES`; each None for an empty sample.
    """
    ordered = np.sort(durations_ns)
    figures: Figures = {}
    for each in which:
        if each == "mean":
            value_ns = float(ordered.mean()) if len(ordered) else None
        else:
            value_ns = quantile(ordered, SHARES[each])
        figures[f"{name}_{each}"] = None if value_ns is None else value_ns / 1e9
    return figures


def ratio(part: float | None, whole: float | None) -> float | None:
    """Return ``part / whole``; None if one is unknown or ``whole`` is 0."""
    return part / whole if part is not None and whole else None


def peak_overlap(begun: Durations, ended: Durations) -> int:
    """Return how many spans overlap at most; a span does not contain its end."""
    change = np.repeat([1, -1], [len(begun), len(ended)])
    order = np.lexsort((change, np.concatenate([begun, ended])))
    return int(np.cumsum(change[order]).max(initial=0))
