"""Check an expression before a run: its names are known and its units match.

A checked expression can be evaluated for any values. This module knows no values.
"""

from collections.abc import Mapping

from orchestrator.measures.dimensions import COUNT, RATE, SIZE, TIME, Dimension
from orchestrator.measures.hints import unknown
from orchestrator.measures.registry import ALIASES, MEASURES, find_measure, percentile_problem
from orchestrator.measures.syntax import (
    CHOOSING,
    EXTREMES,
    FUNCTIONS,
    RATIO,
    ROUNDING,
    SIGNS,
    TIMED,
    Call,
    ExpressionError,
    Hole,
    MeasureName,
    Operation,
    Part,
    Quantity,
    Relation,
    Selection,
)

_WITH_UNITS = {TIME: ("s", "ms"), SIZE: ("MB", "MiB"), RATE: (" / 1s", " / 1m")}


def check(comparison: Relation, text: str, checker: "_Checker | None" = None) -> Dimension:
    """Return the dimension of both sides of ``comparison``, which was parsed from ``text``.

    Raises:
        ExpressionError: an unknown name or function, or units that do not match.
    """
    left, right = comparison.left, comparison.right
    dimension = (checker or _Checker(text)).common(left, right)
    if (tolerance := comparison.tolerance) is None:
        return dimension
    if tolerance.unit == "%":
        if _is_zero(right):
            message = "a percentage of 0 is 0; write == 0, or a tolerance with a unit"
            raise ExpressionError(message, tolerance.span.column)
    elif tolerance.dimension != dimension:
        raise _Checker(text).mismatch(right, dimension, tolerance, tolerance.dimension)
    return dimension


def check_term(part: Part, text: str) -> Dimension:
    """Return the dimension of ``part``, a value that was parsed from ``text``.

    Raises:
        ExpressionError: an unknown name or function, or units that do not match.
    """
    return _Checker(text).dimension(part)


def check_value(part: Part, text: str, dimensions: Mapping[str, Dimension]) -> Dimension:
    """Return the dimension of ``part``, in which any name is one of ``dimensions``.

    Raises:
        ExpressionError: an unknown name or function, or units that do not match.
    """
    return _ValueChecker(text, dimensions).dimension(part)


def check_condition(condition: Relation, text: str) -> Dimension:
    """Return the dimension of both sides of a condition of an answer.

    Raises:
        ExpressionError: as `check`, or it has a confidence.
    """
    if condition.confidence is not None:
        message = "a condition holds or it does not; leave the confidence out"
        raise ExpressionError(message, condition.left.span.column)
    return check(condition, text, _Checker(text, is_answer=True))


def check_hole(hole: Hole, text: str) -> Dimension:
    """Return the dimension of the value in ``hole``; that of `WHICH` is a bare number.

    Raises:
        ExpressionError: an unknown name or function, or units that do not match.
    """
    checker = _Checker(text, is_answer=True)
    if isinstance(hole, Selection):
        if hole.condition is not None:
            check_condition(hole.condition, text)
        dimension = COUNT if hole.measure is None else checker.dimension(hole.measure)
        if hole.measure is not None and hole.word in TIMED and dimension not in (TIME, RATE):
            message = f"{hole.word} is for times and rates; write least(...) or most(...)"
            raise ExpressionError(message, hole.span.column)
        return dimension
    dimension = checker.dimension(hole.part)
    if hole.total is not None:
        checker.common(hole.part, hole.total)
    if hole.noun and dimension != COUNT:
        message = f"{hole.noun!r} does not fit here; only a bare number is counted in things"
        raise ExpressionError(message, hole.part.span.end + 2)
    return dimension


