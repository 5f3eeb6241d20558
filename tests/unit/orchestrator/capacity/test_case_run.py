"""The search of a case, with trials of servers whose capacity is known."""

from collections.abc import Sequence
from itertools import pairwise

import pytest

from orchestrator.capacity.case_run import (
    CLOSE,
    INTERRUPTED,
    MOST_INVALID,
    WIDE,
    WIDE_AT_FIRST,
    CaseRun,
    Length,
    length_of_trial,
    messages_of_trial,
)
from orchestrator.capacity.objectives import Objective, parse_objectives
from orchestrator.capacity.planning import judge_of
from orchestrator.capacity.search import SearchSettings
from orchestrator.capacity.searched_group import TrialLoad
from orchestrator.capacity.trial_validity import CpuUse
from orchestrator.capacity.trials import TrialOutcome
from orchestrator.results.capacity import CaseCapacity, Limit, LoadResult, Verdict
from orchestrator.scenario.plan import Case
from tests.unit.orchestrator.capacity.trial_fixtures import CLOSED, QueueTrials, asked, plan

LATE = (Limit.CLIENTS, "the clients were late")


def search(
    trials: QueueTrials,
    *,
    at: float | None = None,
    width: float = 0.1,
    predicted: float | None = 180.0,
) -> CaseCapacity:
    _, terms = asked(at=at, width=width)
    run = CaseRun(plan(predicted), terms, trials, judge_of(terms))
    run.run()
    return run.result()


def test_the_bounds_are_around_the_capacity_and_as_close_as_was_asked() -> None:
    found = search(QueueTrials(capacity=180.0))
    assert found.lower is not None
    assert found.upper is not None
    assert found.lower <= 180.0 <= found.upper
    assert found.is_complete
    assert (found.upper - found.lower) / found.upper <= 0.1
    assert found.limited_by is Limit.QUEUEING
    assert found.cpu_s_per_1000_messages == pytest.approx(2.0)
    assert any(load.is_confirmation for load in found.loads)


def test_a_load_has_the_median_of_the_values_of_its_trials() -> None:
    for load in search(QueueTrials(capacity=180.0)).loads:
        (figures,) = load.objectives
        assert figures.value == pytest.approx(load.load / 1000)
        assert figures.late_share is not None


def test_a_gate_says_whether_the_load_holds_and_how_much_is_left() -> None:
    found = search(QueueTrials(capacity=180.0), at=100.0, width=0.5)
    assert found.at is Verdict.HOLDS
    assert found.headroom_low is not None
    assert found.headroom_high is not None
    assert found.headroom_low <= 0.8 <= found.headroom_high
    assert len(found.loads) == 2
    assert search(QueueTrials(capacity=180.0), at=400.0, width=0.5).at is Verdict.FAILS


def test_no_two_loads_have_the_same_draws_and_all_cases_have_the_same_ones() -> None:
    one, other = QueueTrials(capacity=180.0), QueueTrials(capacity=170.0)
    search(one)
    search(other)
    seeds = [each.seed for each in one.loads]
    assert len(set(seeds)) == len(seeds)
    assert seeds[0] == other.loads[0].seed


def test_clients_that_cannot_bear_a_load_give_no_upper_bound() -> None:
    trials = QueueTrials(capacity=500.0, clients_bear=190.0, doubt=LATE)
    found = search(trials)
    assert found.limited_by is Limit.CLIENTS
    assert found.evidence == LATE[1]
    assert (found.lower, found.upper) == (162.0, None)
    assert not found.is_complete
    assert LATE[1] in found.ended
    last = found.loads[-1]
    assert last.verdict is Verdict.UNDECIDED
    assert len(last.trials) == MOST_INVALID + 1
    assert all(trial.invalid == [LATE[1]] for trial in last.trials)


def test_a_load_that_fails_on_cpus_taken_by_the_clients_is_no_bound() -> None:
    busy = CpuUse(server_s=8.0, clients_s=11.0, busy_s=19.5, wall_s=10.0, cpus=2.0)
    found = search(QueueTrials(capacity=180.0, use=busy), at=400.0, width=0.5)
    assert found.limited_by is Limit.HOST
    assert found.upper is None
    assert found.headroom_high is None
    assert found.at is Verdict.UNDECIDED


