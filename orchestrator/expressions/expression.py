"""One expectation of a scenario, parsed and checked once, evaluated for each case."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from orchestrator.dimensions import Dimension
from orchestrator.expressions.check import check
from orchestrator.expressions.evaluate import Outcome, evaluate
from orchestrator.expressions.grammar import parse_tree
from orchestrator.expressions.syntax import Comparison, names_in


@dataclass(frozen=True)
class Expression:
    """A valid expectation; equal to another with the same ``text``."""

    text: str
    comparison: Comparison = field(compare=False, repr=False)
    dimension: Dimension = field(compare=False, repr=False)

    def evaluate(self, values: Mapping[str, float | None]) -> Outcome:
        """Return what becomes of it for ``values``, inputs and measures by full name.

        A name that is absent, None or not finite is unknown, and the outcome with it.
        """
        return evaluate(self.comparison, self.dimension, values)

    def groups(self) -> Iterator[tuple[str, int]]:
        """Yield each client group that a measure is asked of, and its column in the text."""
        for part in names_in(self.comparison):
            if part.group:
                yield part.group, part.span.column

    def __str__(self) -> str:
        return self.text


def parse_expression(text: str) -> Expression:
    """Return the expectation that ``text`` states.

    Raises:
        ExpressionError: no comparison, an unknown name, or units that do not go together.
    """
    comparison = parse_tree(text)
    return Expression(text, comparison, check(comparison, text))
