"""Expressions nobody wrote: random text, and random trees against a reference of another make."""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.measures.expression import parse_expression
from orchestrator.measures.registry import MEASURES
from orchestrator.measures.syntax import ExpressionError

COUNTS = {"users": 7, "workers": 5, "messages": 3, "backlog": 128}
WORDS = [
    *MEASURES,
    "within",
    "ceil",
    "min",
    "(",
    ")",
    ",",
    "==",
    "~=",
    "<",
    "10%",
    "5ms",
    "0",
    "2",
    "p",
    "p95",
    "slow.p(99.5)",
    "p100",
]
OPERATORS: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def evaluate_or_refuse(text: str) -> None:
    """Anything but an outcome or an ``ExpressionError`` is an exception and fails the test."""
    try:
        expression = parse_expression(text)
    except ExpressionError as error:
        refusal = error
    else:
        assert expression.evaluate(dict.fromkeys(MEASURES, 0.0)).passed in {True, False, None}
        assert expression.evaluate({}).passed in {True, False, None}
        return
    assert 1 <= refusal.column <= len(text) + 1
    assert refusal.message


@given(st.text())
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    evaluate_or_refuse(text)


@given(st.lists(st.sampled_from([*WORDS, "+", "-", "*", "/", "^", "."]), max_size=20))
def test_any_words_are_an_expression_or_refused(words: list[str]) -> None:
    evaluate_or_refuse(" ".join(words))


@dataclass(frozen=True)
class Tree:
    """Text of an expression with every bracket written, its exact value, None by division by 0.

    ``magnitude`` is the largest number met on the way; rounding errors grow with it.
    """

    text: str
    value: Fraction | None
    magnitude: Fraction


def join(left: Tree, sign: str, right: Tree) -> Tree:
    value: Fraction | None = None
    if left.value is not None and right.value is not None and (sign != "/" or right.value):
        value = OPERATORS[sign](left.value, right.value)
    magnitude = max(left.magnitude, right.magnitude, abs(value or Fraction()))
    return Tree(f"({left.text} {sign} {right.text})", value, magnitude)


def negate(tree: Tree) -> Tree:
    return Tree(f"-{tree.text}", None if tree.value is None else -tree.value, tree.magnitude)


def combine(children: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    """Divide by a number or a name only: a divisor is then 0 exactly, or not at all."""
    joined = st.builds(join, children, st.sampled_from("+-*"), children)
    divided = st.builds(join, children, st.just("/"), NUMBERS | NAMES)
    return joined | divided | st.builds(negate, children)


NUMBERS = st.integers(0, 99).map(lambda n: Tree(str(n), Fraction(n), Fraction(n)))
NAMES = st.sampled_from(sorted(COUNTS)).map(
    lambda name: Tree(name, Fraction(COUNTS[name]), Fraction(COUNTS[name]))
)
TREES = st.recursive(NUMBERS | NAMES, combine, max_leaves=12).filter(lambda it: len(it.text) < 480)


@given(TREES)
def test_arithmetic_agrees_with_fractions(tree: Tree) -> None:
    """Exact fractions, built beside the text, are the reference."""
    outcome = parse_expression(f"{tree.text} == 1").evaluate({**COUNTS})
    if tree.value is None:
        assert outcome.reason == "division by zero"
    else:
        assert outcome.left is not None
        assert abs(outcome.left - tree.value) <= 1e-9 * max(1.0, float(tree.magnitude))


@pytest.mark.parametrize(
    ("text", "meant"), [("makespan < 2 s", "2s"), ("peak_memory < 1.5 MiB", "1.5MiB")]
)
def test_a_unit_apart_from_its_number_is_written_together(text: str, meant: str) -> None:
    with pytest.raises(ExpressionError, match=f"a unit follows its number at once; write {meant}$"):
        parse_expression(text)
