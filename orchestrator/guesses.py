"""What somebody guessed before a run, graded by what was measured and by what the twin says.

A guess decides nothing: a wrong one is where learning begins.
"""

from collections.abc import Sequence

from orchestrator.dimensions import format_value
from orchestrator.expressions import Expression
from orchestrator.measures import MEASURES
from orchestrator.repeats import Values
from orchestrator.summary import Grade, Guess

TWIN = "predicted"


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
    """Return ``values`` as the twin would have them: what it does not predict is unknown."""
    return {
        name: value
        if name in MEASURES and MEASURES[name].kind == "input"
        else values.get(f"{TWIN}.{name}")
        for name, value in values.items()
    }


_GRADES = {True: Grade.RIGHT, False: Grade.WRONG, None: Grade.UNKNOWN}
