"""Statistics of the repeats of a run: medians, confidence intervals, confidence, ranks.

Exact, by `order_statistics`, and without a random number: the same runs give the same verdict.
Repeat n of one model is always compared with repeat n of another, because they ran in the same
round and share the disturbances of the host, and its draws.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from orchestrator.campaign.order_statistics import (
    FALSE_ALARMS,
    binomial_tail,
    ends,
    holm,
    median_depth,
    paired_p,
)
from orchestrator.measures.bounds import AtLeast, Values, Within, at_the_far_end, error_of
from orchestrator.measures.evaluate import Evaluation
from orchestrator.measures.expression import Expression


def medians(repeats: Sequence[Values]) -> dict[str, float | None]:
    """Return the median of each value over ``repeats``, None if a repeat has no value.

    It is a lower bound if those of the repeats could increase it, and has the largest error of the
    repeats if they have one.
    """
    far = [at_the_far_end(values) for values in repeats]
    result: dict[str, float | None] = {}
    for name in dict.fromkeys(name for values in repeats for name in values):
        column, highest = _column(repeats, name), _column(far, name)
        if column is None or highest is None:
            result[name] = None
            continue
        median = float(np.median(column))
        is_exact = median == float(np.median(highest))
        result[name] = _with_error(median, repeats, name) if is_exact else AtLeast(median)
    return result


def _with_error(median: float, repeats: Sequence[Values], name: str) -> float:
    error = max(error_of(values.get(name)) for values in repeats)
    return Within(median, error) if error else median


def intervals(repeats: Sequence[Values]) -> dict[str, tuple[float, float]]:
    """Return the confidence interval of each median, whose coverage is that of `median_depth`.

    None of a single repeat.
    """
    depth, coverage = median_depth(len(repeats))
    columns = {name: _column(repeats, name) for name in repeats[0]} if coverage else {}
    return {name: ends(column, depth) for name, column in columns.items() if column is not None}


def confidence_of(
    expression: Expression, repeats: Sequence[Values], *, if_undecided: bool = False
) -> float | None:
    """Return the confidence that ``expression`` holds in more than half of all possible repeats.

    By the sign test: one minus the probability of at least as many repeats in which it holds, if
    it held in half of all. Below one half, it is the probability of at most as many. So it holds
    for the median with that confidence. ``a ~= b`` is two expressions, neither too low nor too
    high, and the less certain one counts (Berger 1982, "Multiparameter Hypothesis Testing and
    Acceptance Sampling"). None if a value is missing.

    ``if_undecided`` is whether it counts as held in a repeat of which lower bounds leave it open.
    """
    results = [expression.evaluate(values) for values in repeats]
    sides = [_sides(each, if_undecided=if_undecided) for each in results if _is_known(each)]
    if len(sides) < len(results):
        return None
    not_above, not_below = map(sum, zip(*sides, strict=True))
    held = not_above if results[0].margin is None else min(not_above, not_below)
    return binomial_tail(held - 1 if 2 * held > len(repeats) else held, len(repeats))


def _is_known(result: Evaluation) -> bool:
    return result.left is not None and result.right is not None


def _sides(result: Evaluation, *, if_undecided: bool) -> tuple[bool, bool]:
    """Return whether the left side is not too high, and whether it is not too low.

    Without a margin, the first is whether the expression holds.
    """
    if result.passed is None:
        return if_undecided, if_undecided
    if result.margin is None:
        return result.passed, result.passed
    is_above = (result.left or 0.0) > (result.right or 0.0)
    return result.passed or not is_above, result.passed or is_above


def rank(columns: Mapping[str, Sequence[float]], *, least_first: bool) -> list[list[str]]:
    """Return the names of ``columns``, which hold a value for each repeat, as ranks, best first.

    Any two that cannot be told apart share a rank: a rank ends only where each name before differs
    from each name after. All pairs are tested, by their differences in each round, with Holm's
    correction: columns that are equal are split in at most `FALSE_ALARMS` of cases.
    """
    order = sorted(columns, key=lambda name: float(np.median(columns[name])))
    order = order if least_first else order[::-1]
    pairs = list(combinations(range(len(order)), 2))
    chances = holm([_alike(columns[order[one]], columns[order[other]]) for one, other in pairs])
    alike = {pair for pair, p in zip(pairs, chances, strict=True) if p > FALSE_ALARMS}
    ranks: list[list[str]] = []
    for place, name in enumerate(order):
        if ranks and any(one < place <= other for one, other in alike):
            ranks[-1].append(name)
        else:
            ranks.append([name])
    return ranks


def _alike(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the two-sided p-value of the paired differences."""
    differences = np.array(first) - np.array(second)
    return min(1.0, 2 * min(paired_p(differences), paired_p(-differences)))


def _column(repeats: Iterable[Values], name: str) -> npt.NDArray[np.float64] | None:
    column = [values.get(name) for values in repeats]
    return None if None in column else np.array(column, dtype=np.float64)
