"""The tree of an expression: what may stand in it and where it stood in the text.

Plain values. Nothing here knows a measure, a dimension rule or a number's value at run time.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.measures.dimensions import Dimension

MAX_EXPRESSION_DEPTH = 50
SIGNS = ("+", "-")
ROUNDING = ("ceil", "floor")
CHOOSING = ("min", "max")
FUNCTIONS = (*ROUNDING, *CHOOSING, "abs")


class ExpressionError(ValueError):
    """The text is no valid expectation; ``column`` (from 1) is where in the text."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.column = column


@dataclass(frozen=True)
class Span:
    """Where a part stood: offsets into the text, ``end`` not included."""

    start: int
    end: int

    @property
    def column(self) -> int:
        """The column of the first character, from 1."""
        return self.start + 1


@dataclass(frozen=True)
class Quantity:
    """A literal: its value in base units."""

    span: Span
    value: float
    dimension: Dimension
    unit: str
    depth: int = 1


@dataclass(frozen=True)
class MeasureName:
    """A measure, as written: of the case, or of a client group, ``slow.response_time_p99``.

    ``model`` where it is asked of one model beside others: ``throughput(prefork)``.
    """

    span: Span
    name: str
    depth: int = 1
    model: str = ""

    @property
    def group(self) -> str:
        """The name of the group, empty for a measure of the case."""
        return self.name.rpartition(".")[0]

    @property
    def own_name(self) -> str:
        """The measure's name without the group."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True)
class Operation:
    """An operator between two parts."""

    span: Span
    operator: str
    left: "Part"
    right: "Part"
    depth: int


@dataclass(frozen=True)
class Call:
    """A function of parts; a sign is the function ``-`` of one part."""

    span: Span
    function: str
    arguments: tuple["Part", ...]
    depth: int


Part = Quantity | MeasureName | Operation | Call


@dataclass(frozen=True)
class Relation:
    """A whole expectation; a relative tolerance is a share of the right side's magnitude.

    ``confidence``, a share, is asked over repeats; None judges by their median alone.
    """

    operator: str
    left: Part
    right: Part
    tolerance: Quantity | None
    confidence: float | None = None


def names_in(tree: Relation | Part) -> Iterator[MeasureName]:
    """Yield every measure that is named, from left to right."""
    match tree:
        case MeasureName():
            yield tree
        case Relation() | Operation():
            yield from names_in(tree.left)
            yield from names_in(tree.right)
        case Call():
            for argument in tree.arguments:
                yield from names_in(argument)


def depth_over(parts: tuple[Part, ...], span: Span) -> int:
    """Return the depth of a part that holds ``parts``.

    Raises:
        ExpressionError: deeper than a reader, or the recursion that evaluates it, can follow.
    """
    depth = 1 + max(part.depth for part in parts)
    if depth > MAX_EXPRESSION_DEPTH:
        message = f"more than {MAX_EXPRESSION_DEPTH} operations deep; write several expectations"
        raise ExpressionError(message, span.column)
    return depth
