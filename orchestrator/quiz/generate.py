"""Generates the problems of a quiz: the same seed and number, the same problem."""

from collections.abc import Collection, Iterator, Mapping
from itertools import count

from orchestrator.quiz.dice import Dice
from orchestrator.quiz.problem import Problem, Question
from orchestrator.quiz.questions_of_choice import ask_first_done, ask_longest_wait, ask_workers
from orchestrator.quiz.questions_of_queues import ask_backlog, ask_long_message
from orchestrator.quiz.questions_of_time import (
    ask_first_response,
    ask_makespan,
    ask_throughput,
    ask_wait,
)

QUESTIONS: Mapping[str, Question] = {
    "makespan": ask_makespan,
    "response": ask_first_response,
    "wait": ask_wait,
    "longest-wait": ask_longest_wait,
    "throughput": ask_throughput,
    "first-done": ask_first_done,
    "workers": ask_workers,
    "backlog": ask_backlog,
    "long-message": ask_long_message,
}
"""The kinds of problem by their names."""


def problems(seed: int, kinds: Collection[str] = QUESTIONS.keys()) -> Iterator[Problem]:
    """Yield the problems of ``seed`` that are of ``kinds``, without an end."""
    return (problem(seed, number) for number in count(1) if kind_of(seed, number) in kinds)


def kind_of(seed: int, number: int) -> str:
    """Return the kind of the problem with ``number``; of as many as there are, each comes once."""
    turn, place = divmod(number - 1, len(QUESTIONS))
    return Dice(seed, "order", turn).shuffled(list(QUESTIONS))[place]


def problem(seed: int, number: int) -> Problem:
    """Return the problem with ``number``, from 1."""
    kind = kind_of(seed, number)
    dice = Dice(seed, kind, number)
    while (draft := QUESTIONS[kind](dice)) is None or not draft.is_decided:
        pass
    return Problem.of(number, kind, draft)
