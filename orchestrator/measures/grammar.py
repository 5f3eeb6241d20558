"""Parse the text of an expectation, or of a hole in an answer, into its syntax tree.

Any text that is not one comparison gives an ``ExpressionError`` with its column. This module does
not know which names exist and which units match.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from orchestrator.measures.dimensions import UNITS_BYTES, unit_value
from orchestrator.measures.hints import listed
from orchestrator.measures.percentiles import FORM, PercentileError, plain_name, statistic_of
from orchestrator.measures.syntax import (
    FUNCTIONS,
    WHICH,
    Amount,
    Call,
    ExpressionError,
    Hole,
    MeasureName,
    Operation,
    Part,
    Quantity,
    Relation,
    Selection,
    Span,
    depth_over,
)

CONFIDENCES = (0.5, 0.999)
WITHIN, WITH = "within", "with"
MAX_CHARS = 500
GRAMMAR = r"""
start: sum (COMPARE sum)* ("within" tolerance)? ("with" confidence)?
?value: sum
?hole: extreme | which | amount
extreme: extreme_word (OPEN sum ("," start)? CLOSE)?
!extreme_word: "fastest" | "slowest" | "least" | "most"
which: "which" OPEN start CLOSE
amount: sum (OF sum)? NAME*
tolerance: QUANTITY
confidence: QUANTITY
?sum: product | sum SIGN product -> operation
?product: factor | product SCALE factor -> operation
?factor: atom | SIGN factor -> signed
?atom: QUANTITY -> quantity
     | NAME -> name
     | NAME OPEN argument ("," argument)* CLOSE -> call
     | NAME OPEN argument CLOSE OPEN argument ("," argument)* CLOSE -> percentile_of
     | OPEN sum CLOSE -> group
?argument: sum | NAME "=" VALUE -> axis

