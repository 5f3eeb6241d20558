"""The text of an answer: words, and holes in braces that a campaign fills with its values.

``{{`` and ``}}`` are braces. A hole is an `Amount` or a `Selection`. This module knows no values.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from orchestrator.measures.check import check_condition, check_hole
from orchestrator.measures.dimensions import Dimension
from orchestrator.measures.expression import Expression
from orchestrator.measures.grammar import MAX_CHARS, parse_hole, parse_tree
from orchestrator.measures.syntax import (
    EXTREMES,
    RATIO,
    ExpressionError,
    Hole,
    MeasureName,
    Part,
    Relation,
    Selection,
    names_in,
)

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+")
_BRACES = {"{{": "{", "}}": "}"}
_UNPAIRED = {
    "{": "this brace is never closed; write } after the measure, or {{ for a brace",
    "}": "no brace is open here; write }} for a brace",
}


@dataclass(frozen=True)
class Order:
    """What orders cases: a ``measure``, and the ``condition`` for a case to take part."""

    measure: Part
    dimension: Dimension
    condition: Relation | None = None


@dataclass(frozen=True)
class Blank:
    """A checked hole; ``about`` is the order to which extremes and ``ratio`` in it refer.

    ``dimension`` is that of its value.
    """

    hole: Hole
    dimension: Dimension
    about: Order | None = None

    @property
    def order(self) -> Order | None:
        """The order of the cases that the hole itself defines: ``fastest(makespan)``."""
        hole = self.hole
        if not isinstance(hole, Selection) or hole.measure is None:
            return None
        return Order(hole.measure, self.dimension, hole.condition)


@dataclass(frozen=True)
class Template:
    """A valid text of an answer; equal to another with the same ``text``."""

    text: str
    pieces: tuple[str | Blank, ...] = field(compare=False, repr=False)

    @property
    def blanks(self) -> list[Blank]:
        """The holes of the text, from left to right."""
        return [piece for piece in self.pieces if isinstance(piece, Blank)]

    @property
    def names(self) -> list[MeasureName]:
        """All names of measures, from left to right."""
        return [name for blank in self.blanks for name in names_in(blank.hole)]

    def __str__(self) -> str:
        return self.text


def parse_template(text: str) -> Template:
    """Return the text of an answer.

    Raises:
        ExpressionError: too long, braces without a partner, or a hole that is not valid.
    """
    if len(text) > MAX_CHARS:
        message = f"{len(text)} characters; a sentence has at most {MAX_CHARS}; write several"
        raise ExpressionError(message, 1)
    pieces = [_piece(found) for found in _PIECE.finditer(text)]
    return Template(text, _with_subjects(pieces))


def parse_condition(text: str) -> Expression:
    """Return the condition of a sentence, which is checked like a hole.

    Raises:
        ExpressionError: no comparison, an unknown name, or units that do not match.
    """
    comparison = parse_tree(text)
    dimension = check_condition(comparison, text)
    if name := _first_reference(comparison):
        raise ExpressionError(_of_what(name), name.span.column)
    return Expression(text, comparison, dimension)


def _piece(found: re.Match[str]) -> str | Blank:
    """Return a piece of a text: words, or a hole, of which columns are those of the whole text."""
    piece, inner = found[0], found[1]
    if piece in _UNPAIRED:
        raise ExpressionError(_UNPAIRED[piece], found.start() + 1)
    if inner is None:
        return _BRACES.get(piece, piece)
    if not inner.strip():
        message = "nothing stands between the braces; write a measure, e.g. {makespan}"
        raise ExpressionError(message, found.start() + 1)
    padded = " " * found.start(1) + inner
    hole = parse_hole(padded)
    return Blank(hole, check_hole(hole, padded))


def _with_subjects(pieces: Sequence[str | Blank]) -> tuple[str | Blank, ...]:
    """Return ``pieces``, each hole with the order that it refers to.

    That is its own, or the last one before it, or the first one of the text.

    Raises:
        ExpressionError: a hole refers to an order and there is none.
    """
    orders = [each.order for each in pieces if isinstance(each, Blank)]
    about = next((order for order in orders if order is not None), None)
    result: list[str | Blank] = []
    for piece in pieces:
        if isinstance(piece, str):
            result.append(piece)
            continue
        about = piece.order or about
        if about is None:
            _refuse_references(piece.hole)
        result.append(replace(piece, about=about))
    return tuple(result)


def _refuse_references(hole: Hole) -> None:
    if isinstance(hole, Selection) and hole.word in EXTREMES:
        message = f"{hole.word} of which measure? write e.g. {hole.word}(makespan)"
        raise ExpressionError(message, hole.span.column)
    if name := _first_reference(hole):
        raise ExpressionError(_of_what(name), name.span.column)


def _first_reference(tree: Relation | Hole) -> MeasureName | None:
    """Return the first name in ``tree`` whose meaning depends on an extreme in the same text."""
    return next((name for name in names_in(tree) if is_reference(name)), None)


def is_reference(name: MeasureName) -> bool:
    """Return whether ``name`` depends on an extreme: ``ratio``, or ``makespan(fastest)``."""
    return name.model in EXTREMES or (name.name == RATIO and not name.model)


def _of_what(name: MeasureName) -> str:
    if name.name == RATIO:
        return "the ratio of which measure? write e.g. ratio(makespan)"
    return f"{name.model} of which measure? write e.g. {{{name.model}(makespan)}} in the same text"
