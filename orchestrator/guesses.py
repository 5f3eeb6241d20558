"""What somebody guessed before a run, graded by what was measured and by what the twin says.

A guess decides nothing: a wrong one is where learning begins.
"""

from collections.abc import Sequence

from orchestrator.dimensions import format_value
from orchestrator.expressions import Expression
from orchestrator.measures import MEASURES
from orchestrator.repeats import Values
from orchestrator.scenario.naming import PREDICTED
from orchestrator.summary import Grade, Guess


def grade(guesses: Sequence[Expression], values: Values) -> list[Guess]:
    """Return how each guess compares; ``values`` are a case's measures, the twin's among them."""
    return [_grade(each, values) for each in guesses]


def _grade(guess: Expression, values: Values) -> Guess:
    measured = guess.evaluate(values)
    predicted = guess.evaluate(_of_twin(values))
    return Guess(
        expression=guess.text,
        grade=_GRADES[measured.passed],
        measured="" if measured.left is None else format_value(measured.left, measured.dimension),
        twin=_GRADES[predicted.passed],
        predicted=(
            "" if predicted.left is None else format_value(predicted.left, predicted.dimension)
        ),
    )


def _of_twin(values: Values) -> Values:
    """Return ``values`` as the twin has them: what it does not predict is unknown."""
    configured = {
        name: value
        for name, value in values.items()
        if name in MEASURES and MEASURES[name].kind == "input"
    }
    prefix = f"{PREDICTED}."
    return configured | {
        name.removeprefix(prefix): value
        for name, value in values.items()
        if name.startswith(prefix)
    }


_GRADES = {True: Grade.RIGHT, False: Grade.WRONG, None: Grade.UNKNOWN}