COMPARE: "==" | "!=" | "<=" | ">=" | "~=" | "<" | ">"
SIGN: "+" | "-"
SCALE: "*" | "/"
OPEN: "("
CLOSE: ")"
OF: "of"
VALUE.-1: /[A-Za-z0-9][^\s,()]*(\([^\s()]*\))?/
QUANTITY: /[0-9]+(\.[0-9]+)?(\/[sm]\b|[A-Za-z]+|%)?/
NAME: WORD ("." WORD)* DECIMALS?
WORD: /[A-Za-z_][A-Za-z0-9_]*/
DECIMALS: /((?<=p[0-9])|(?<=p[0-9]{2})|(?<=p[0-9]{3}))\.[0-9]+/
%ignore /[ \t\r\n]+/
"""
_PERCENTILE = re.compile(r"(?:.*[._])?p")
_LAST_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s+$")
_QUANTITY = re.compile(r"([0-9.]+)(.*)")
_FOLLOWERS = {
    "SIGN": "+ - * /",
    "COMPARE": "a comparison",
    "COMMA": "','",
    "CLOSE": "')'",
    "EQUAL": "= and a value of that axis",
    "VALUE": "a value of that axis",
    "OF": "of",
    "OPEN": "'('",
    "WITHIN": "within",
    "WITH": "with",
    "NAME": "a noun",
    "QUANTITY": "a tolerance such as 10% or 50ms",
    "$END": "the end",
}
_HINTS = {
    "=": "write == to compare",
    "and": "write each expectation as a separate item",
    "or": "an expectation cannot have alternatives",
    "~": "write ~= with a tolerance, e.g. ~= 2s within 10%",
    "%": "write a percentage as a number with %, e.g. 10%",
}


class _Axis(NamedTuple):
    """An axis and its value in ``makespan(workers=8)``."""

    name: str
    value: str
    span: Span


class Clause(NamedTuple):
    """What may follow a comparison: ``within`` a tolerance, ``with`` a confidence."""

    word: str
    quantity: Quantity


def parse_tree(text: str) -> Relation:
    """Return the tree of ``text``.

    Raises:
        ExpressionError: too long, too deep, or not one comparison.
    """
    tree = _parse(text, "start")
    assert isinstance(tree, Relation)  # noqa: S101 - what `start` returns, for the type checker
    return tree


def parse_hole(text: str) -> Hole:
    """Return the tree of ``text``, which stands between braces in an answer.

    Raises:
        ExpressionError: too long, too deep, or neither a value nor a selection of cases.
    """
    tree = _parse(text, "hole")
    assert isinstance(tree, Hole)  # noqa: S101 - what `hole` returns, for the type checker
    return tree


def parse_value(text: str) -> Part:
    """Return the tree of ``text``, which is one value: a number, a name or arithmetic.

    Raises:
        ExpressionError: too long, too deep, or not one value.
    """
    tree = _parse(text, "value")
    assert isinstance(tree, Part)  # noqa: S101 - what `value` returns, for the type checker
    return tree


def _parse(text: str, start: str) -> object:
    if len(text) > MAX_CHARS:
        message = f"{len(text)} characters; an expression has at most {MAX_CHARS}"
        raise ExpressionError(message, 1)
    try:
        return _parser(start).parse(text)
    except UnexpectedInput as error:
        raise _syntax_error(error, text) from None


def _syntax_error(error: UnexpectedInput, text: str) -> ExpressionError:
    """Return the error at the place where ``text`` does not match the grammar."""
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return ExpressionError(
            "the expression ends too early; a number or a name is missing", len(text.rstrip()) + 1
        )
    start = error.pos_in_stream or 0
    found = text[start] if isinstance(error, UnexpectedCharacters) else str(error.token)  # type: ignore[attr-defined]
    hint = _hint(found, text[:start]) or _accepted(error)
    return ExpressionError(f"{found!r} does not fit here; {hint}", start + 1)


def _hint(found: str, before: str) -> str | None:
    number = _LAST_NUMBER.search(before)
    if number and found not in _HINTS and unit_value(found) is not None:
        return f"a unit follows its number at once; write {number[1]}{found}"
    return _HINTS.get(found)


def _accepted(error: UnexpectedInput) -> str:
    """Return a list of what the grammar accepts at the place of ``error``."""
    if not isinstance(error, UnexpectedToken):
        return "allowed: names, numbers, comparisons and + - * / ( ) ,"
    accepted = error.accepts or set()
    if {"NAME", "QUANTITY"} <= accepted:
        return "allowed: a number, a name or '('"
    words = (words for terminal, words in _FOLLOWERS.items() if terminal in accepted)
    return f"allowed: {listed(words)}"


@v_args(inline=True)
class _Builder(Transformer[Token, Any]):
    """Builds the tree bottom-up while the text is parsed, without recursion."""

    def start(self, left: Part, *all_rest: Any) -> Relation:  # noqa: ANN401 - tokens and parts in turn
        rest = [each for each in all_rest if not isinstance(each, Clause)]
        clauses = {each.word: each.quantity for each in all_rest if isinstance(each, Clause)}
        if len(rest) < 2:  # noqa: PLR2004 - an operator and a right side
            message = "the comparison is missing; write e.g. failed == 0"
            raise ExpressionError(message, left.span.column)
        if len(rest) > 3:  # noqa: PLR2004 - operator, right side, tolerance
            message = "a chain of comparisons is not allowed; write separate expectations"
            raise ExpressionError(message, _span(rest[2]).column)
        operator, right = rest[:2]
        tolerance = _tolerance(str(operator), _span(operator).column, clauses.get(WITHIN))
        return Relation(str(operator), left, right, tolerance, _confidence(clauses.get(WITH)))

    def tolerance(self, token: Token) -> Clause:
        return Clause(WITHIN, _quantity(token))

    def confidence(self, token: Token) -> Clause:
        return Clause(WITH, _quantity(token))

    def operation(self, left: Part, operator: Token, right: Part) -> Operation:
        span = Span(left.span.start, right.span.end)
        return Operation(span, str(operator), left, right, depth_over((left, right), span))

    def signed(self, sign: Token, operand: Part) -> Part:
        span = Span(_span(sign).start, operand.span.end)
        return Call(span, str(sign), (operand,), depth_over((operand,), span))

    def quantity(self, token: Token) -> Quantity:
        return _quantity(token)

    def name(self, token: Token) -> MeasureName:
        return MeasureName(_span(token), _plain(token))

    def axis(self, name: Token, value: Token) -> _Axis:
        return _Axis(str(name), str(value), Span(_span(name).start, _span(value).end))

    def call(self, function: Token, _opening: Token, *rest: Any) -> Call | MeasureName:  # noqa: ANN401 - parts, then the bracket
        arguments, axes = rest[:-1], [each for each in rest if isinstance(each, _Axis)]
        span = Span(_span(function).start, _span(rest[-1]).end)
        if _PERCENTILE.fullmatch(function) and len(arguments) == 1:
            return _percentile(function, arguments[0], span)
        if axes or (function not in FUNCTIONS and _is_name_alone(arguments)):
            return _measure_of(_plain(function), arguments, span)
        return Call(span, str(function), arguments, depth_over(arguments, span))

    def extreme_word(self, word: Token) -> Token:
        return word

    def extreme(self, word: Token, *rest: Any) -> Selection:  # noqa: ANN401 - brackets and parts
        if not rest:
            return Selection(_span(word), str(word), None, None)
        _, measure, *condition, closing = rest
        span = Span(_span(word).start, _span(closing).end)
        return Selection(span, str(word), measure, *condition or [None])

    def which(self, opening: Token, condition: Relation, closing: Token) -> Selection:
        span = Span(_span(opening).start, _span(closing).end)
        return Selection(span, WHICH, None, condition)

    def amount(self, part: Part, *rest: Any) -> Amount:  # noqa: ANN401 - `of` and a part, then words
        totals = [each for each in rest if not isinstance(each, Token)]
        nouns = [str(each) for each in rest if isinstance(each, Token) and each.type == "NAME"]
        return Amount(part.span, part, next(iter(totals), None), " ".join(nouns))

    def percentile_of(self, function: Token, *rest: Any) -> MeasureName:  # noqa: ANN401 - brackets and parts
        _, percent, closing, *subject = rest
        if not _PERCENTILE.fullmatch(function):
            message = f"two pairs of brackets follow p(99.5) only, not {function}"
            raise ExpressionError(message, _span(closing).end + 1)
        span = Span(_span(function).start, _span(rest[-1]).end)
        measure = _percentile(function, percent, span)
        return _measure_of(measure.name, subject[1:-1], span)

    def group(self, opening: Token, inner: Part, closing: Token) -> Part:
        return replace(inner, span=Span(_span(opening).start, _span(closing).end))


def _plain(token: Token) -> str:
    """Return the name without a point among the digits of a percentile: ``p99_5`` for ``p99.5``.

    Raises:
        ExpressionError: it has decimals and is no percentile.
    """
    try:
        return plain_name(str(token))
    except PercentileError as error:
        raise ExpressionError(str(error), _span(token).column) from None


def _is_name_alone(arguments: Sequence[object]) -> bool:
    return len(arguments) == 1 and isinstance(arguments[0], MeasureName)


def _measure_of(name: str, arguments: Sequence[Part | _Axis], span: Span) -> MeasureName:
    """Return the measure ``name`` of a model, at a point, or of a model at a point.

    Raises:
        ExpressionError: the arguments are not a model, if there is one, and then values of axes.
    """
    models = [each for each in arguments if not isinstance(each, _Axis)]
    axes = [each for each in arguments if isinstance(each, _Axis)]
    for each in models:
        is_bare = isinstance(each, MeasureName) and not each.model and not each.point
        if not is_bare or each is not arguments[0]:
            message = f"write a model and values of axes, e.g. {name}(prefork, workers=8)"
            raise ExpressionError(message, each.span.column)
    seen: set[str] = set()
    for axis in axes:
        if axis.name in seen:
            message = f"{axis.name} has a value already; name each axis once"
            raise ExpressionError(message, axis.span.column)
        seen.add(axis.name)
    model = "".join(each.name for each in models if isinstance(each, MeasureName))
    return MeasureName(
        span, name, model=model, point=tuple((axis.name, axis.value) for axis in axes)
    )


def _percentile(function: Token, percent: Part | _Axis, span: Span) -> MeasureName:
    """Return the measure ``response_time_p99_5`` for ``response_time_p(99.5)``.

    Raises:
        ExpressionError: the brackets do not contain a percentile.
    """
    if not isinstance(percent, Quantity) or percent.unit:
        message = f"{function} needs a number without a unit in its brackets; {FORM}"
        raise ExpressionError(message, percent.span.column)
    try:
        return MeasureName(span, f"{function[:-1]}{statistic_of(f'{percent.value:.15g}')}")
    except PercentileError as error:
        raise ExpressionError(str(error), percent.span.column) from None


def _tolerance(operator: str, column: int, within: Quantity | None) -> Quantity | None:
    """Return the tolerance of a comparison with its ``operator`` at ``column``.

    Raises:
        ExpressionError: ``~=`` without a tolerance, or another operator with one.
    """
    if operator == "~=" and within is None:
        message = "~= needs a tolerance; write e.g. within 10% or within 50ms"
        raise ExpressionError(message, column)
    if operator != "~=" and within is not None:
        message = f"within is not allowed with {operator}; use ~= for a tolerance"
        raise ExpressionError(message, within.span.column)
    return within


def _confidence(asked: Quantity | None) -> float | None:
    """Return the confidence as a share, None if there is none.

    Raises:
        ExpressionError: it is not a percentage within `CONFIDENCES`.
    """
    if asked is None:
        return None
    low, high = CONFIDENCES
    if asked.unit != "%" or not low <= asked.value <= high:
        message = f"a confidence is from {low:.0%} to {high:.1%}; write e.g. with 95%"
        raise ExpressionError(message, asked.span.column)
    return asked.value


def _quantity(token: Token) -> Quantity:
    number, unit = _QUANTITY.fullmatch(token).groups()  # type: ignore[union-attr]
    worth = unit_value(unit)
    if worth is None:
        units = ", ".join(("us, ms, s, m", *UNITS_BYTES, "%"))
        message = f"unknown unit {unit!r} in {str(token)!r}; allowed: {units}"
        raise ExpressionError(message, _span(token).column)
    value = float(number) * worth[0]
    if not math.isfinite(value):
        raise ExpressionError("the number is too large; write a smaller one", _span(token).column)
    return Quantity(_span(token), value, worth[1], unit)


def _span(token: Token) -> Span:
    return Span(token.start_pos or 0, token.end_pos or 0)


@cache
def _parser(start: str) -> Lark:
    """Return the parser of one start, made when it is first needed, as that takes 20 ms or more.

    One parser for all starts would know less about what may follow in an expectation.
    """
    return Lark(GRAMMAR, start=start, parser="lalr", transformer=_Builder())
