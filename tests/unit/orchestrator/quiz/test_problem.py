"""A problem is answered by the twin; a typed answer is graded, and a known mistake is named."""

import pytest

from orchestrator.measures.dimensions import TIME
from orchestrator.quiz.answers import Amount, AnswerError, Choice, Value
from orchestrator.quiz.problem import Draft, Graded, Problem
from orchestrator.quiz.servers import Mechanism, models_with

MODEL = models_with(Mechanism.POOL)[0]


def duration(right: Value) -> Amount:
    return Amount(float(right), TIME)


def draft_of(**changes: object) -> Draft:
    """Return eight users on three workers, whose makespan is 600 ms."""
    clients = {"executor": "closed", "users": 8, "messages": 4, "demand": "sleep=50ms"}
    drafted: dict[str, object] = {
        "setting": "A pool.",
        "question": "How long?",
        "scenario": {"models": [MODEL], "server": {"workers": 3}, "clients": [clients]},
        "measure": lambda seen: seen[0].makespan_s(),
        "derived": 0.6,
        "why": "Three rounds.",
        "answer": duration,
        "mistakes": {1.6: "One by one.", 0.2: "No wait.", 0.6: "Never said."},
    }
    return Draft(**{**drafted, **changes})  # type: ignore[arg-type]


def test_the_twin_answers() -> None:
    problem = Problem.of(3, "makespan", draft_of())
    assert problem.answer == Amount(0.6, TIME)
    assert [case.workers for case in problem.cases] == [3]
    assert problem.scenario.intent == "How long?"


def test_the_answer_is_the_twin_s_even_if_the_theory_is_wrong() -> None:
    problem = Problem.of(3, "makespan", draft_of(derived=9.0))
    assert problem.answer == Amount(0.6, TIME)


@pytest.mark.parametrize(
    ("typed", "graded"),
    [
        ("600ms", Graded(is_right=True)),
        ("640 ms", Graded(is_right=True)),
        ("1.6s", Graded(is_right=False, mistake="One by one.")),
        ("200ms", Graded(is_right=False, mistake="No wait.")),
        ("9s", Graded(is_right=False)),
    ],
)
def test_an_answer_is_graded(typed: str, graded: Graded) -> None:
    assert Problem.of(1, "makespan", draft_of()).grade(typed) == graded


def test_what_is_no_answer_is_not_graded() -> None:
    with pytest.raises(AnswerError, match="600 has no unit"):
        Problem.of(1, "makespan", draft_of()).grade("600")


@pytest.mark.parametrize(
    ("mistakes", "is_decided"),
    [({}, True), ({0.6: "right"}, True), ({0.72: "clear"}, True), ({0.68: "too near"}, False)],
)
def test_a_draft_is_decided_if_no_mistake_is_near_the_answer(
    mistakes: dict[float, str], is_decided: bool
) -> None:
    """The tolerance of 600 ms is 70 ms, so that a mistake must be 105 ms away."""
    assert draft_of(mistakes=mistakes).is_decided == is_decided


def test_a_choice_is_always_decided() -> None:
    def choose(right: Value) -> Choice:
        return Choice(["one", "other"], frozenset({str(right)}))

    assert draft_of(answer=choose, derived="one", mistakes={0.0: "any"}).is_decided
