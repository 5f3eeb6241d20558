"""The endless problems of the quiz, for a page: each is its seed and its number."""

from dataclasses import dataclass

from orchestrator.quiz.answers import AnswerError, Choice
from orchestrator.quiz.generate import problem
from orchestrator.quiz.problem import Problem

MOST_SEED, MOST_NUMBER = 2**32 - 1, 10_000


class ProblemError(ValueError):
    """There is no such problem, or what was typed is no answer; the message says what is one."""


@dataclass(frozen=True)
class Solved:
    """A problem and whether its typed answer is right; ``mistake`` is what a wrong one forgets."""

    problem: Problem
    is_right: bool
    mistake: str


def find_problem(seed: object, number: object) -> Problem:
    """Return the problem ``number`` of ``seed``.

    Raises:
        ProblemError: they are no whole numbers, or too large.
    """
    if not (_is_whole(seed, 0, MOST_SEED) and _is_whole(number, 1, MOST_NUMBER)):
        raise ProblemError(f"seed and number must be whole, at most {MOST_SEED} and {MOST_NUMBER}")
    assert isinstance(seed, int)  # noqa: S101 for the type checker
    assert isinstance(number, int)  # noqa: S101 for the type checker
    return problem(seed, number)


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def options_of(found: Problem) -> list[str]:
    """Return the options of the answer, none if it is a number."""
    return list(found.answer.options) if isinstance(found.answer, Choice) else []


def solve(found: Problem, typed: object) -> Solved:
    """Return whether the answer ``typed`` is right.

    Raises:
        ProblemError: it is no text, or no answer to the question.
    """
    if not isinstance(typed, str):
        raise ProblemError("the answer is no text")
    try:
        graded = found.grade(typed)
    except AnswerError as exc:
        raise ProblemError(str(exc)) from exc
    return Solved(found, graded.is_right, graded.mistake)
