"""The share of late messages at a load, over its trials, and how far it is from what is allowed.

Two things make late messages hard to count. They come in clumps, as the waits of neighbours depend
on each other; so the variance of their number is that of independent messages times a dispersion.
And few are seen; so the twin, simulated with the draws of each trial, serves as control variate:
the share is that of a long run of the twin, plus the mean difference between trials and twin.
Pure functions of flags.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from orchestrator.capacity.long_run import Share
from orchestrator.capacity.trial import Lateness

UNKNOWN_DISPERSION = 20.0
"""If nothing is known of the queue."""

MAX_DISPERSION = 1_000.0
"""A trial's messages are about 2,000; more than half of them in one clump says no more."""

PRIOR_CLUMPS = 4.0
"""As many clumps count the theory of a queue, beside those seen in the twin or in trials."""

BATCHES_PER_TRIAL = 4
"""A batch must be longer than a clump, of which the longest have hundreds of messages."""

PRIOR_DISCORD = 0.4
"""The discord of one clump that is assumed beside those seen: a twin that is right by half."""

MAX_CLUMPS = 500
"""Of more, the number of late messages is about normal."""

MAX_SCORE = 8.0

Counts = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """What is known of an objective at a load besides its trials.

    ``twin`` is the share in a long run of its twin, None if there is none; ``utilization`` the
    measured share of the workers' time, None if it is not known.
    """

    allowed: float
    twin: Share | None = None
    utilization: float | None = None


