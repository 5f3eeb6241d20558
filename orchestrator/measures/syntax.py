"""The syntax tree of an expression; each part has its position in the text.

This module knows no measures, no rules for units, and no measured values.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.measures.dimensions import Dimension

MAX_EXPRESSION_DEPTH = 50
SIGNS = ("+", "-")
ROUNDING = ("ceil", "floor")
CHOOSING = ("min", "max")
FUNCTIONS = (*ROUNDING, *CHOOSING, "abs")
EXTREMES = ("fastest", "slowest", "least", "most")
"""Words of an answer that name the cases with the smallest or the largest value."""
TIMED = ("fastest", "slowest")
"""Those for times, of which the smallest is the fastest, and rates, of which the largest is."""
WHICH = "which"
"""The word of an answer that names the cases for which a comparison holds."""
RATIO = "ratio"
"""The function of an answer: the largest value of a measure over all cases / the smallest."""


class ExpressionError(ValueError):
    """The text is not a valid expectation; ``column``, from 1, is a position in the text."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.column = column


@dataclass(frozen=True)
class Span:
    """The position of a part: offsets into the text, without ``end``."""

    start: int
    end: int

    @property
    def column(self) -> int:
        """The column of the first character, from 1."""
        return self.start + 1


@dataclass(frozen=True)
class Quantity:
    """A number with an optional unit; ``value`` is in base units."""

    span: Span
    value: float
    dimension: Dimension
    unit: str
    depth: int = 1


@dataclass(frozen=True)
class MeasureName:
    """The name of a measure as written, of the case or of a group: ``slow.response_time_p99``.

    ``model`` is the model in ``throughput(prefork)``, otherwise empty. ``point`` are the axes in
    ``throughput(prefork, workers=8)``, each with its value as text.
    """

    span: Span
    name: str
    depth: int = 1
    model: str = ""
    point: tuple[tuple[str, str], ...] = ()

    @property
    def group(self) -> str:
        """The name of the group, empty for a measure of the case."""
        return self.name.rpartition(".")[0]

    @property
    def own_name(self) -> str:
        """The name of the measure without the group."""
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
    """A function of parts; a sign is a function of one part."""

    span: Span
    function: str
    arguments: tuple["Part", ...]
    depth: int


Part = Quantity | MeasureName | Operation | Call


@dataclass(frozen=True)
class Relation:
    """A comparison of two parts; a relative tolerance is a share of the right side's magnitude.

    ``confidence`` is a share, tested over the repeats; if it is None, their median decides.
    """

    operator: str
    left: Part
    right: Part
    tolerance: Quantity | None
    confidence: float | None = None


@dataclass(frozen=True)
class Selection:
    """Names of cases: ``word`` is one of `EXTREMES` of a ``measure``, or `WHICH`.

    Only cases for which the ``condition`` holds are named. Without a measure, it is that of the
    extreme before it in the same sentence.
    """

    span: Span
    word: str
    measure: Part | None
    condition: Relation | None


@dataclass(frozen=True)
class Amount:
    """A value in a sentence: ``part``, of a ``total`` if there is one; its ``noun`` is plural."""

    span: Span
    part: Part
    total: Part | None
    noun: str


Hole = Selection | Amount
"""What stands between braces in the text of an answer."""


def names_in(tree: Relation | Part | Hole) -> Iterator[MeasureName]:
    """Yield all names of measures in ``tree``, from left to right."""
    if isinstance(tree, MeasureName):
        yield tree
        return
    for part in _parts_of(tree):
        if part is not None:
            yield from names_in(part)


def _parts_of(tree: Relation | Part | Hole) -> tuple[Relation | Part | None, ...]:
    match tree:
        case Relation() | Operation():
            return (tree.left, tree.right)
        case Call():
            return tree.arguments
        case Selection():
            return (tree.measure, tree.condition)
        case Amount():
            return (tree.part, tree.total)
    return ()


def depth_over(parts: tuple[Part, ...], span: Span) -> int:
    """Return the depth of a part that contains ``parts``.

    Raises:
        ExpressionError: too deep for the recursion that evaluates it.
    """
    depth = 1 + max(part.depth for part in parts)
    if depth > MAX_EXPRESSION_DEPTH:
        message = f"more than {MAX_EXPRESSION_DEPTH} operations deep; write several expectations"
        raise ExpressionError(message, span.column)
    return depth
