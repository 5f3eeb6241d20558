"""Whether the objectives hold at a load: a test after each trial, until it is decided.

A group-sequential test. A load near the capacity needs all trials, so the boundaries are those of
O'Brien and Fleming (1979, "A Multiple Testing Procedure for Clinical Trials"): early looks need
much more evidence than the last, so that looking often costs nearly nothing. A quick test is meant
for loads far from it, which few trials are to decide, so its boundary is that of Pocock (1977,
"Group Sequential Methods in the Design and Analysis of Clinical Trials"): each look needs the same
evidence. Pure functions of trials.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist, median

import numpy as np

from orchestrator.campaign.order_statistics import student_tail
from orchestrator.capacity.exceedances import (
    MAX_SCORE,
    Estimate,
    Evidence,
    estimate,
)
from orchestrator.capacity.long_run import LongRun
from orchestrator.capacity.objectives import Objective
from orchestrator.capacity.trial import Trial
from orchestrator.results.capacity import ObjectiveFigures, Verdict

HOPELESS = 0.2
"""A quick test ends as undecided if its chance to be decided is smaller, should things go on so."""

GRID = 200
"""Steps per unit of the random walk whose boundary is computed."""


@dataclass(frozen=True)
class LoadTest:
    """How a load is classified; ``confidence`` is that of both bounds of a case together.

    An error of 1 - ``confidence`` is allowed at each load. Only a load next to the capacity is
    likely to be judged wrongly, and to one side only, and the lower bound is confirmed; so both
    bounds together are right as often, in simulated searches.

    ``is_quick``: the bounds may be far apart, so a load near the capacity is given up early.
    """

    confidence: float
    max_trials: int = 9
    min_trials: int = 3
    is_quick: bool = False

    def boundary(self, trials: int) -> float:
        """Return the score, without its sign, that decides after so many trials."""
        looks = (self.min_trials, self.max_trials)
        return _boundaries(1 - self.confidence, looks, is_flat=self.is_quick)[trials]


@dataclass(frozen=True)
class Classified:
    """The verdict on a load; None if another trial is needed. ``reason`` is a short sentence."""

    verdict: Verdict | None
    reason: str
    figures: list[ObjectiveFigures]


@dataclass(frozen=True)
class _Judged:
    """One objective: ``score`` is normal if its limit is just met; negative if it seems to hold."""

    score: float
    reason: str
    figures: ObjectiveFigures


def classify(
    objectives: Sequence[Objective],
    trials: Sequence[Trial],
    test: LoadTest,
    long_run: LongRun | None,
) -> Classified:
    """Return whether all ``objectives`` hold at the load of the valid ``trials``.

    ``long_run`` is that of the twin at this load, None if there is none.
    """
    if not trials:
        return Classified(None, "no valid trial yet", [])
    broken = next((trial.broken for trial in trials if trial.broken), "")
    if broken and not _have_messages(trials):  # aborted as soon as the warm-up was over
        return Classified(Verdict.FAILS, broken, [])
    judged = [_judge(objective, trials, test, long_run) for objective in objectives]
    figures = [each.figures for each in judged]
    if broken:
        return Classified(Verdict.FAILS, broken, figures)
    verdict, decisive = _verdict(judged, len(trials), test)
    return Classified(verdict, decisive.reason, figures)


def _have_messages(trials: Sequence[Trial]) -> bool:
    """Return whether each objective of a percentile has messages to judge."""
    return all(
        any(len(trial.lateness[text].late) for trial in trials) for text in trials[0].lateness
    )


def _verdict(
    judged: Sequence[_Judged], trials: int, test: LoadTest
) -> tuple[Verdict | None, _Judged]:
    """Return the verdict, and the objective that decides it: the one that is furthest from it."""
    worst = max(judged, key=lambda each: each.score)
    if math.isinf(worst.score):
        return Verdict.FAILS, worst
    if trials < test.min_trials:
        return None, worst
    boundary = test.boundary(trials)
    if worst.score >= boundary:
        return Verdict.FAILS, worst
    if worst.score <= -boundary:
        return Verdict.HOLDS, worst
    if trials >= test.max_trials or (test.is_quick and _is_hopeless(worst.score, trials, test)):
        return Verdict.UNDECIDED, worst
    return None, worst


def _is_hopeless(score: float, trials: int, test: LoadTest) -> bool:
    """Whether the last look will probably not decide if the score grows as it did until now."""
    done = trials / test.max_trials
    expected, left = abs(score) / math.sqrt(done), math.sqrt(1 - done)
    chance = NormalDist().cdf((expected - test.boundary(test.max_trials)) / left)
    return chance < HOPELESS


def _judge(
    objective: Objective, trials: Sequence[Trial], test: LoadTest, long_run: LongRun | None
) -> _Judged:
    if objective.percentile is None:
        return _judge_values(objective, trials)
    utilizations = [each.utilization for each in trials if each.utilization is not None]
    twin = None if long_run is None else long_run.shares.get(objective.text)
    evidence = Evidence(
        objective.percentile.allowed, twin, median(utilizations) if utilizations else None
    )
    found = estimate([trial.lateness[objective.text] for trial in trials], evidence)
    low, high = found.interval(test.confidence)
    figures = ObjectiveFigures(
        objective=objective.text,
        value=None,
        late_share=max(found.share, 0.0),
        allowed_share=found.allowed,
        late_share_low=low,
        late_share_high=high,
    )
    return _Judged(found.score, _late_sentence(objective, found), figures)


def _late_sentence(objective: Objective, found: Estimate) -> str:
    assert objective.percentile is not None  # noqa: S101 only such objectives have late messages
    seen = found.late / found.messages
    corrected = f", {_percent(found.share)} in the long run by the twin," * found.is_controlled
    return (
        f"{_percent(seen)} of {found.messages:,} messages{corrected} were later than "
        f"{objective.percentile.limit}; {_percent(found.allowed)} may be"
    )


def _percent(share: float) -> str:
    return f"{max(share, 0.0) * 100:.3g}%"


def _judge_values(objective: Objective, trials: Sequence[Trial]) -> _Judged:
    """Judge an objective by its margins: Student's test of their mean."""
    figures = ObjectiveFigures(objective=objective.text, value=None)
    margins = [trial.margins.get(objective.text) for trial in trials]
    known = [margin for margin in margins if margin is not None]
    if objective.is_exact and (broken := sum(margin > 0 for margin in known)):
        return _Judged(
            math.inf, f"{objective.text} did not hold in {broken} of {len(trials)} trials", figures
        )
    if len(known) < len(trials):
        missing = (
            f"{objective.text}: no value in {len(trials) - len(known)} of {len(trials)} trials"
        )
        return _Judged(0.0, missing, figures)
    mean = float(np.mean(known))
    side = "above" if mean > 0 else "below"
    reason = f"{objective.text}: {abs(mean):.2g} of the limit {side} it, the mean of {len(known)}"
    return _Judged(_student_score(known), reason, figures)


