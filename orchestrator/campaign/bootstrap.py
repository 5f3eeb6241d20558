"""Statistics of the repeats of a run: medians, confidence intervals, confidence, ranks.

By the percentile bootstrap (Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter
13): repeats are drawn many times with replacement. Repeat n of one model is always drawn together
with repeat n of another, because they ran in the same round and share the disturbances of the host.
The seed is fixed, so that the same runs give the same verdict.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from orchestrator.measures.bounds import AtLeast, Values, at_the_far_end
from orchestrator.measures.expression import Expression

MIN_REPEATS = 5
"""With fewer repeats, a 95% interval is as wide as from the smallest to the largest value."""

RESAMPLES = 2_000
CONFIDENCE = 0.95
TAILS = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)
_SEED = 1

_Draws = npt.NDArray[np.intp]


def medians(repeats: Sequence[Values]) -> dict[str, float | None]:
    """Return the median of each value over ``repeats``, None if a repeat has no value.

    It is a lower bound if those of the repeats could increase it.
    """
    far = [at_the_far_end(values) for values in repeats]
    result: dict[str, float | None] = {}
    for name in dict.fromkeys(name for values in repeats for name in values):
        column, highest = _column(repeats, name), _column(far, name)
        if column is None or highest is None:
            result[name] = None
            continue
        median = float(np.median(column))
        result[name] = median if median == float(np.median(highest)) else AtLeast(median)
    return result


def intervals(repeats: Sequence[Values]) -> dict[str, tuple[float, float]]:
    """Return the 95% confidence interval of each median; none with fewer than `MIN_REPEATS`."""
    result: dict[str, tuple[float, float]] = {}
    if len(repeats) < MIN_REPEATS:
        return result
    draws = draw(len(repeats))
    for name in repeats[0]:
        column = _column(repeats, name)
        if column is not None:
            low, high = np.quantile(np.median(column[draws], axis=1), TAILS)
            result[name] = (float(low), float(high))
    return result


def share_of_resamples(expression: Expression, repeats: Sequence[Values]) -> float | None:
    """Return the share of resamples for whose medians ``expression`` holds.

    None if a value that it names is missing.
    """
    columns = {name: _column(repeats, name) for name in expression.value_names}
    draws = draw(len(repeats))
    resampled = {
        name: np.median(column[draws], axis=1).tolist()
        for name, column in columns.items()
        if column is not None
    }
    rows = zip(*resampled.values(), strict=True) if resampled else iter([()] * RESAMPLES)
    held = [expression.evaluate(dict(zip(resampled, row, strict=True))).passed for row in rows]
    return None if None in held else sum(map(bool, held)) / len(held)


def rank(columns: Mapping[str, Sequence[float]], *, least_first: bool) -> list[list[str]]:
    """Return the names of ``columns``, which hold a value for each repeat, as ranks, best first.

    A name shares a rank if it does not differ from the first of that rank with confidence.
    """
    order = sorted(columns, key=lambda name: float(np.median(columns[name])))
    ranks: list[list[str]] = []
    for name in order if least_first else reversed(order):
        if ranks and not _differ(columns[ranks[-1][0]], columns[name]):
            ranks[-1].append(name)
        else:
            ranks.append([name])
    return ranks


def _differ(first: Sequence[float], second: Sequence[float]) -> bool:
    """Return whether the interval of the median of the paired differences excludes 0."""
    differences = np.array(first) - np.array(second)
    resampled = np.median(differences[draw(len(differences))], axis=1)
    low, high = np.quantile(resampled, TAILS)
    return bool(low > 0 or high < 0)


def draw(repeats: int, stream: int = 0) -> _Draws:
    """Return the numbers of the repeats in each resample, a row each; each stream is fixed."""
    return np.random.default_rng([_SEED, stream]).integers(repeats, size=(RESAMPLES, repeats))


def _column(repeats: Iterable[Values], name: str) -> npt.NDArray[np.float64] | None:
    column = [values.get(name) for values in repeats]
    return None if None in column else np.array(column, dtype=np.float64)
