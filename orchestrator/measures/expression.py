"""One expectation of a scenario, parsed and checked once, evaluated for each case."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.measures.check import check
from orchestrator.measures.dimensions import Dimension, format_value
from orchestrator.measures.evaluate import Evaluation, evaluate, value_name
from orchestrator.measures.grammar import parse_tree
from orchestrator.measures.syntax import MeasureName, Quantity, Relation, names_in


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
        """Return the sides of ``result`` with their units and bounds; empty if unknown."""
        left = "" if result.left is None else result.left_bound + self.side_text(result.left)
        right = "" if result.right is None else result.right_bound + self.side_text(result.right)
        return left, right

    def __str__(self) -> str:
        return self.text


def parse_expression(text: str) -> Expression:
    """Return the expectation in ``text``.

    Raises:
        ExpressionError: no comparison, an unknown name, or units that do not match.
    """
    comparison = parse_tree(text)
    return Expression(text, comparison, check(comparison, text))
