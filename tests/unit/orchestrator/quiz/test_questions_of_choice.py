"""Questions with one answer of several: only those that no tolerance could turn round."""

import re

import pytest

from orchestrator.quiz.dice import Dice
from orchestrator.quiz.observed import observe_twin
from orchestrator.quiz.problem import Draft, Problem, Question
from orchestrator.quiz.questions_of_choice import (
    CLEARLY,
    LEAD_MS,
    NEITHER,
    ask_first_done,
    ask_longest_wait,
    ask_workers,
)


def problems_of(question: Question, count: int = 40) -> list[Problem]:
    """Return the first problems of ``question``."""
    drafts = (question(Dice(1, "any", number)) for number in range(10_000))
    found: list[Draft] = []
    while len(found) < count:
        draft = next(drafts)
        if draft is not None and draft.is_decided:
            found.append(draft)
    return [Problem.of(1, "any", draft) for draft in found]


def test_the_longest_wait_is_clearly_longer_than_every_other() -> None:
    for problem in problems_of(ask_longest_wait):
        waits = re.findall(r"waits (?:(\d+) ms|0 s)\.", problem.explanation)
        *_, second, longest = sorted(int(each or 0) for each in waits)
        assert longest - second >= LEAD_MS


def test_two_makespans_are_equal_or_clearly_apart() -> None:
    for problem in problems_of(ask_first_done):
        one, other = (observe_twin(case).makespan_s() for case in problem.cases)
        is_same = one == pytest.approx(other)
        assert is_same or max(one, other) >= CLEARLY * min(one, other)
        assert problem.answer.accepts(NEITHER) == is_same


def test_a_worker_less_than_needed_is_late_and_the_needed_ones_are_in_time() -> None:
    for problem in problems_of(ask_workers):
        fewer, enough = (observe_twin(case).makespan_s() for case in problem.cases)
        limit = re.search(r"within (\S+) (ms|s)\?", problem.question)
        assert limit
        limit_s = float(limit[1]) * {"ms": 1e-3, "s": 1.0}[limit[2]]
        assert enough * 1.12 < limit_s < fewer / 1.12
        assert problem.derived == problem.cases[1].workers


def test_a_machine_that_is_faster_or_slower_answers_another_number() -> None:
    (problem,) = problems_of(ask_workers, count=1)
    fewer, enough = map(observe_twin, problem.cases)
    needed = problem.derived
    assert isinstance(needed, float)
    assert problem.measure([fewer, enough]) == needed
    assert problem.measure([enough, enough]) == needed - 1
    assert problem.measure([fewer, fewer]) == needed + 1
