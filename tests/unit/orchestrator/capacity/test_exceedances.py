"""The share of late messages; queues of known capacity are in `tests.queue_fixtures`."""

import math

import numpy as np
import numpy.typing as npt
import pytest

from orchestrator.capacity.exceedances import Estimate, Evidence, dispersion_of, estimate
from orchestrator.capacity.long_run import Share
from orchestrator.capacity.trial import Lateness
from tests.queue_fixtures import OBJECTIVE, Queue

ALLOWED = 0.01
IDLE = Evidence(ALLOWED, None, 0.1)


def flags(late: int, of: int = 2_000) -> npt.NDArray[np.bool_]:
    """Return so many late messages, evenly among all."""
    found = np.zeros(of, np.bool_)
    found[np.linspace(0, of - 1, late).astype(int)] = late > 0
    return found


def test_without_a_twin_the_share_is_the_counted_one() -> None:
    found = estimate([Lateness(flags(10)), Lateness(flags(30))], IDLE)
    assert (found.share, found.late, found.messages) == (0.01, 40, 4_000)
    assert not found.is_controlled
    assert found.score == pytest.approx(0, abs=0.2)


def test_the_score_grows_with_the_share() -> None:
    scores = [estimate([Lateness(flags(late))] * 3, IDLE).score for late in (0, 10, 20, 40, 80)]
    assert scores == sorted(scores)
    assert scores[0] < -2.5 < 2.5 < scores[-1]


def test_no_late_message_is_no_evidence_if_few_clumps_are_expected() -> None:
    busy = Evidence(ALLOWED, None, 0.9)
    assert estimate([Lateness(flags(0))] * 3, busy).score > -1


def test_clumps_raise_the_dispersion() -> None:
    clump = np.zeros(2_000, np.bool_)
    clump[:200] = True
    spread = dispersion_of([Lateness(flags(200))] * 3, IDLE)
    assert dispersion_of([Lateness(clump)] * 3, IDLE) > 5 * spread


def test_the_theory_of_queues_grows_with_the_utilization() -> None:
    found = [
        dispersion_of([Lateness(flags(0))], Evidence(ALLOWED, None, utilization))
        for utilization in (0.5, 0.8, 0.9, 0.99)
    ]
    assert found == sorted(found)
    assert found[0] == pytest.approx(8)


def test_a_twin_that_agrees_corrects_a_lucky_draw() -> None:
    """Trial and twin have the same few late messages; the twin's long run has three times more."""
    few = Lateness(flags(10), flags(10))
    found = estimate([few] * 3, Evidence(ALLOWED, Share(0.015, 9.0, 400_000), 0.5))
    assert found.is_controlled
    assert found.share == pytest.approx(0.015)


def test_a_twin_that_disagrees_is_not_used() -> None:
    late, other = flags(40), np.roll(flags(40), 7)
    found = estimate([Lateness(late, other)] * 3, Evidence(ALLOWED, Share(0.02, 9.0, 400_000), 0.5))
    assert not found.is_controlled


def test_no_more_than_all_messages_are_late() -> None:
    """In a queue that only grows, a short trial has fewer late messages than the long run."""
    numbers = np.arange(2_000)
    most = Lateness(numbers >= 500, numbers >= 600)
    found = estimate([most] * 3, Evidence(ALLOWED, Share(1.0, 1_000.0, 400_000), 1.0))
    assert found.is_controlled
    assert found.share == 1.0
    assert found.interval(0.9)[0] <= 1.0


def test_a_trial_without_a_prediction_makes_the_twin_useless() -> None:
    twin = Share(0.01, 9.0, 400_000)
    trials = [Lateness(flags(20), flags(20)), Lateness(flags(20))]
    assert not estimate(trials, Evidence(ALLOWED, twin, 0.5)).is_controlled


@pytest.mark.parametrize("share", [0.0, 0.004, 0.01, 0.2])
def test_the_interval_contains_the_share(share: float) -> None:
    low, high = Estimate(share, 0.003, ALLOWED, 1, 100).interval(0.95)
    assert 0 <= low <= share < high <= 1


@pytest.mark.parametrize("clumps", [5.0, 20.0, 100.0, 499.0])
def test_the_score_is_near_normal_where_clumps_are_many(clumps: float) -> None:
    """At the mean of a skewed number the probability is above one half."""
    error = ALLOWED * math.sqrt(2 / clumps)
    assert Estimate(ALLOWED, error, ALLOWED, 1, 1).score == pytest.approx(
        0, abs=1 / math.sqrt(clumps)
    )
    assert Estimate(ALLOWED + 2 * error, error, ALLOWED, 1, 1).score == pytest.approx(2, abs=0.45)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 5])
def test_the_twin_as_control_variate_is_unbiased(workers: int) -> None:
    """Its demands are 5% too short, so at the capacity its own share is far below the allowed."""
    queue = Queue(workers, noise=0.05, bias=0.05)
    long_run = queue.long_run(queue.capacity, 400_000)
    assert long_run is not None
    twin = long_run.shares[OBJECTIVE]
    differences = []
    for seed in range(100):
        trial = queue.trial(queue.capacity, seed).lateness[OBJECTIVE]
        assert trial.predicted is not None
        differences.append(float(trial.late.mean() - trial.predicted.mean()))
    error = math.hypot(float(np.std(differences)) / 10, twin.error)
    assert twin.share + float(np.mean(differences)) == pytest.approx(ALLOWED, abs=3 * error)
    assert twin.share < 0.8 * ALLOWED
