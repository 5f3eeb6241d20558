"""Guesses of a scenario: expressions that a user predicts, or has yet to predict.

In a guess that is not made, ``?`` stands for the value: ``makespan ~= ? within 10%``.
"""

import re
from dataclasses import replace

from orchestrator.measures.dimensions import COUNT, RATE, SIZE, TIME
from orchestrator.measures.expression import Expression, parse_expression
from orchestrator.measures.syntax import ExpressionError

NOT_MADE = "?"
_COMPARISON = re.compile(r"==|!=|<=|>=|~=|<|>")
_ANY_VALUE = {COUNT: "1", TIME: "1s", SIZE: "1B", RATE: "1/1s"}


def parse_guess(text: str) -> Expression:
    """Return the guess in ``text``; if it is not made, its right side has a value of no meaning.

    Raises:
        ExpressionError: as an expectation, or ``?`` is on the left side.
    """
    if NOT_MADE not in text:
        return parse_expression(text)
    left = _COMPARISON.split(text, maxsplit=1)[0]
    if NOT_MADE in left:
        message = "a guess that is not made begins with the measure, e.g. makespan ~= ? within 10%"
        raise ExpressionError(message, text.index(NOT_MADE) + 1)
    dimension = parse_expression(f"{left.rstrip()} == 0").dimension
    value = _ANY_VALUE.get(dimension, "0")
    return replace(parse_expression(text.replace(NOT_MADE, value)), text=text)


def is_made(guess: Expression) -> bool:
    """Return whether the user has predicted a value."""
    return NOT_MADE not in guess.text
