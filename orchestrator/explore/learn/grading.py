"""Grades typed guesses by the answer of a lesson, with the tolerance of its scenario."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.explore.learn.lessons import Asked, Lesson
from orchestrator.measures.dimensions import COUNT, TIME
from orchestrator.measures.expression import Expression, parse_expression
from orchestrator.measures.hints import quote
from orchestrator.measures.registry import MEASURES
from orchestrator.measures.syntax import ExpressionError

FORMS = {TIME: "a time such as 350ms or 1.2s", COUNT: "a number such as 40"}
_NUMBER = re.compile(r"[0-9]{1,9}(?:[.,][0-9]{1,9})?")
_VALUE = re.compile(r"[0-9][0-9.]{0,20}\s{0,3}[a-z]{0,3}")


class GuessError(ValueError):
    """What was typed is no guess; the message says what is one."""


@dataclass(frozen=True)
class Graded:
    """A guess as it was typed, empty if none was made; then ``is_right`` is None."""

    asked: Asked
    typed: str
    is_right: bool | None


def form_of(asked: Asked) -> str:
    """Return what a guess is written like."""
    return FORMS.get(MEASURES[asked.measure].dimension, "a number")


def grade_guesses(lesson: Lesson, typed: Mapping[str, str]) -> list[Graded]:
    """Return the grade of each value that ``lesson`` asks for; ``typed`` are guesses by name.

    Raises:
        GuessError: one of them is no value of its measure, or there is none at all.
    """
    if not any(typed.get(each.name, "").strip() for each in lesson.asked):
        raise GuessError("Type a guess first: afterwards every result looks obvious.")
    return [_grade(each, typed.get(each.name, "").strip()) for each in lesson.asked]


def _grade(asked: Asked, typed: str) -> Graded:
    if not typed:
        return Graded(asked, "", None)
    right = _parse(asked, asked.right).evaluate({asked.measure: 0.0}).right
    return Graded(asked, typed, _parse(asked, typed).evaluate({asked.measure: right}).passed)


def _parse(asked: Asked, typed: str) -> Expression:
    """Return the guess ``typed`` as an expression.

    Raises:
        GuessError: it is no value of the measure.
    """
    text = typed.replace(" ", "").replace(",", ".")
    if _VALUE.fullmatch(text):
        try:
            return parse_expression(f"{asked.measure} ~= {text} within {asked.within}")
        except ExpressionError:
            pass
    raise GuessError(_refusal(asked, typed))


def _refusal(asked: Asked, typed: str) -> str:
    """Return why ``typed`` cannot be graded, and how to write it."""
    guess = f"Your guess of {asked.name} cannot be graded"
    if _NUMBER.fullmatch(typed) and MEASURES[asked.measure].dimension == TIME:
        return f"{guess}: {typed} has no unit. Write {typed}ms or {typed}s."
    return f"{guess}: {quote(typed)} is not {form_of(asked)}."
