"""The verdict on a load; queues of known capacity are in `tests.queue_fixtures`."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from orchestrator.capacity.classify import Classified, LoadTest, classify
from orchestrator.capacity.long_run import LongRun
from orchestrator.capacity.objectives import Objective, parse_objectives
from orchestrator.capacity.trial import Lateness, Trial
from orchestrator.results.capacity import Verdict
from tests.queue_fixtures import OBJECTIVE, Queue

TEST = LoadTest(0.95)
OF_QUEUE = parse_objectives([OBJECTIVE])
MEAN = "response_time_mean < 20ms"


def by_margins(text: str, margins: Sequence[float | None]) -> Classified:
    """Return the verdict on a load whose trials have these margins of one objective."""
    trials = [Trial(100.0, seed, margins={text: each}) for seed, each in enumerate(margins)]
    return classify(parse_objectives([text]), trials, TEST, None)


def verdict_of_queue(
    queue: Queue, load: float, seed: int, long_run: LongRun | None, test: LoadTest = TEST
) -> tuple[Classified, int]:
    """Return the verdict on a load of ``queue``, and how many trials it took."""
    trials: list[Trial] = []
    while True:
        trials.append(queue.trial(load, seed * 100 + len(trials)))
        found = classify(OF_QUEUE, trials, test, long_run)
        if found.verdict is not None:
            return found, len(trials)


def test_no_trial_has_no_verdict() -> None:
    assert classify(OF_QUEUE, [], TEST, None).verdict is None


def test_a_broken_trial_decides_at_once() -> None:
    trial = Trial(1.0, 1, {OBJECTIVE: Lateness(np.zeros(2_000, np.bool_))}, broken="a backlog")
    found = classify(OF_QUEUE, [trial], TEST, None)
    assert (found.verdict, found.reason) == (Verdict.FAILS, "a backlog")


def test_a_trial_that_was_aborted_before_a_message_counted_decides_as_well() -> None:
    trial = Trial(1.0, 1, {OBJECTIVE: Lateness(np.zeros(0, np.bool_))}, broken="aborted")
    found = classify(OF_QUEUE, [trial], TEST, None)
    assert found == Classified(Verdict.FAILS, "aborted", [])


def test_two_trials_do_not_decide() -> None:
    late = Lateness(np.ones(2_000, np.bool_))
    trials = [Trial(1.0, seed, {OBJECTIVE: late}, utilization=0.5) for seed in range(2)]
    assert classify(OF_QUEUE, trials, TEST, None).verdict is None
    third = Trial(1.0, 3, {OBJECTIVE: late}, utilization=0.5)
    assert classify(OF_QUEUE, [*trials, third], TEST, None).verdict is Verdict.FAILS


def test_the_boundaries_are_those_of_o_brien_and_fleming() -> None:
    """Jennison and Turnbull 2000, table 2.3: 2.040 for 5 looks, 2.087 for 10, both sides 5%."""
    for looks, last in ((5, 2.040), (10, 2.087)):
        test = LoadTest(0.975, max_trials=looks, min_trials=1)
        assert test.boundary(looks) == pytest.approx(last, abs=0.003)
        assert test.boundary(1) == pytest.approx(last * looks**0.5, abs=0.01)


def test_the_boundary_of_a_quick_test_is_that_of_pocock() -> None:
    """Jennison and Turnbull 2000, table 2.1: 2.413 for 5 looks, 2.555 for 10, both sides 5%."""
    for looks, flat in ((5, 2.413), (10, 2.555)):
        test = LoadTest(0.975, max_trials=looks, min_trials=1, is_quick=True)
        assert test.boundary(1) == test.boundary(looks) == pytest.approx(flat, abs=0.003)


def test_the_reason_has_the_numbers() -> None:
    late = Lateness(np.arange(2_000) < 8)
    objectives = parse_objectives(["p99 < 50ms"])
    trials = [Trial(1.0, n, {"p99 < 50ms": late}, utilization=0.1) for n in range(3)]
    found = classify(objectives, trials, TEST, None)
    assert found.reason == "0.4% of 6,000 messages were later than 50.0 ms; 1% may be"
    (figures,) = found.figures
    assert (figures.late_share, figures.allowed_share) == (0.004, 0.01)


def test_equal_values_hold_or_fail_after_three_trials() -> None:
    assert by_margins(MEAN, [-0.2] * 2).verdict is None
    assert by_margins(MEAN, [-0.2] * 3).verdict is Verdict.HOLDS
    assert by_margins(MEAN, [0.2] * 3).verdict is Verdict.FAILS


def test_scattered_values_are_undecided_after_nine_trials() -> None:
    assert by_margins(MEAN, [-0.2, 0.21] * 4).verdict is None
    assert by_margins(MEAN, [*[-0.2, 0.21] * 4, 0.0]).verdict is Verdict.UNDECIDED


def test_values_far_on_one_side_are_decided_early() -> None:
    margins = [-0.50, -0.52, -0.49, -0.51, -0.5]
    assert by_margins(MEAN, margins).verdict is Verdict.HOLDS
    assert by_margins(MEAN, [-each for each in margins]).verdict is Verdict.FAILS


def test_one_error_is_enough_if_there_may_be_none() -> None:
    found = by_margins("errors == 0", [-1e-12, 1.0])
    assert found.verdict is Verdict.FAILS
    assert found.reason == "errors == 0 did not hold in 1 of 2 trials"


def test_a_missing_value_is_no_evidence() -> None:
    assert by_margins(MEAN, [-0.5, None, -0.5]).verdict is None
    found = by_margins(MEAN, [*[-0.5] * 8, None])
    assert found.verdict is Verdict.UNDECIDED
    assert "no value in 1 of 9 trials" in found.reason


def test_one_objective_that_fails_decides() -> None:
    objectives: tuple[Objective, ...] = parse_objectives([MEAN, "makespan < 1s"])
    margins = {MEAN: -0.5, "makespan < 1s": 0.5}
    trials = [Trial(1.0, seed, margins=margins) for seed in range(3)]
    found = classify(objectives, trials, TEST, None)
    assert found.verdict is Verdict.FAILS
    assert found.reason.startswith("makespan")
    assert [each.objective for each in found.figures] == [MEAN, "makespan < 1s"]


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("noise", [0.05, None])
def test_a_wrong_verdict_is_rare(workers: int, noise: float | None) -> None:
    """At 3% from the capacity, fewer are wrong than the level of 2.5% at the capacity itself."""
    queue = Queue(workers, noise, bias=0.03)
    for factor, wrong in ((0.97, Verdict.FAILS), (1.03, Verdict.HOLDS)):
        load = factor * queue.capacity
        found: Counter[Verdict | None] = Counter()
        for seed in range(40):
            long_run = queue.long_run(load, 40_000, seed)
            found[verdict_of_queue(queue, load, seed, long_run)[0].verdict] += 1
        assert found[wrong] <= 2, found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("factor", "verdict"), [(0.5, Verdict.HOLDS), (0.9, Verdict.HOLDS), (1.1, Verdict.FAILS)]
)
def test_a_tenth_from_the_capacity_is_decided_soon(factor: float, verdict: Verdict) -> None:
    queue = Queue(2)
    load = factor * queue.capacity
    long_run = queue.long_run(load, 400_000)
    found = [verdict_of_queue(queue, load, seed, long_run) for seed in range(30)]
    assert [each.verdict for each, _ in found].count(verdict) >= 28
    assert np.mean([trials for _, trials in found]) < 5


@pytest.mark.slow
def test_a_quick_test_gives_up_near_the_capacity() -> None:
    queue = Queue(1)

    def trials(*, is_quick: bool) -> float:
        test = LoadTest(0.95, is_quick=is_quick)
        taken = []
        for seed in range(30):
            long_run = queue.long_run(queue.capacity, 50_000, seed)
            taken.append(verdict_of_queue(queue, queue.capacity, seed, long_run, test)[1])
        return float(np.mean(taken))

    assert trials(is_quick=True) < 0.75 * trials(is_quick=False)
