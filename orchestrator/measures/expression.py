"""One expectation of a scenario, parsed and checked once, evaluated for each case.

A `Term` is one value: a side of an expectation, or what a published figure is held against.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.measures.check import check, check_term
from orchestrator.measures.dimensions import Dimension, format_value
from orchestrator.measures.evaluate import (
    Evaluation,
    evaluate,
    evaluate_value,
    value_name,
)
from orchestrator.measures.grammar import parse_tree, parse_value
from orchestrator.measures.registry import full_name, is_input
from orchestrator.measures.syntax import MeasureName, Part, Quantity, Relation, names_in

MIN_REPEATS = 5
"""With fewer, no comparison and no expression reaches a confidence of 95%: 1/2^4 is above 5%."""


def fewest_repeats(confidence: float) -> int:
    """Return how many repeats an expression needs to hold with ``confidence``, a share."""
    return max(MIN_REPEATS, math.ceil(math.log2(1 / (1 - confidence))))


@dataclass(frozen=True)
class Term:
    """A valid value, a measure or arithmetic; equal to another with the same ``text``."""

    text: str
    part: Part = field(compare=False, repr=False)
    dimension: Dimension = field(compare=False, repr=False)

    def evaluate(self, values: Mapping[str, float | None]) -> Evaluation:
        """Evaluate it for ``values``, by full name: ``left`` of the result is its value."""
        return evaluate_value(self.part, self.dimension, values)

    @property
    def names(self) -> list[MeasureName]:
        """All names of measures, from left to right."""
        return list(names_in(self.part))

    @property
    def confidence(self) -> None:
        """None, as a value has no confidence."""
        return None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Expression:
    """A valid expectation; equal to another with the same ``text``."""

    text: str
    comparison: Relation = field(compare=False, repr=False)
    dimension: Dimension = field(compare=False, repr=False)

    def evaluate(self, values: Mapping[str, float | None]) -> Evaluation:
        """Evaluate the expectation for ``values``, inputs and measures by full name.

        The result is unknown if a value that it needs is missing, None or not finite.
        """
        return evaluate(self.comparison, self.dimension, values)

    @property
    def names(self) -> list[MeasureName]:
        """All names of measures, from left to right."""
        return list(names_in(self.comparison))

    @property
    def value_names(self) -> list[str]:
        """The full names of the values that are looked up, each once."""
        return list(dict.fromkeys(map(value_name, self.names)))

    @property
    def confidence(self) -> float | None:
        """The confidence as a share, None if there is none."""
        return self.comparison.confidence

    def side_text(self, value: float) -> str:
        """Return the ``value`` of a side with its unit; in percent if the other is in percent."""
        sides = (self.comparison.left, self.comparison.right)
        if any(isinstance(side, Quantity) and side.unit == "%" for side in sides):
            return f"{value * 100:.4g}%"
        return format_value(value, self.dimension)

    def side_texts(self, result: Evaluation) -> tuple[str, str]:
        """Return the sides of ``result`` with units, bounds and errors; empty if unknown."""
        return (
            self._text(result.left, result.left_bound, result.left_error),
            self._text(result.right, result.right_bound, result.right_error),
        )

    def _text(self, value: float | None, bound: str, error: float) -> str:
        if value is None:
            return ""
        return f"{bound}{self.side_text(value)}" + (f" ±{self.side_text(error)}" if error else "")

    @property
    def measured_sides(self) -> list[Term]:
        """Its sides, without one that is a constant or that the scenario sets."""
        sides = (self.comparison.left, self.comparison.right)
        terms = [
            Term(self.text[each.span.start : each.span.end], each, self.dimension) for each in sides
        ]
        return [term for term in terms if any(_is_measured(name) for name in term.names)]

    def __str__(self) -> str:
        return self.text


def _is_measured(name: MeasureName) -> bool:
    return not is_input(full_name(name.own_name))


def parse_term(text: str) -> Term:
    """Return the value in ``text``.

    Raises:
        ExpressionError: no single value, an unknown name, or units that do not match.
    """
    part = parse_value(text)
    return Term(text, part, check_term(part, text))


def parse_expression(text: str) -> Expression:
    """Return the expectation in ``text``.

    Raises:
        ExpressionError: no comparison, an unknown name, or units that do not match.
    """
    comparison = parse_tree(text)
    return Expression(text, comparison, check(comparison, text))
