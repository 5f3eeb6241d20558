"""The same seed asks the same problems, and the explanations are true of the twin."""

import re
from collections import Counter

import pytest

from orchestrator.measures.sentences import value_text
from orchestrator.quiz.answers import Amount, Choice
from orchestrator.quiz.generate import QUESTIONS, kind_of, problem, problems
from orchestrator.quiz.problem import Problem
from orchestrator.scenario.models import discover_twins
from orchestrator.twin.parameters import Kind

SEEDS = 1_000


def texts(seed: int, count: int) -> list[tuple[str, ...]]:
    """Return all that is printed of the first problems of ``seed``."""
    found = [problem(seed, number) for number in range(1, count + 1)]
    return [
        (each.setting, each.question, each.answer.right_text, each.explanation) for each in found
    ]


def test_the_same_seed_asks_the_same_problems() -> None:
    assert texts(7, 9) == texts(7, 9)
    assert texts(7, 9) != texts(8, 9)


def test_a_problem_does_not_depend_on_those_before_it() -> None:
    third = [each for each, _ in zip(problems(7), range(3), strict=False)][2]
    assert third.question == problem(7, 3).question
    assert third.setting == problem(7, 3).setting


def test_of_as_many_problems_as_there_are_kinds_each_kind_has_one() -> None:
    for turn in range(3):
        first = turn * len(QUESTIONS) + 1
        kinds = [problem(7, number).kind for number in range(first, first + len(QUESTIONS))]
        assert sorted(kinds) == sorted(QUESTIONS)


def test_problems_of_one_kind_are_those_of_the_seed_that_are_of_it() -> None:
    found = [each for each, _ in zip(problems(7, ["backlog"]), range(3), strict=False)]
    assert [each.kind for each in found] == ["backlog"] * 3
    assert all(kind_of(7, each.number) == "backlog" for each in found)
    assert found[0].setting == problem(7, found[0].number).setting


@pytest.fixture(scope="module")
def many() -> list[Problem]:
    """Return a problem of each of a thousand seeds, of all kinds in turn."""
    return [problem(seed, 1 + seed % len(QUESTIONS)) for seed in range(SEEDS)]


@pytest.mark.slow
def test_the_theory_that_explains_is_the_answer_of_the_twin(many: list[Problem]) -> None:
    for each in many:
        if isinstance(each.answer, Amount):
            assert each.derived == pytest.approx(each.answer.right, abs=1e-6), each
        else:
            assert each.answer.right == {each.derived}, each


@pytest.mark.slow
def test_the_explanation_names_the_answer(many: list[Problem]) -> None:
    for each in many:
        named = each.answer.right_text
        if isinstance(each.answer, Amount) and named.isdecimal():
            named = {"0": "none|find a place|= 0"}.get(named, rf"{named}\b|all others wait")
        elif named == "neither":
            continue
        assert re.search(named, each.explanation), (named, each.explanation)


@pytest.mark.slow
def test_a_tolerance_decides_between_the_answer_and_each_known_mistake(
    many: list[Problem],
) -> None:
    mistaken = 0
    for each in many:
        for wrong, text in each.mistakes.items():
            if isinstance(each.answer, Amount) and wrong != pytest.approx(each.answer.right):
                mistaken += 1
                assert not each.answer.accepts(wrong), each
                assert text.startswith(("That ", "A worker "))
                typed = value_text(wrong, each.answer.dimension)
                assert not each.grade(typed).is_right
    assert mistaken > SEEDS / 2


@pytest.mark.slow
def test_problems_are_about_many_models_and_have_many_answers(many: list[Problem]) -> None:
    models = Counter(case.model for each in many for case in each.cases)
    asked = {name for name, twin in discover_twins().items() if twin != Kind.PROCESSES_SPLIT}
    assert set(models) == asked
    for kind in QUESTIONS:
        answers = Counter(each.answer.right_text for each in many if each.kind == kind)
        assert len(answers) >= 3, kind
        assert answers.most_common(1)[0][1] < 0.7 * answers.total(), kind
    options = [each.answer for each in many if isinstance(each.answer, Choice)]
    assert all(each.right <= set(each.options) for each in options)


@pytest.mark.slow
def test_every_message_takes_long_enough_for_the_machine(many: list[Problem]) -> None:
    """The tolerance rests on it: docs/quiz.md."""
    for each in many:
        for case in each.cases:
            demands = re.findall(r"sleep=([0-9]+)ms", str(case.orders))
            assert demands
            assert min(map(int, demands)) >= 20