def test_below_a_load_that_the_clients_do_not_bear_smaller_ones_give_a_lower_bound() -> None:
    trials = QueueTrials(capacity=5000.0, clients_bear=1000.0, doubt=LATE)
    found = search(trials, predicted=1800.0)
    assert [load.load for load in found.loads] == pytest.approx([1620.0, 1080.0, 480.0])
    assert (found.lower, found.upper) == (found.loads[-1].load, None)
    assert (found.limited_by, found.evidence) == LATE
    assert LATE[1] in found.ended
    assert not found.is_complete
    assert found.cpu_s_per_1000_messages == pytest.approx(2.0)


def test_smaller_loads_are_few_and_ever_further_away() -> None:
    trials = QueueTrials(capacity=5e4, clients_bear=1.0, doubt=LATE)
    found = search(trials, predicted=18_000.0)
    loads = [load.load for load in found.loads]
    assert [one / other for one, other in pairwise(loads)] == pytest.approx(
        [1.5, 2.25, 3.375, 5.0625]
    )
    assert (found.lower, found.upper) == (None, None)
    slow = search(QueueTrials(capacity=500.0, clients_bear=1.0, doubt=LATE))
    assert len(slow.loads) == 2  # a trial of the next one would take 42 s


def test_users_that_the_clients_do_not_bear_are_whole() -> None:
    _, terms = asked(CLOSED)
    trials = QueueTrials(capacity=500.0, clients_bear=1.0, doubt=LATE)
    run = CaseRun(plan(48.0, CLOSED), terms, trials, judge_of(terms))
    run.run()
    assert [load.load for load in run.result().loads] == [43.0, 28.0, 12.0]


def test_the_load_asked_about_is_tried_below_one_that_was_not_measured() -> None:
    busy = (Limit.HOST, "the host was busy")
    trials = QueueTrials(capacity=500.0, clients_bear=60.0, doubt=busy)
    found = search(trials, at=50.0, width=0.5)
    assert [load.load for load in found.loads] == pytest.approx([127.8, 50.0])
    assert (found.at, found.lower, found.upper) == (Verdict.HOLDS, 50.0, None)


def test_other_programs_disturb_smaller_loads_as_well() -> None:
    busy = (Limit.HOST, "the host was busy")
    found = search(QueueTrials(capacity=500.0, clients_bear=100.0, doubt=busy))
    assert len(found.loads) == 1
    assert found.lower is None


def test_a_smaller_load_that_does_not_hold_is_no_upper_bound() -> None:
    trials = QueueTrials(capacity=30.0, clients_bear=100.0, doubt=LATE)
    found = search(trials, at=40.0, width=0.5)
    assert [load.load for load in found.loads] == pytest.approx([127.8, 40.0, 40.0 / 1.5])
    assert found.loads[1].reason.startswith("it does not hold, perhaps not because of the server")
    assert (found.at, found.upper) == (Verdict.UNDECIDED, None)


class Interrupted(QueueTrials):
    """The user interrupts the first trial of the third load."""

    def run(self, case: Case, objectives: Sequence[Objective], load: TrialLoad) -> TrialOutcome:
        """Run a trial."""
        if len({each.load for each in self.loads} - {load.load}) == 2:
            raise KeyboardInterrupt
        return super().run(case, objectives, load)


def test_an_interrupt_keeps_the_bounds_so_far() -> None:
    _, terms = asked()
    loads: list[LoadResult] = []
    run = CaseRun(plan(), terms, Interrupted(capacity=180.0), judge_of(terms), loads.append)
    with pytest.raises(KeyboardInterrupt):
        run.run()
    found = run.result(is_interrupted=True)
    assert [found.lower, found.upper] == pytest.approx([162.0, 198.0])
    assert found.ended == INTERRUPTED
    assert not found.is_complete
    assert found.loads == loads
    assert len(loads) == 2


@pytest.mark.parametrize(
    ("width", "length"),
    [(0.15, Length(2_000, 10)), (0.1, Length(2_000, 10)), (0.05, Length(8_000, 40))],
)
def test_a_narrow_search_has_longer_trials(width: float, length: Length) -> None:
    assert length_of_trial(100.0, 110.0, 0, SearchSettings(width)) == length


@pytest.mark.parametrize(
    ("slo", "length", "messages"),
    [
        ("p99 < 50ms", CLOSE, 2_000),
        ("p99 < 50ms", WIDE_AT_FIRST, 350),
        ("p99.9 < 50ms", WIDE, 5_000),  # so that five may be late
        ("errors == 0", CLOSE, 2_000),
    ],
)
def test_a_trial_has_the_messages_that_its_percentile_needs(
    slo: str, length: Length, messages: int
) -> None:
    assert messages_of_trial(parse_objectives([slo]), length) == messages
