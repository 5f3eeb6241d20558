"""The Kolmogorov-Smirnov test of a sample against a continuous law that is fully known."""

import math
from collections.abc import Callable, Iterable

CRITICAL = {0.05: 1.36, 0.01: 1.63}
"""By level, times 1/sqrt(n), for n > 35: Massey 1951, "The Kolmogorov-Smirnov test for goodness of
fit", J. Amer. Statist. Assoc. 46, table 1."""


def distance(sample: Iterable[float], probability: Callable[[float], float]) -> float:
    """Return the largest distance between the steps of ``sample`` and the law's distribution."""
    ordered = sorted(sample)
    return max(
        max((rank + 1) / len(ordered) - below, below - rank / len(ordered))
        for rank, below in enumerate(map(probability, ordered))
    )


def is_rejected(
    sample: list[float], probability: Callable[[float], float], level: float = 0.01
) -> bool:
    return distance(sample, probability) > CRITICAL[level] / math.sqrt(len(sample))


def uniform(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def exponential(value: float) -> float:
    """Return the distribution function of the exponential law of mean 1."""
    return -math.expm1(-value)
