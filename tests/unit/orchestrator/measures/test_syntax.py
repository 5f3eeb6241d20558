"""The syntax tree: its names in order, its positions in the text, and its depth."""

import pytest

from orchestrator.measures.dimensions import COUNT
from orchestrator.measures.grammar import parse_tree
from orchestrator.measures.syntax import (
    MAX_EXPRESSION_DEPTH,
    ExpressionError,
    MeasureName,
    Quantity,
    Span,
    depth_over,
    names_in,
)

ANYWHERE = Span(4, 5)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("1 == 2", []),
        ("a == a", ["a", "a"]),
        ("max(b, -c, 2) * d < a / (e - slow.f)", ["b", "c", "d", "a", "e", "slow.f"]),
        ("p99(epoll) < p99(single)", ["p99", "p99"]),
        ("a ~= b within 10% with 95%", ["a", "b"]),
    ],
)
def test_names_come_from_left_to_right_as_often_as_they_stand(text: str, names: list[str]) -> None:
    assert [each.name for each in names_in(parse_tree(text))] == names


def test_each_name_has_its_place_in_the_text() -> None:
    text = "max(users, workers) < slow.acked + p99(epoll)"
    for each in names_in(parse_tree(text)):
        written = text[each.span.start : each.span.end]
        assert written == (f"{each.name}({each.model})" if each.model else each.name)
        assert text[each.span.column - 1 :].startswith(each.name)


@pytest.mark.parametrize(
    ("name", "group", "own_name"),
    [("p99", "", "p99"), ("slow.p99", "slow", "p99"), ("a.b.c", "a.b", "c")],
)
def test_a_name_is_of_a_group_or_of_the_case(name: str, group: str, own_name: str) -> None:
    measure = MeasureName(ANYWHERE, name)
    assert (measure.group, measure.own_name) == (group, own_name)


def test_a_part_is_deeper_than_each_that_it_contains_up_to_a_limit() -> None:
    def number(depth: int) -> Quantity:
        return Quantity(ANYWHERE, 1.0, COUNT, "", depth)

    assert depth_over((number(1), number(7), number(3)), ANYWHERE) == 8
    assert depth_over((number(MAX_EXPRESSION_DEPTH - 1),), ANYWHERE) == MAX_EXPRESSION_DEPTH
    with pytest.raises(ExpressionError, match="write several expectations") as refusal:
        depth_over((number(1), number(MAX_EXPRESSION_DEPTH)), ANYWHERE)
    assert refusal.value.column == 5
