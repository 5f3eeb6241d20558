"""What can be asked about a case, of hand-made messages, of the twin, and of a stored run."""

from pathlib import Path

import numpy as np
import pytest

from orchestrator.campaign.evaluate_run import measure_run
from orchestrator.quiz.observed import (
    ROW,
    LostMessagesError,
    Observed,
    observe_run,
    observe_twin,
)
from orchestrator.quiz.problem import Problem
from orchestrator.scenario.plan import Run, plan_cases
from tests.unit.orchestrator.campaign.stored_run_fixtures import store_run
from tests.unit.orchestrator.capacity.trial_fixtures import scenario_of
from tests.unit.orchestrator.quiz.problem_fixtures import problem_of

MS = 1_000_000
CLIENTS = "{executor: closed, users: 2, messages: 1, demand: sleep=100ms}"


def observed(*rows: tuple[int, ...]) -> Observed:
    """Return messages of group, user, message, due, started, ended, the last three in ms."""
    table = np.zeros(len(rows), ROW)
    for number, row in enumerate(rows):
        table[number] = (*row[:3], *(each * MS for each in row[3:]))
    return Observed(table, 0)


TWO = observed(
    (0, 1, 1, 130, 130, 180),
    (0, 0, 0, 0, 0, 50),
    (0, 1, 0, 0, 60, 120),
    (1, 0, 0, 0, 10, 130),
)


def test_the_makespan_ends_with_the_last_message_of_all() -> None:
    assert TWO.makespan_s() == pytest.approx(0.18)
    assert TWO.throughput_per_s() == pytest.approx(4 / 0.18)


def test_a_user_s_first_message_counts() -> None:
    one_group = observed((0, 1, 1, 130, 130, 180), (0, 0, 0, 0, 0, 50), (0, 1, 0, 0, 60, 120))
    assert one_group.first_response_s(1) == pytest.approx(0.12)
    assert one_group.wait_s(1) == pytest.approx(0.06)
    assert one_group.longest_wait() == 1


def test_who_is_answered_after_another_group() -> None:
    assert TWO.answered_after(0, 1) == 0
    assert TWO.answered_after(1, 0) == 0
    late = observed((0, 0, 0, 0, 0, 100), (1, 0, 0, 0, 0, 90), (1, 1, 0, 0, 0, 110))
    assert late.answered_after(1, 0) == 1


def left_out(problem: Problem) -> int:
    (case,) = problem.cases
    return observe_twin(case).left_out


def test_the_twin_counts_what_a_backlog_has_no_place_for() -> None:
    problem = problem_of("backlog")
    assert left_out(problem) == problem.derived
    assert left_out(problem_of("makespan")) == 0


def test_a_stored_run_is_observed_from_the_start_of_its_load(tmp_path: Path) -> None:
    """Two users whose messages took 101 and 201 ms, one after the other."""
    scenario = scenario_of(CLIENTS, "validity: []\n")
    store_run(tmp_path)
    (case,) = plan_cases(scenario)
    seen = observe_run(case, measure_run(scenario, Run(case, 1, 1), tmp_path))
    assert seen.makespan_s() == pytest.approx(0.201, abs=1e-3)
    assert seen.first_response_s(0) == pytest.approx(0.101, abs=1e-3)
    assert seen.wait_s(1) == pytest.approx(0.101, abs=1e-3)
    assert seen.left_out == 0


def test_a_run_that_lost_a_message_answers_nothing(tmp_path: Path) -> None:
    three = scenario_of(CLIENTS.replace("users: 2", "users: 3"), "validity: []\n")
    store_run(tmp_path)
    (case,) = plan_cases(three)
    with pytest.raises(LostMessagesError, match="2 of 3 messages were answered"):
        observe_run(case, measure_run(three, Run(case, 1, 1), tmp_path))
