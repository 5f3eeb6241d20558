"""Compares two campaigns: the change of each measure, with its confidence interval.

For each case that both have: the median in each campaign and the difference relative to the first,
with an exact interval by `order_statistics`. If repeat n of one drew the same random numbers as
repeat n of the other, and others than its neighbours, the two are compared as a pair; otherwise
every repeat of one with every repeat of the other. Pure functions.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from orchestrator.campaign.conditions import Recorded
from orchestrator.campaign.order_statistics import (
    FALSE_ALARMS,
    Values,
    ends,
    holm,
    median_depth,
    paired_p,
    pairs_p,
    shift_depth,
)
from orchestrator.campaign.verdict import is_forgivable
from orchestrator.measures.expression import MIN_REPEATS
from orchestrator.measures.percentiles import split_percentile
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


Runs = Sequence[RunSummary]


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
    0. ``low`` and ``high`` are the ends of its interval, which contains the true value with
    probability ``coverage``; None if there is none. ``worse`` and ``better`` are the p-values of a
    change beyond the threshold, adjusted for all rows. ``reason`` says why the change is unknown,
    or accepted although a case is invalid.
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
    coverage: float | None = None
    worse: float = 1.0
    better: float = 1.0


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

    Of campaigns without any difference, at most `FALSE_ALARMS` have a regression or an improvement
    in any row, because the p-values are corrected for both directions of every row.
    """
    first = {case.name: case for case in before.cases}
    fewest = 1 if before == after else MIN_REPEATS
    accepts = (accept_invalid or before.accepts_invalid, accept_invalid or after.accepts_invalid)
    rows = [
        _difference(_Pair(first[case.name], case, accepts, fewest), full_name(name), threshold)
        for case in after.cases
        if case.name in first
        for name in measures
    ]
    told = [row for row in rows if row.low is not None]
    chances = holm([*(row.worse for row in told), *(row.better for row in told)])
    adjusted = zip(chances[: len(told)], chances[len(told) :], strict=True)
    return [row if row.low is None else _judged(row, *next(adjusted), threshold) for row in rows]


def withheld(rows: Sequence[Difference], reason: str) -> list[Difference]:
    """Return ``rows`` with their figures, but without a verdict, for ``reason``."""
    return [replace(row, change=Change.UNKNOWN, reason=reason) for row in rows]


def unmatched(before: Recorded, after: Recorded) -> list[str]:
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

    def clock_doubt(self, name: str, change: float) -> str:
        """Return why a ``change`` of the measure ``name`` is undecided by its error, else empty.

        The error is that of both cases, each between the clocks of its client and its server.
        """
        cases, key = (self.before, self.after), key_of(name)
        error = sum(max(run.errors.get(key, 0.0) for run in case.runs) for case in cases)
        return f"{name}: undecided within the error between the clocks" if error > change else ""

    def rounds(self) -> tuple[Runs, Runs] | None:
        """Return the repeats of both that drew the same numbers, side by side, None if too few.

        In each, no two repeats must have drawn the same. A repeat that does not count in one, as
        it was disturbed, is left out of both.
        """
        if self.before.runs == self.after.runs:
            return self.before.runs, self.after.runs
        cases = (self.before, self.after)
        first, second = ({run.seed: run for run in case.runs} for case in cases)
        shared = [seed for seed in first if seed is not None and seed in second]
        is_varied = all(len({run.seed for run in case.runs}) == len(case.runs) for case in cases)
        if not is_varied or len(shared) < max(self.fewest, 2):
            return None
        return [first[seed] for seed in shared], [second[seed] for seed in shared]

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
        which, case = ("second", pair.after) if before.size else ("first", pair.before)
        return replace(difference, reason=pair.obstacle() or _why_missing(name, case.runs, which))
    relative = float(_relative(np.median(before), np.median(after)))
    difference = replace(difference, relative=relative)
    if reason := pair.obstacle() or pair.clock_doubt(
        name, abs(np.median(after) - np.median(before))
    ):
        return replace(difference, reason=reason)
    if rounds := pair.rounds():
        first, second = (_column(runs, name) for runs in rounds)
        found = _paired(difference, first, second, threshold)
    else:
        found = _unpaired(difference, before, after, threshold)
    return replace(found, reason=pair.remark())


