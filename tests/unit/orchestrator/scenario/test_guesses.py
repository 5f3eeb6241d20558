"""A guess that is not made is checked like any other, and has no value."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.measures.registry import MEASURES
from orchestrator.measures.syntax import ExpressionError
from orchestrator.scenario.guesses import is_made, parse_guess


def test_a_guess_with_a_value_is_made() -> None:
    guess = parse_guess("makespan ~= 2s within 10%")
    assert is_made(guess)
    assert guess.evaluate({"makespan": 2.1}).passed


@pytest.mark.parametrize(
    "measure", [name for name, each in MEASURES.items() if each.kind != "input"]
)
def test_any_measure_can_be_asked_for(measure: str) -> None:
    guess = parse_guess(f"{measure} ~= ? within 10%")
    assert not is_made(guess)
    assert guess.evaluate({measure: 7.0}).left == 7.0
    assert str(guess) == f"{measure} ~= ? within 10%"


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("makespam ~= ? within 10%", "unknown name 'makespam'; did you mean 'makespan'?", 1),
        ("? < makespan", "a guess that is not made begins with the measure", 1),
        ("acked == ? within 1s", "within is not allowed with ==", 19),
        ("makespan ~= ?", "~= needs a tolerance", 10),
    ],
)
def test_a_mistake_is_found_before_the_guess_is_made(text: str, message: str, column: int) -> None:
    with pytest.raises(ExpressionError) as refusal:
        parse_guess(text)
    assert message in refusal.value.message
    assert refusal.value.column == column


@given(st.text(alphabet="?=~<> makespnwithi10%s()*/", max_size=40))
def test_any_text_is_a_guess_or_an_error_of_expressions(text: str) -> None:
    with contextlib.suppress(ExpressionError):
        assert str(parse_guess(text)) == text
