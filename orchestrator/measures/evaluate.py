"""Evaluate an expression for the measures of one case.

The result is an `Evaluation`, never an exception. A missing measure, a division by zero and a
result that is not finite make it *unknown*, with the reason; an unknown expectation has not passed.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from orchestrator.measures import ranges
from orchestrator.measures.bounds import Values, at_the_far_end, error_of, errors, lower_bounds
from orchestrator.measures.dimensions import Dimension
from orchestrator.measures.ranges import Range
from orchestrator.measures.registry import full_name
from orchestrator.measures.syntax import (
    Call,
    MeasureName,
    Operation,
    Part,
    Quantity,
    Relation,
    names_in,
)
from orchestrator.measures.views import WINDOWS

AT_LEAST, AT_MOST = "≥ ", "≤ "
NOISE = 1e-12
"""Relative difference below which two numbers are equal: 3 * 0.1 must equal 0.3."""


@dataclass(frozen=True)
class Evaluation:
    """The result of an expectation.

    ``passed`` is None if the result is unknown; then ``reason`` says why and ``missing`` lists the
    measures without a value. ``left`` and ``right`` are in base units of ``dimension``, None if
    unknown. ``margin`` is the difference that ``~=`` allows, in the same unit. A side that depends
    on a lower bound has its value at the bound, and ``left_bound`` or ``right_bound`` says on which
    side of it the true value is: `AT_LEAST` or `AT_MOST`, else empty. ``left_error`` and
    ``right_error`` are by how much the true value may differ from it in both directions.
    """

    passed: bool | None
    left: float | None
    right: float | None
    dimension: Dimension
    margin: float | None = None
    reason: str = ""
    missing: tuple[str, ...] = ()
    left_bound: str = ""
    right_bound: str = ""
    left_error: float = 0.0
    right_error: float = 0.0


class _UnknownError(Exception):
    """A part has no value; the text is the reason, ``measure`` the measure without a value."""

    def __init__(self, reason: str, measure: str = "") -> None:
        super().__init__(reason)
        self.measure = measure


def evaluate(comparison: Relation, dimension: Dimension, values: Values) -> Evaluation:
    """Evaluate a checked ``comparison`` for ``values``, by full measure name.

    If some are lower bounds or have an error, the result is unknown unless it is the same for all
    that they allow.
    """
    return _with_errors(_with_bounds(comparison, dimension, values), comparison, values)


def _with_bounds(comparison: Relation, dimension: Dimension, values: Values) -> Evaluation:
    """Evaluate ``comparison``; the result is unknown if lower bounds leave it open."""
    near = _evaluate(comparison, dimension, values)
    bounds = lower_bounds({name: values.get(name) for name in _value_names(comparison)})
    if not bounds or near.left is None or near.right is None:
        return near
    far = _evaluate(comparison, dimension, at_the_far_end(values))
    near = replace(
        near,
        left_bound=_bound(near.left, far.left),
        right_bound=_bound(near.right, far.right),
    )
    if far.passed == near.passed and _is_same_side(near, far):
        return near
    reason = f"{', '.join(bounds)}: only a lower bound is known, since messages have no answer"
    return replace(near, passed=None, reason=reason, missing=tuple(bounds))


def _with_errors(found: Evaluation, comparison: Relation, values: Values) -> Evaluation:
    """Return ``found`` with the errors of both sides; it is unknown if they leave it open."""
    inexact = errors({name: values.get(name) for name in _value_names(comparison)})
    if not inexact or found.left is None or found.right is None:
        return found
    try:
        left, right = (_range(part, values) for part in (comparison.left, comparison.right))
    except ZeroDivisionError:
        reason = f"{', '.join(inexact)}: a divisor may be 0, within the error between the clocks"
        return replace(found, passed=None, reason=reason, missing=tuple(inexact))
    found = replace(
        found,
        left_error=max(left[1] - found.left, found.left - left[0]),
        right_error=max(right[1] - found.right, found.right - right[0]),
    )
    is_value = comparison.left is comparison.right  # of `evaluate_value`
    if (
        is_value
        or found.passed is None
        or _is_decided(comparison, (left, right), passed=found.passed)
    ):
        return found
    reason = f"{', '.join(inexact)}: undecided within the error between the clocks"
    return replace(found, passed=None, reason=reason, missing=tuple(inexact))


def _is_decided(comparison: Relation, sides: tuple[Range, Range], *, passed: bool) -> bool:
    """Return whether ``comparison`` is ``passed`` for all values in the ranges of both sides.

    ``==`` and ``~=`` fail on both sides of a crossing and hold at it; ``!=`` the other way round.
    """
    holds, left, right = _OPERATORS[comparison.operator], *sides
    corners = {
        holds(one, other, _margin(comparison.tolerance, other)) for one in left for other in right
    }
    is_crossing = left[0] <= right[1] and right[0] <= left[1]
    can_cross = is_crossing and comparison.operator in {"==", "~=", "!="}
    is_open = can_cross and passed is (comparison.operator == "!=")
    return corners == {passed} and not is_open


def evaluate_value(part: Part, dimension: Dimension, values: Values) -> Evaluation:
    """Evaluate one checked ``part`` for ``values``: ``left`` of the result is its value."""
    return evaluate(Relation("==", part, part, None), dimension, values)


def _value_names(comparison: Relation) -> list[str]:
    return list(dict.fromkeys(value_name(part) for part in names_in(comparison)))


def _bound(near: float, far: float | None) -> str:
    if far is None or far == near:
        return ""
    return AT_LEAST if far > near else AT_MOST


def _is_same_side(near: Evaluation, far: Evaluation) -> bool:
    """Return whether left and right do not cross between the lower bounds and far above them.

    ``==`` and ``~=`` fail on both sides of a crossing and hold at it.
    """
    if near.left is None or near.right is None or far.left is None or far.right is None:
        return False
    return (near.left > near.right) == (far.left > far.right)


def _evaluate(comparison: Relation, dimension: Dimension, values: Values) -> Evaluation:
    sides: list[float | None] = []
    unknowns: dict[str, str] = {}
    for part in (comparison.left, comparison.right):
        try:
            sides.append(_value(part, values))
        except _UnknownError as error:
            sides.append(None)
            unknowns[str(error)] = error.measure
    left, right = sides
    if left is None or right is None:
        missing = tuple(measure for measure in unknowns.values() if measure)
        return Evaluation(None, left, right, dimension, None, "; ".join(unknowns), missing)
    margin = _margin(comparison.tolerance, right)
    passed = _OPERATORS[comparison.operator](left, right, margin)
    return Evaluation(passed, left, right, dimension, margin)


def value_name(part: MeasureName) -> str:
    """Return the name under which the value of ``part`` is looked up, ``throughput(prefork)``."""
    name, subject = full_name(part.name), subject_of(part)
    return f"{name}({subject})" if subject else name


def subject_of(part: MeasureName) -> str:
    """Return the model and the point that ``part`` names: ``prefork, workers=8``; or nothing."""
    axes = (f"{axis}={value}" for axis, value in part.point)
    return ", ".join(filter(None, (part.model, *axes)))


def _margin(tolerance: Quantity | None, right: float) -> float | None:
    if tolerance is None:
        return None
    return tolerance.value * abs(right) if tolerance.unit == "%" else tolerance.value


def _value(part: Part, values: Values) -> float:
    match part:
        case Quantity():
            return part.value
        case MeasureName():
            return _measured(value_name(part), values)
        case Operation():
            value = _operate(part.operator, _value(part.left, values), _value(part.right, values))
        case Call():
            value = _FUNCTIONS[part.function]([_value(each, values) for each in part.arguments])
    if not math.isfinite(value):
        raise _UnknownError("the result is not a finite number")
    return value


def _range(part: Part, values: Values) -> Range:
    """Return the range of a part that has a value.

    Raises:
        ZeroDivisionError: a divisor may be 0.
    """
    match part:
        case Quantity():
            return part.value, part.value
        case MeasureName():
            value, error = _value(part, values), error_of(values.get(value_name(part)))
            return value - error, value + error
        case Operation():
            return ranges.operate(
                part.operator, _range(part.left, values), _range(part.right, values)
            )
        case Call():
            return _range_of_call(part.function, [_range(each, values) for each in part.arguments])


def _range_of_call(function: str, arguments: list[Range]) -> Range:
    if function == "abs":
        return ranges.magnitude(arguments[0])
    if function == "-":
        return ranges.negative(arguments[0])
    least, most = ([each[end] for each in arguments] for end in (0, 1))
    return _FUNCTIONS[function](least), _FUNCTIONS[function](most)  # none of the rest decreases


def _measured(name: str, values: Values) -> float:
    value = values.get(name)
    if value is None or not math.isfinite(value):
        raise _UnknownError(f"{name} is unknown{_why(name, values)}", name)
    return float(value)


def _why(name: str, values: Values) -> str:
    """Return why the measure ``name`` is unknown, if it is one of a window that saw nothing."""
    window = name.partition(".")[0]
    counts = [f"{window}.acked", f"{window}.acked({name.rpartition('(')[2]}"]
    is_empty = any(count in values and values[count] is None for count in counts)
    return ": no message was due in the window" if window in WINDOWS and is_empty else ""


def _operate(operator: str, left: float, right: float) -> float:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    if right == 0:
        raise _UnknownError("division by zero")
    return left / right


def _same(left: float, right: float) -> bool:
    return math.isclose(left, right, rel_tol=NOISE)


def _round(value: float, towards: Callable[[float], int]) -> float:
    nearest = round(value)
    return float(nearest if _same(value, nearest) else towards(value))


_FUNCTIONS: dict[str, Callable[[list[float]], float]] = {
    "ceil": lambda values: _round(values[0], math.ceil),
    "floor": lambda values: _round(values[0], math.floor),
    "min": min,
    "max": max,
    "abs": lambda values: abs(values[0]),
    "+": lambda values: values[0],
    "-": lambda values: -values[0],
}

_OPERATORS: dict[str, Callable[[float, float, float | None], bool]] = {
    "==": lambda a, b, _: _same(a, b),
    "!=": lambda a, b, _: not _same(a, b),
    "<": lambda a, b, _: a < b and not _same(a, b),
    "<=": lambda a, b, _: a <= b or _same(a, b),
    ">": lambda a, b, _: a > b and not _same(a, b),
    ">=": lambda a, b, _: a >= b or _same(a, b),
    "~=": lambda a, b, margin: abs(a - b) <= (margin or 0) + NOISE * max(abs(a), abs(b)),
}