class _Checker:
    """Finds the dimension of each part; the text is used in messages.

    ``is_answer`` is true if the parts may have the functions that only answers have.
    """

    def __init__(self, text: str, *, is_answer: bool = False) -> None:
        self._text = text
        self._is_answer = is_answer

    def dimension(self, part: Part) -> Dimension:
        """Return the dimension of ``part``."""
        match part:
            case Quantity():
                return part.dimension
            case MeasureName():
                return self._measure(part)
            case Operation():
                return self._operation(part)
            case Call():
                return self._call(part)

    def common(self, left: Part, right: Part) -> Dimension:
        """Return the common dimension of two parts; a literal 0 has any dimension."""
        ours, theirs = self.dimension(left), self.dimension(right)
        if ours == theirs or _is_zero(right):
            return ours
        if _is_zero(left):
            return theirs
        raise self.mismatch(left, ours, right, theirs)

    def mismatch(
        self, left: Part, ours: Dimension, right: Part, theirs: Dimension
    ) -> ExpressionError:
        """Return the error for parts with different units, with a hint if a literal has no unit."""
        hint = "both need the same unit"
        for part, other in ((right, ours), (left, theirs)):
            if isinstance(part, Quantity) and part.unit == "" and other in _WITH_UNITS:
                forms = " or ".join(f"{self._source(part)}{unit}" for unit in _WITH_UNITS[other])
                hint = f"write a unit, e.g. {forms}"
                break
        message = f"{self._source(left)} is {ours} and {self._source(right)} is {theirs}; {hint}"
        return ExpressionError(message, right.span.column)

    def _measure(self, part: MeasureName) -> Dimension:
        if self._is_answer:
            self._check_whole(part)
        if self._is_answer and part.name == RATIO:
            if part.model and find_measure(part.model) is None:
                message = unknown("name", part.model, (*MEASURES, *ALIASES))
                raise ExpressionError(message, part.span.column + len(RATIO) + 1)
            return COUNT
        measure = find_measure(part.name)
        if measure is None and (problem := percentile_problem(part.own_name)):
            raise ExpressionError(problem, part.span.column)
        if measure is None and part.model:
            raise ExpressionError(unknown("function", part.name, FUNCTIONS), part.span.column)
        if measure is None:
            message = unknown("name", part.own_name, (*MEASURES, *ALIASES))
            raise ExpressionError(message, part.span.end - len(part.own_name) + 1)
        if part.group and not measure.is_of_group:
            message = f"{measure.name} is of the whole case only; write {part.own_name}"
            raise ExpressionError(message, part.span.column)
        return measure.dimension

    def _check_whole(self, part: MeasureName) -> None:
        """Refuse a point for what is over all cases: a ratio, or the measure at an extreme."""
        if part.point and (part.name == RATIO or part.model in EXTREMES):
            what = RATIO if part.name == RATIO else part.model
            axis, value = part.point[0]
            message = f"{what} is over all cases; leave {axis}={value} out"
            raise ExpressionError(message, part.span.column)

    def _operation(self, part: Operation) -> Dimension:
        left, right = self.dimension(part.left), self.dimension(part.right)
        if part.operator == "*":
            return left * right
        if part.operator == "/":
            return left / right
        if left != right:
            raise self.mismatch(part.left, left, part.right, right)
        return left

    def _call(self, part: Call) -> Dimension:
        self._check_function(part)
        if part.function in CHOOSING:
            reference, *others = part.arguments
            for other in others:
                self.common(reference, other)
                reference = other if _is_zero(reference) else reference
            return self.dimension(reference)
        (argument,) = part.arguments
        dimension = self.dimension(argument)
        if part.function in ROUNDING and dimension != COUNT:
            source = self._source(argument)
            hint = "divide it by a unit first"
            message = f"{part.function} needs a bare number and {source} is {dimension}; {hint}"
            raise ExpressionError(message, argument.span.column)
        return dimension

    def _check_function(self, part: Call) -> None:
        if self._is_answer and part.function == RATIO:
            message = "ratio is that of one measure; write e.g. ratio(makespan)"
            raise ExpressionError(message, part.span.column)
        if part.function not in (*FUNCTIONS, *SIGNS):
            message = unknown("function", part.function, FUNCTIONS)
            raise ExpressionError(message, part.span.column)
        count, choosing = len(part.arguments), part.function in CHOOSING
        if (count > 1) != choosing:
            wanted = "two or more values" if choosing else "one value"
            message = f"{part.function} takes {wanted} and got {count}"
            raise ExpressionError(message, part.span.column)

    def _source(self, part: Part) -> str:
        return self._text[part.span.start : part.span.end]


class _ValueChecker(_Checker):
    """A checker of parts whose names are keys of a scenario instead of measures."""

    def __init__(self, text: str, dimensions: Mapping[str, Dimension]) -> None:
        super().__init__(text)
        self._dimensions = dimensions

    def _measure(self, part: MeasureName) -> Dimension:
        if part.model or part.name not in self._dimensions:
            kind = "function" if part.model else "key"
            message = unknown(kind, part.name, FUNCTIONS if part.model else self._dimensions)
            raise ExpressionError(message, part.span.column)
        return self._dimensions[part.name]


def _is_zero(part: Part) -> bool:
    return isinstance(part, Quantity) and part.unit == "" and part.value == 0
