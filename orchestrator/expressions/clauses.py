"""What may follow a comparison: ``within`` a tolerance, ``with`` a confidence."""

from typing import NamedTuple

from orchestrator.expressions.syntax import ExpressionError, Quantity

CONFIDENCES = (0.5, 0.999)
WITHIN, WITH = "within", "with"


class Clause(NamedTuple):
    """A clause by its first word."""

    word: str
    quantity: Quantity


def tolerance_of(operator: str, column: int, within: Quantity | None) -> Quantity | None:
    """Return the tolerance of a comparison whose ``operator`` stands at ``column``.

    Raises:
        ExpressionError: it needs one and has none, or the other way round.
    """
    if operator == "~=" and within is None:
        message = "~= needs a tolerance; write e.g. within 10% or within 50ms"
        raise ExpressionError(message, column)
    if operator != "~=" and within is not None:
        message = f"a tolerance does not go with {operator}; within goes with ~= only"
        raise ExpressionError(message, within.span.column)
    return within


def confidence_of(asked: Quantity | None) -> float | None:
    """Return a confidence as a share, None where none is asked for.

    Raises:
        ExpressionError: it is no percentage, or one that repeats cannot bear.
    """
    if asked is None:
        return None
    low, high = CONFIDENCES
    if asked.unit != "%" or not low <= asked.value <= high:
        message = f"a confidence is from {low:.0%} to {high:.1%}; write e.g. with 95%"
        raise ExpressionError(message, asked.span.column)
    return asked.value