def _why_missing(name: str, runs: Runs, which: str) -> str:
    """Return why the measure ``name`` has no value in ``runs``, of the first or the second."""
    group = name.rpartition(".")[0]
    if group and not any(group in run.groups for run in runs):
        hint = "a single group's measures are those of the case, without its name"
        return f"{name}: the {which} has no figures of {group!r}; {hint}"
    if any(key_of(name) in run.lower_bounds for run in runs):
        return f"{name} of the {which} is a lower bound only, since messages have no answer"
    more = "; it needs more messages" if split_percentile(name) else ""
    return f"{name} is not known in every repeat of the {which}{more}"


def _paired(row: Difference, before: Values, after: Values, threshold: float) -> Difference:
    """Return ``row`` with what the differences of each repeat say."""
    changes = _relative(before, after)
    depth, coverage = median_depth(len(changes))
    return _with_evidence(row, (*ends(changes, depth), coverage), (changes, threshold), paired_p)


def _unpaired(row: Difference, before: Values, after: Values, threshold: float) -> Difference:
    """Return ``row`` with what the differences of all pairs of repeats say."""
    changes = _relative(before[:, np.newaxis], after)
    depth, coverage = shift_depth(*changes.shape)
    return _with_evidence(row, (*ends(changes, depth), coverage), (changes, threshold), pairs_p)


def _with_evidence(
    row: Difference,
    interval: tuple[float, float, float],
    found: tuple[Values, float],
    p_value: Callable[[Values], float],
) -> Difference:
    low, high, coverage = interval
    more, less = (p_value(values) for values in _beyond(*found))
    worse, better = (less, more) if _more_is_better(row.measure) else (more, less)
    return replace(row, low=low, high=high, coverage=coverage, worse=worse, better=better)


def _beyond(changes: Values, threshold: float) -> tuple[Values, Values]:
    """Return how far each change is above the threshold, and how far below minus the threshold.

    As logarithms of the ratios, if there is one of each: those of two equal versions are symmetric
    around 0, as the test of pairs assumes, while ratios are not.
    """
    if not (np.isfinite(changes).all() and (changes > -1).all()):
        return changes - threshold, -threshold - changes
    with np.errstate(divide="ignore"):  # less by more than all of it is impossible
        least = np.log1p(max(-threshold, -1.0))
    logs = np.log1p(changes)
    return logs - np.log1p(threshold), least - logs


def _judged(row: Difference, worse: float, better: float, threshold: float) -> Difference:
    """Return ``row`` with its adjusted p-values, and how the measure changed by them."""
    row = replace(row, worse=worse, better=better)
    change, doubt = _change(row, threshold)
    return replace(row, change=change, reason="; ".join(filter(None, (row.reason, doubt))))


def _median(column: Values) -> float | None:
    return float(np.median(column)) if column.size else None


def _column(runs: Runs, name: str) -> Values:
    """Return the measure in each repeat, empty if one has none or only a lower bound."""
    group, _, measure = name.rpartition(".")
    key = MEASURES[measure].key
    if any(key_of(name) in run.lower_bounds for run in runs):
        return np.array([])
    column = [(run.groups.get(group, {}) if group else run.measures).get(key) for run in runs]
    return np.array([] if None in column else column, dtype=np.float64)


def _relative(before: npt.ArrayLike, after: npt.ArrayLike) -> Values:
    """Return the change as a share of ``before``; from 0 to any other value it is infinite."""
    before = np.asarray(before, np.float64)
    change = np.asarray(after, np.float64) - before
    infinite = np.copysign(math.inf, change)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(before == 0, infinite, change / np.abs(before))
    return np.where(change == 0, 0.0, share)


def _change(row: Difference, threshold: float) -> tuple[Change, str]:
    """Return how the measure changed, and if that is unknown, why."""
    low, high = row.low or 0.0, row.high or 0.0
    least_worse, most_worse = (-high, -low) if _more_is_better(row.measure) else (low, high)
    if max(-least_worse, most_worse) <= threshold:
        return Change.NONE, ""
    is_beyond = least_worse > threshold or most_worse < -threshold
    if not is_beyond:
        return Change.UNKNOWN, f"{row.measure}: the interval contains the threshold"
    if least_worse > threshold and row.worse <= FALSE_ALARMS:
        return Change.REGRESSION, ""
    if most_worse < -threshold and row.better <= FALSE_ALARMS:
        return Change.IMPROVEMENT, ""
    return Change.UNKNOWN, f"{row.measure}: too few repeats for so many rows"


def _more_is_better(measure: str) -> bool:
    return measure.rpartition(".")[2] in MORE_IS_BETTER
