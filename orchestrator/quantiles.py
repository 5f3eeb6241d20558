"""Quantiles of a sample, for response times."""

import math
from collections.abc import Sequence


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least ``share`` of the sorted values do not exceed.

    The nearest-rank definition (Hyndman and Fan 1996, type 1): it never reports a value that
    nobody measured. None for an empty sample.
    """
    if not ordered:
        return None
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]
