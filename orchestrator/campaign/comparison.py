"""Whether one campaign did worse than another, measure by measure, and how surely.

Of each case that both have: the medians of both and their difference relative to the first, with an
interval by the percentile bootstrap of `repeats`. Repeat n of one is drawn together with repeat n
of the other where both have as many, else each for itself. Values in, values out.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from orchestrator.campaign.bootstrap import CONFIDENCE, MIN_REPEATS, draw
from orchestrator.measures.registry import MEASURES, full_name
from orchestrator.results.summary import CaseSummary, RunSummary, Summary

COMPARED = ("throughput", "response_time_p50", "response_time_p99", "cpu_time_per_message")
"""What is compared where nobody says what."""

MORE_IS_BETTER = frozenset({
    "throughput", "acked", "sent", "connected", "workers_used", "fairness_connections",
    "fairness_messages",
})  # fmt: skip
"""Of every other measure less is better."""

_INVALID = "invalid as a measurement"
_Values = npt.NDArray[np.float64]


class Change(StrEnum):
    """What the repeats of two campaigns bear out of one measure."""

    REGRESSION = "regression"  # surely worse by more than the threshold
    IMPROVEMENT = "improvement"  # surely better by more than the threshold
    NONE = "no difference"  # surely none that is larger than the threshold
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class Difference:
    """One measure of one case in both campaigns.

    ``relative`` is after less before, over before: 0.1 is ten percent more; infinite where before
    is 0. ``low`` and ``high`` are the ends of its 95% interval, None where no interval can be told;
    ``reason`` says why. Without a reason, the interval reaches across the threshold.
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

    ``measures`` are names as in an expectation, ``group.measure`` too; ``threshold`` is a share,
    0.05 for five percent. What is invalid as a measurement tells nothing, unless that is accepted;
    then the reason says so. A campaign does not differ from itself, however few its repeats.
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
    """A case in both campaigns; ``accepts`` is whether each counts though it is invalid.

    ``fewest`` is how many repeats it takes to tell anything.
    """

    before: CaseSummary
    after: CaseSummary
    accepts: tuple[bool, bool]
    fewest: int

    def doubt(self) -> str:
        """Return why nothing can be told, empty if nothing keeps us from it."""
        for case, which, accepted in self._sides():
            if case.invalid and not accepted:
                return f"the {which} is {_INVALID}: {case.invalid[0]}"
            if len(case.runs) < self.fewest:
                return f"the {which} has too few repeats, {len(case.runs)}; it takes {self.fewest}"
        return ""

    def remark(self) -> str:
        """Return what was accepted and must be known of whatever is told, empty if nothing."""
        for case, which, _ in self._sides():
            if case.invalid:
                return f"accepted, although the {which} is {_INVALID}: {case.invalid[0]}"
        return ""

    def _sides(self) -> Iterator[tuple[CaseSummary, str, bool]]:
        yield self.before, "first", self.accepts[0]
        yield self.after, "second", self.accepts[1]


def _difference(pair: _Pair, name: str, threshold: float) -> Difference:
    ours, theirs = (_column(case.runs, name) for case in (pair.before, pair.after))
    untold = Difference(pair.after.name, name, _median(ours), _median(theirs))
    if reason := _lack(ours, theirs, name):
        return replace(untold, reason=pair.doubt() or reason)
    untold = replace(untold, relative=float(_relative(np.median(ours), np.median(theirs))))
    if reason := pair.doubt():
        return replace(untold, reason=reason)
    low, high = _interval(ours, theirs)
    return replace(
        untold,
        low=low,
        high=high,
        change=_change(name, low, high, threshold),
        reason=pair.remark(),
    )


def _median(column: _Values) -> float | None:
    return float(np.median(column)) if column.size else None


def _column(runs: Sequence[RunSummary], name: str) -> _Values:
    """Return the measure in each repeat; nothing where one of them has none."""
    group, _, measure = name.rpartition(".")
    key = MEASURES[measure].key
    column = [(run.groups.get(group, {}) if group else run.measures).get(key) for run in runs]
    return np.array([] if None in column else column, dtype=np.float64)


def _lack(ours: _Values, theirs: _Values, name: str) -> str:
    if ours.size and theirs.size:
        return ""
    return f"{name} was not measured in the {'second' if ours.size else 'first'}"


def _interval(ours: _Values, theirs: _Values) -> tuple[float, float]:
    """Return the ends of the interval of the relative difference of the medians."""
    first = draw(len(ours))
    second = first if len(ours) == len(theirs) else draw(len(theirs), stream=1)
    resampled = _relative(np.median(ours[first], axis=1), np.median(theirs[second], axis=1))
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    low, high = np.quantile(resampled, tails, method="inverted_cdf")  # of inf, no mean
    return float(low), float(high)


def _relative(before: npt.ArrayLike, after: npt.ArrayLike) -> _Values:
    """Return by what share of ``before`` it changed; from 0 to anything else is infinitely much."""
    before = np.asarray(before, np.float64)
    change = np.asarray(after, np.float64) - before
    endless = np.copysign(math.inf, change)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(before == 0, endless, change / np.abs(before))
    return np.where(change == 0, 0.0, found)


def _change(name: str, low: float, high: float, threshold: float) -> Change:
    more_is_better = name.rpartition(".")[2] in MORE_IS_BETTER
    least_worse, most_worse = (-high, -low) if more_is_better else (low, high)
    if least_worse > threshold:
        return Change.REGRESSION
    if most_worse < -threshold:
        return Change.IMPROVEMENT
    within = least_worse >= -threshold and most_worse <= threshold
    return Change.NONE if within else Change.UNKNOWN
