"""A problem: a load on a server, a question, and its answer, which the twin gives."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from orchestrator.quiz.answers import Amount, Answer, Choice, Value
from orchestrator.quiz.dice import Dice
from orchestrator.quiz.observed import Observed, observe_twin
from orchestrator.scenario.fields import MAX_LOAD, RUN_LOAD
from orchestrator.scenario.models import discover_models
from orchestrator.scenario.plan import Case, plan_cases
from orchestrator.scenario.scenario import Scenario

Measure: TypeAlias = Callable[[Sequence[Observed]], Value]
"""The value that the question asks for, from what took place in each case of the scenario."""

APART = 1.5
"""How many tolerances a mistake is from the right answer, at least."""

TIMEOUT = "30s"


@dataclass(frozen=True)
class Draft:
    """A problem before it is answered.

    ``setting`` describes server and load, ``scenario`` is the same for the lab. ``derived`` is the
    answer by theory, and ``why`` derives it. ``mistakes`` are wrong answers that are near at hand,
    each with what it forgets. ``answer`` makes the answer from its right value.
    """

    setting: str
    question: str
    scenario: Mapping[str, Any]
    measure: Measure
    derived: Value
    why: str
    answer: Callable[[Value], Answer]
    mistakes: Mapping[float, str] = field(default_factory=dict)

    @property
    def is_decided(self) -> bool:
        """Whether each mistake is so far from the right answer that the tolerance decides."""
        right = self.answer(self.derived)
        if isinstance(right, Choice):
            return True
        return all(
            math.isclose(each, right.right) or abs(each - right.right) > APART * right.tolerance
            for each in self.mistakes
        )


Question: TypeAlias = Callable[[Dice], Draft | None]
"""Drafts a problem of one kind; None if these choices make none."""


@dataclass(frozen=True)
class Graded:
    """Whether a typed answer is right, and which mistake it is, if it is a known one."""

    is_right: bool
    mistake: str = ""


@dataclass(frozen=True)
class Problem:
    """One problem; ``number`` is its place in the quiz, from 1, and ``kind`` a word for its kind.

    ``answer`` is what the twin gives, ``explanation`` why.
    """

    number: int
    kind: str
    setting: str
    question: str
    scenario: Scenario
    measure: Measure
    derived: Value
    answer: Answer
    explanation: str
    mistakes: Mapping[float, str]

    @classmethod
    def of(cls, number: int, kind: str, draft: Draft) -> "Problem":
        """Return ``draft`` as a problem, answered by the twin."""
        scenario = _scenario_of(draft)
        right = draft.measure([observe_twin(case) for case in plan_cases(scenario)])
        return cls(
            number, kind, draft.setting, draft.question, scenario, draft.measure, draft.derived,
            draft.answer(right), draft.why, draft.mistakes,
        )  # fmt: skip

    @property
    def cases(self) -> list[Case]:
        """The cases that the machine runs."""
        return plan_cases(self.scenario)

    def grade(self, typed: str) -> Graded:
        """Return whether the answer ``typed`` is right.

        Raises:
            AnswerError: it is no answer to this question.
        """
        value = self.answer.parse(typed)
        if self.answer.accepts(value):
            return Graded(is_right=True)
        return Graded(is_right=False, mistake=self._mistake(value))

    def _mistake(self, value: Value) -> str:
        """Return what a wrong amount forgets, empty if that is not known."""
        if isinstance(value, str) or not isinstance(self.answer, Amount):
            return ""
        for wrong, text in self.mistakes.items():
            near = Amount(wrong, self.answer.dimension)
            if near.accepts(value) and not self.answer.accepts(wrong):
                return text
        return ""


def _scenario_of(draft: Draft) -> Scenario:
    """Return the scenario of ``draft``, whose intent is its question."""
    written = {"intent": draft.question, "timeout": TIMEOUT, **draft.scenario}
    context = {"known_models": discover_models(), MAX_LOAD: RUN_LOAD}
    return Scenario.model_validate(written, context=context)
