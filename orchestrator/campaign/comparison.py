"""Compares two campaigns: the change of each measure, with its confidence interval.

For each case that both have: the median in each campaign and their difference relative to the
first, with an interval by the percentile `bootstrap`. If both have the same number of repeats,
repeat n of one is drawn together with repeat n of the other. Pure functions.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from orchestrator.campaign.bootstrap import MIN_REPEATS, TAILS, draw
from orchestrator.campaign.verdict import is_forgivable
from orchestrator.measures.registry import MEASURES, full_name, key_of
from orchestrator.results.summary import CaseSummary, RunSummary, Summary

COMPARED = ("throughput", "response_time_p50", "response_time_p99", "cpu_time_per_message")
"""The measures that are compared by default."""

MORE_IS_BETTER = frozenset({
    "throughput", "acked", "sent", "connected", "workers_used", "fairness_connections",
    "fairness_messages",
})  # fmt: skip
"""For every other measure, less is better."""

_INVALID = "invalid as a measurement"
_Values = npt.NDArray[np.float64]


class Change(StrEnum):
    """How a measure changed, as far as the repeats of two campaigns show it."""

    REGRESSION = "regression"  # with confidence worse by more than the threshold
    IMPROVEMENT = "improvement"  # with confidence better by more than the threshold
    NONE = "no difference"  # with confidence none above the threshold
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class Difference:
    """One measure of one case in both campaigns.

    ``relative`` is (after - before) / before: 0.1 is ten percent more; it is infinite if before is
    0. ``low`` and ``high`` are the ends of its 95% interval, None if there is none; ``reason`` says
    why. If the change is unknown without a reason, the interval includes the threshold.
    """

    case: str
    measure: str
    before: float | None
    after: float | None
    relative: float | None = None
    low: float | None = None
    high: float | None = None
    change: Change = Change.UNKNOWN
    reason: str = ""


def differences(
    before: Summary,
    after: Summary,
    measures: Sequence[str],
    threshold: float,
    *,
    accept_invalid: bool = False,
) -> list[Difference]:
    """Return how ``after`` differs from ``before``, in the order of its cases.

    ``measures`` are names as in an expectation, also ``group.measure``; ``threshold`` is a share,
    0.05 for five percent. The change of an invalid case is unknown unless invalid cases are
    accepted; then the reason says so. A campaign compared with itself needs one repeat only.
    """
    first = {case.name: case for case in before.cases}
    fewest = 1 if before == after else MIN_REPEATS
    accepts = (accept_invalid or before.accepts_invalid, accept_invalid or after.accepts_invalid)
    return [
        _difference(_Pair(first[case.name], case, accepts, fewest), full_name(name), threshold)
        for case in after.cases
        if case.name in first
        for name in measures
    ]


def unmatched(before: Summary, after: Summary) -> list[str]:
    """Return the names of the cases that only one of the two has."""
    one, other = ({case.name: None for case in each.cases} for each in (before, after))
    return [*(n for n in one if n not in other), *(n for n in other if n not in one)]


@dataclass(frozen=True)
class _Pair:
    """A case in both campaigns; ``accepts``: whether each counts even if it is invalid.

    ``fewest`` is the number of repeats that each needs.
    """

    before: CaseSummary
    after: CaseSummary
    accepts: tuple[bool, bool]
    fewest: int

    def obstacle(self) -> str:
        """Return why the cases cannot be compared, empty if they can."""
        for case, which, accepted in self._sides():
            if case.invalid and not (accepted and is_forgivable(case)):
                return f"the {which} is {_INVALID}: {case.invalid[0]}"
            if len(case.runs) < self.fewest:
                return f"the {which} has too few repeats: {len(case.runs)} of {self.fewest}"
        return ""

    def remark(self) -> str:
        """Return why an accepted case is invalid, empty if both are valid."""
        for case, which, _ in self._sides():
            if case.invalid:
                return f"accepted, although the {which} is {_INVALID}: {case.invalid[0]}"
        return ""

    def _sides(self) -> Iterator[tuple[CaseSummary, str, bool]]:
        yield self.before, "first", self.accepts[0]
        yield self.after, "second", self.accepts[1]


def _difference(pair: _Pair, name: str, threshold: float) -> Difference:
    before, after = (_column(case.runs, name) for case in (pair.before, pair.after))
    difference = Difference(pair.after.name, name, _median(before), _median(after))
    if not (before.size and after.size):
        missing = f"{name} was not measured in the {'second' if before.size else 'first'}"
        return replace(difference, reason=pair.obstacle() or missing)
    relative = float(_relative(np.median(before), np.median(after)))
    difference = replace(difference, relative=relative)
    if reason := pair.obstacle():
        return replace(difference, reason=reason)
    low, high = _interval(before, after)
    return replace(
        difference,
        low=low,
        high=high,
        change=_change(name, low, high, threshold),
        reason=pair.remark(),
    )


def _median(column: _Values) -> float | None:
    return float(np.median(column)) if column.size else None


def _column(runs: Sequence[RunSummary], name: str) -> _Values:
    """Return the measure in each repeat, empty if one has none or only a lower bound."""
    group, _, measure = name.rpartition(".")
    key = MEASURES[measure].key
    if any(key_of(name) in run.lower_bounds for run in runs):
        return np.array([])
    column = [(run.groups.get(group, {}) if group else run.measures).get(key) for run in runs]
    return np.array([] if None in column else column, dtype=np.float64)


def _interval(before: _Values, after: _Values) -> tuple[float, float]:
    """Return the ends of the interval of the relative difference of the medians."""
    first = draw(len(before))
    second = first if len(before) == len(after) else draw(len(after), stream=1)
    resampled = _relative(np.median(before[first], axis=1), np.median(after[second], axis=1))
    low, high = np.quantile(resampled, TAILS, method="inverted_cdf")  # infinities have no mean
    return float(low), float(high)


def _relative(before: npt.ArrayLike, after: npt.ArrayLike) -> _Values:
    """Return the change as a share of ``before``; from 0 to any other value it is infinite."""
    before = np.asarray(before, np.float64)
    change = np.asarray(after, np.float64) - before
    infinite = np.copysign(math.inf, change)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(before == 0, infinite, change / np.abs(before))
    return np.where(change == 0, 0.0, share)


def _change(name: str, low: float, high: float, threshold: float) -> Change:
    more_is_better = name.rpartition(".")[2] in MORE_IS_BETTER
    least_worse, most_worse = (-high, -low) if more_is_better else (low, high)
    if least_worse > threshold:
        return Change.REGRESSION
    if most_worse < -threshold:
        return Change.IMPROVEMENT
    within = least_worse >= -threshold and most_worse <= threshold
    return Change.NONE if within else Change.UNKNOWN
