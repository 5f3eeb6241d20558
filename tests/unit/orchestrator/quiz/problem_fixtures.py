"""Problems for tests: the first of each kind."""

from orchestrator.quiz.generate import problem
from orchestrator.quiz.problem import Problem

SEED = 7


def problem_of(kind: str, seed: int = SEED) -> Problem:
    """Return the first problem of ``seed`` that is of ``kind``."""
    return next(each for number in range(1, 100) if (each := problem(seed, number)).kind == kind)