@dataclass(frozen=True)
class Estimate:
    """The share of late messages at a load.

    ``error`` is the standard error that it would have if the share were just what is allowed.
    ``late`` of ``messages`` were counted. ``is_controlled``: the twin served as control variate.
    """

    share: float
    error: float
    allowed: float
    late: int
    messages: int
    is_controlled: bool = False

    @property
    def score(self) -> float:
        """How many standard deviations the share is above what is allowed; negative below.

        The number of late messages is taken as that of clumps, Poisson, whose sizes are
        exponential: it is skewed, and if few clumps are expected, none is no evidence. The result
        is the normal quantile of its probability.
        """
        clumps = 2 * (self.allowed / self.error) ** 2
        if clumps > MAX_CLUMPS:
            return _bounded((self.share - self.allowed) / self.error)
        below = _clumped_tail(clumps, clumps * max(self.share, 0.0) / self.allowed)
        return _bounded(NormalDist().inv_cdf(min(max(below, 1e-15), 1 - 1e-15)))

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the ends of an interval around the share, for the reader; the test is `score`."""
        scale = math.sqrt(max(self.share / self.allowed, (self.error / self.allowed) ** 2))
        half = NormalDist().inv_cdf((1 + confidence) / 2) * self.error * scale
        return max(self.share - half, 0.0), min(self.share + half, 1.0)


def estimate(trials: Sequence[Lateness], evidence: Evidence) -> Estimate:
    """Return the share over ``trials``, with the twin as control variate if that is more exact."""
    late = np.concatenate([trial.late for trial in trials])
    messages, allowed = len(late), evidence.allowed
    dispersion = dispersion_of(trials, evidence)
    independent = allowed * (1 - allowed) / messages
    raw = Estimate(
        float(late.mean()),
        math.sqrt(independent * dispersion),
        allowed,
        int(late.sum()),
        messages,
    )
    flags = [trial.predicted for trial in trials if trial.predicted is not None]
    if evidence.twin is None or len(flags) < len(trials):
        return raw
    predicted = np.concatenate(flags)
    discord = _discord(late, predicted, dispersion)
    of_trials = 2 * independent * discord * (1 + discord * dispersion)
    of_twin = allowed * (1 - allowed) * dispersion / evidence.twin.messages
    error = math.sqrt(of_trials + of_twin)
    if error >= raw.error:
        return raw
    # In a queue that only grows, the twin's long run has more late messages than any trial.
    share = min(raw.share - float(predicted.mean()) + evidence.twin.share, 1.0)
    return Estimate(share, error, allowed, raw.late, messages, is_controlled=True)


def _discord(
    late: npt.NDArray[np.bool_], predicted: npt.NDArray[np.bool_], dispersion: float
) -> float:
    """Return the share of flags, of those set, that measurement and twin do not have in common.

    The differences come in clumps as well, which are that share of the late ones; simulated queues
    have a dispersion of differences of 1 + discord * dispersion.
    """
    differing = float(np.count_nonzero(late != predicted))
    flagged = float(np.count_nonzero(late) + np.count_nonzero(predicted))
    return (differing + PRIOR_DISCORD * dispersion) / (flagged + dispersion)


def dispersion_of(trials: Sequence[Lateness], evidence: Evidence) -> float:
    """Return the dispersion of late messages: what theory and twin say, more if trials show more.

    Each counts by the number of clumps that it has seen.
    """
    known = [(PRIOR_CLUMPS, _dispersion_of_queue(evidence.utilization))]
    if (twin := evidence.twin) is not None:
        known.append((twin.share * twin.messages / twin.dispersion, twin.dispersion))
    theory = _mean(known)
    measured = _dispersion_of_batches([trial.late for trial in trials])
    late = sum(int(trial.late.sum()) for trial in trials)
    return min(max(theory, _mean([*known, (late / measured, measured)])), MAX_DISPERSION)


def _mean(known: Sequence[tuple[float, float]]) -> float:
    return sum(weight * value for weight, value in known) / sum(weight for weight, _ in known)


def _dispersion_of_queue(utilization: float | None) -> float:
    """Return the dispersion of long waits in a queue of random arrivals and demands.

    The time of reflected Brownian motion above a high level, per excursion (Asmussen 2003, "Applied
    Probability and Queues", XIII), with the variance of exponential demands: 4 rho² / (1 - rho)²;
    the first term is for few workers, whose late messages are late by their own demand.
    """
    if utilization is None or not 0 <= utilization < 1:
        return UNKNOWN_DISPERSION
    idle = max(1 - utilization, 1e-3)
    return min(max(2.0, 4 * utilization**2) / idle**2, MAX_DISPERSION)


def _dispersion_of_batches(trials: Sequence[npt.NDArray[np.bool_]]) -> float:
    """Return the variance of batch sums over that of independent messages, 1 at least."""
    sums: list[float] = []
    for late in trials:
        size = max(len(late) // BATCHES_PER_TRIAL, 1)
        sums += late[: len(late) // size * size].reshape(-1, size).sum(axis=1).tolist()
    share = float(np.concatenate(trials).mean())
    independent = share * (1 - share) * (len(trials[0]) // BATCHES_PER_TRIAL)
    if not independent or len(sums) < 2:  # noqa: PLR2004 one value has no variance
        return 1.0
    return max(float(np.var(sums, ddof=1)) / independent, 1.0)


def _clumped_tail(expected: float, seen: float) -> float:
    """Return P(X <= x) of Poisson many exponential sizes, in units of the mean size.

    X <= x if and only if at least as many points as there are clumps, of a Poisson process of unit
    rate, are before x: P(N <= M) with N ~ Poisson(``expected``), M ~ Poisson(``seen``).
    """
    most = int(max(expected, seen) + 12 * math.sqrt(max(expected, seen)) + 20)
    return float((_poisson(expected, most).cumsum() * _poisson(seen, most)).sum())


def _poisson(mean: float, most: int) -> Counts:
    """Return the probabilities of 0 to ``most``."""
    if mean <= 0:
        return np.array([1.0, *[0.0] * most])
    numbers = np.arange(most + 1, dtype=np.float64)
    factorials = np.concatenate([[0.0], np.cumsum(np.log(numbers[1:]))])
    chances: Counts = np.exp(numbers * math.log(mean) - mean - factorials)
    return chances


def _bounded(score: float) -> float:
    return max(min(score, MAX_SCORE), -MAX_SCORE)