def _student_score(margins: Sequence[float]) -> float:
    """Return the normal quantile of the probability of so small a mean if the true one is 0."""
    mean = float(np.mean(margins))
    spread = float(np.std(margins, ddof=1)) if len(margins) > 1 else math.inf
    if spread <= abs(mean) * 1e-9:
        return math.copysign(MAX_SCORE, mean)
    if math.isinf(spread):
        return 0.0
    tail = student_tail(mean / (spread / math.sqrt(len(margins))), len(margins) - 1)
    return -NormalDist().inv_cdf(min(max(tail, 1e-15), 1 - 1e-15))


@cache
def _boundaries(share: float, looks: tuple[int, int], *, is_flat: bool) -> dict[int, float]:
    """Return the score that each look from the first to the last of ``looks`` needs.

    The chance is ``share`` that the score crosses its boundary on one side at any look. The
    boundary is the same at each if ``is_flat`` (Pocock), else it falls with the root of the look's
    number (O'Brien and Fleming).
    """
    first, last = looks
    shape = {look: 1.0 if is_flat else math.sqrt(last / look) for look in range(first, last + 1)}
    low, high = 0.0, 6.0
    while high - low > 1e-3:  # noqa: PLR2004 more exact than any variance here
        middle = (low + high) / 2
        if _crossing({look: middle * each for look, each in shape.items()}) > share:
            low = middle
        else:
            high = middle
    return {look: high * each for look, each in shape.items()}


def _crossing(boundaries: Mapping[int, float]) -> float:
    """Return the chance that a walk of normal steps is above its boundary at any look.

    The boundary of a look is in standard deviations of the sum of its steps.
    """
    last = max(boundaries)
    edge = 6 * math.sqrt(last)
    at = np.linspace(-edge, edge, 2 * GRID + 1)
    width = at[1] - at[0]
    step = np.exp(-(at**2) / 2) / math.sqrt(2 * math.pi) * width
    density, crossed = step, 0.0
    for look in range(1, last + 1):
        if look > 1:
            density = np.convolve(density, step, "same")
        if look in boundaries:
            # The cell in which the boundary is counts by its part beyond.
            boundary = boundaries[look] * math.sqrt(look)
            beyond = np.clip((at - boundary) / width + 0.5, 0.0, 1.0)
            crossed += float((density * beyond).sum())
            density = density * (1 - beyond)
    return crossed
