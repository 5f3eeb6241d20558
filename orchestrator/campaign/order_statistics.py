"""Exact intervals and tests for few values: pure functions of counts, without a random number.

Binomial intervals of a median, the Mann-Whitney distribution, Student's distribution, and Holm's
correction for several tests. Values are assumed to be independent; ties make a test conservative.
"""

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
CONFIDENCE = 0.95
FALSE_ALARMS = 0.05
"""At most this share of tables, or of rankings, shows a difference where there is none."""


@cache
def binomial_tail(count: int, of: int) -> float:
    """Return the probability of at most ``count`` heads in ``of`` tosses of a fair coin."""
    return float(sum(math.comb(of, heads) for heads in range(count + 1)) / 2**of)


@cache
def mann_whitney_tail(count: int, first: int, second: int) -> float:
    """Return P(U <= ``count``) for two samples of ``first`` and ``second`` equal variables.

    U is the number of pairs in which the value of the first is larger. Its generating function is
    a Gaussian binomial coefficient (Mann and Whitney 1947, "On a Test of Whether one of Two Random
    Variables is Stochastically Larger than the Other").
    """
    ways = [1] + [0] * (first * second)
    for step in range(1, first + 1):
        for size in range(len(ways) - 1, second + step - 1, -1):
            ways[size] -= ways[size - second - step]
        for size in range(step, len(ways)):
            ways[size] += ways[size - step]
    return sum(ways[: count + 1]) / math.comb(first + second, first)


def median_depth(values: int) -> tuple[int, float]:
    """Return the depth of the interval of a median of ``values`` values, and its coverage.

    The ``depth``-th smallest and largest value enclose the median of any continuous distribution
    with probability 1 - 2 P(B < depth), B binomial (n, 1/2): David and Nagaraja 2003, "Order
    Statistics", section 7.1. It is the narrowest such interval that covers at least `CONFIDENCE`.
    With five values or fewer none does; then it is the widest, and the coverage says how much.
    """
    return _depth(lambda count: binomial_tail(count, values))


def shift_depth(first: int, second: int) -> tuple[int, float]:
    """Return the same for the median of all pairs of two samples: their difference or ratio.

    Hodges and Lehmann 1963, "Estimates of Location Based on Rank Tests". The two distributions are
    assumed to be equal up to the shift.
    """
    return _depth(lambda count: mann_whitney_tail(count, first, second))


def _depth(tail: Callable[[int], float]) -> tuple[int, float]:
    depth = 1
    while 1 - 2 * tail(depth) >= CONFIDENCE:
        depth += 1
    return depth, max(1 - 2 * tail(depth - 1), 0.0)


def ends(values: Values, depth: int) -> tuple[float, float]:
    """Return the ``depth``-th smallest and the ``depth``-th largest of ``values``."""
    ordered = np.sort(values, axis=None)
    return float(ordered[depth - 1]), float(ordered[-depth])


def student_tail(statistic: float, freedom: int) -> float:
    """Return P(T > ``statistic``) for Student's t with ``freedom`` degrees of freedom.

    The finite series for whole numbers: Abramowitz and Stegun 1964, "Handbook of Mathematical
    Functions", 26.7.3 and 26.7.4.
    """
    angle = math.atan(abs(statistic) / math.sqrt(freedom))
    is_odd = freedom % 2
    term = math.cos(angle) if is_odd else 1.0
    total = 0.0 if freedom == 1 else term
    for step in range(2 + is_odd, freedom - 1, 2):
        term *= math.cos(angle) ** 2 * (step - 1) / step
        total += term
    within = math.sin(angle) * total
    if is_odd:
        within = 2 / math.pi * (angle + within)
    return (1 - within) / 2 if statistic > 0 else (1 + within) / 2


def paired_p(differences: Values) -> float:
    """Return the probability of differences at least as far above 0, if their centre is 0.

    Student's test; of symmetric differences, as between equals, it is exact or conservative (Efron
    1969, "Student's t-Test Under Symmetry Conditions"). The sign test if a value is infinite.
    """
    if not np.isfinite(differences).all():
        return binomial_tail(int(np.count_nonzero(differences <= 0)), len(differences))
    mean, freedom = float(differences.mean()), len(differences) - 1
    spread = float(differences.std(ddof=1)) if freedom else 0.0
    if spread <= abs(mean) * 1e-12:
        return 1.0 if mean <= 0 or not freedom else 0.0
    return student_tail(mean / (spread / math.sqrt(len(differences))), freedom)


def pairs_p(differences: Values) -> float:
    """Return the same for two samples whose pairs have ``differences``, a row for each of one.

    The one-sided test of Mann and Whitney.
    """
    return mann_whitney_tail(int(np.count_nonzero(differences <= 0)), *differences.shape)


def holm(chances: Sequence[float]) -> list[float]:
    """Return each p-value adjusted for all of them, so that the whole family keeps its level.

    Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure": the k-th smallest of n is
    multiplied by n - k + 1. No assumption on how the tests depend on each other.
    """
    adjusted, highest = [0.0] * len(chances), 0.0
    for rank, index in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        highest = max(highest, min(1.0, chances[index] * (len(chances) - rank)))
        adjusted[index] = highest
    return adjusted
