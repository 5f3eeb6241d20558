"""A session asks, grades and explains; however it ends, the score is known."""

from collections.abc import Iterator, Sequence

import pytest

from orchestrator.quiz.generate import problem
from orchestrator.quiz.machine import MachineAnswer
from orchestrator.quiz.session import HELP, Dialog, Session
from tests.unit.orchestrator.quiz.problem_fixtures import SEED, problem_of


class Person:
    """Types the lines ``typed``, then ends the input, and keeps what is said."""

    def __init__(self, typed: Sequence[str]) -> None:
        self._typed: Iterator[str] = iter(typed)
        self.said: list[str] = []

    @property
    def dialog(self) -> Dialog:
        return Dialog(self.said.append, lambda _prompt: next(self._typed, None))


ONE = problem_of("makespan")
RIGHT = ONE.answer.right_text


def held(typed: Sequence[str], found: MachineAnswer | None = None) -> tuple[Person, Session]:
    """Hold a session of one problem, asked again and again; the machine answers ``found``."""
    person = Person(typed)
    session = Session(person.dialog, None if found is None else lambda _problem: found)
    session.run([ONE] * 10)
    return person, session


def test_a_right_answer_is_explained_and_counted() -> None:
    person, session = held([RIGHT])
    assert "Right." in person.said
    assert any(ONE.explanation in line for line in person.said)
    assert session.score == "1 of 1 right."


def test_a_wrong_answer_names_the_mistake_if_it_is_known() -> None:
    (wrong, text), *_ = [
        each for each in ONE.mistakes.items() if each[0] != pytest.approx(ONE.derived)
    ]
    person, session = held([ONE.answer.text(wrong), "59 m"])
    assert f"Not right. {text}" in person.said
    assert "Not right." in person.said
    assert session.score == "0 of 2 right."


def test_what_is_no_answer_is_asked_again_and_not_counted() -> None:
    person, session = held(["soon", "", "600", RIGHT])
    assert "'soon' is no duration; write e.g. 600ms or 1.2s" in person.said
    assert "600 has no unit; write 600ms or 600s" in person.said
    assert person.said.count(HELP) == 2
    assert session.score == "1 of 1 right."


def test_a_solution_that_is_shown_is_not_right() -> None:
    person, session = held(["?"])
    assert any(line.startswith("Solution: ") for line in person.said)
    assert session.score == "0 of 1 right."


@pytest.mark.parametrize("typed", [["q"], [" Q "], ["quit"], ["exit"], []])
def test_the_quiz_ends_with_q_or_the_input(typed: list[str]) -> None:
    assert held(typed)[1].score == "No problem was answered."
    assert held([RIGHT, *typed, RIGHT])[1].score in {"1 of 1 right.", "2 of 2 right."}


def test_it_ends_with_the_last_problem() -> None:
    person = Person(["?"] * 5)
    session = Session(person.dialog)
    session.run(problem(SEED, number) for number in (1, 2, 3))
    assert session.score == "0 of 3 right."


def test_the_machine_answers_after_the_person() -> None:
    person, _ = held([RIGHT, "q"], MachineAnswer(ONE.derived, agrees=True))
    assert f"The machine: {RIGHT}; it agrees." in person.said
    assert person.said.index("Right.") < person.said.index(f"The machine: {RIGHT}; it agrees.")


def test_an_interrupt_keeps_the_score() -> None:
    typed = iter([RIGHT])

    def read(_prompt: str) -> str:
        for line in typed:
            return line
        raise KeyboardInterrupt

    session = Session(Dialog(lambda _line: None, read))
    with pytest.raises(KeyboardInterrupt):
        session.run([ONE, ONE])
    assert session.score == "1 of 1 right."
