import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.measures.dimensions import COUNT, RATE, SIZE, TIME, Dimension
from orchestrator.measures.sentences import (
    agreeing,
    count_text,
    counted,
    joined,
    number_text,
    share_text,
    singular,
    value_text,
)


@pytest.mark.parametrize(
    ("value", "dimension", "expected"),
    [
        (3.5214, TIME, "3.52 s"),
        (0.5046, TIME, "505 ms"),
        (0.9996, TIME, "1 s"),  # not 1000 ms
        (0.00104, TIME, "1.04 ms"),
        (2e-6, TIME, "2 us"),
        (3e-7, TIME, "0.3 us"),
        (120.34, TIME, "120 s"),
        (0.0, TIME, "0 s"),
        (34.72, RATE, "34.7 per second"),
        (61.5 * 2**20, SIZE, "61.5 MiB"),
        (12.0, SIZE, "12 B"),
        (7.0, COUNT, "7"),
        (1234.0, COUNT, "1234"),
        (0.8123, COUNT, "0.812"),
        (4.0, TIME * TIME, "4 s^2"),
    ],
)
def test_a_value_has_its_unit_and_at_most_three_digits(
    value: float, dimension: Dimension, expected: str
) -> None:
    assert value_text(value, dimension) == expected


@given(st.floats(1e-9, 1e9), st.sampled_from([COUNT, TIME, RATE, SIZE]))
def test_a_value_in_words_is_within_half_a_percent_of_it(
    value: float, dimension: Dimension
) -> None:
    units = {"s": 1, "ms": 1e-3, "us": 1e-6, "GiB": 2**30, "MiB": 2**20, "KiB": 2**10}
    number, _, unit = value_text(value, dimension).partition(" ")
    assert math.isclose(float(number) * units.get(unit, 1), value, rel_tol=0.0051, abs_tol=1e-10)


@pytest.mark.parametrize(
    ("value", "noun", "expected"),
    [(0, "messages", "no messages"), (1, "messages", "1 message"), (2, "messages", "2 messages"),
     (1, "short replies", "1 short reply"), (1, "crashes", "1 crash"), (0, "", "0")],
)  # fmt: skip
def test_a_number_of_things(value: float, noun: str, expected: str) -> None:
    assert count_text(value, noun) == expected


@pytest.mark.parametrize(
    ("value", "total", "expected"),
    [(1, 400, "1 of 400 messages"), (0, 400, "none of 400 messages"), (7, 7, "all 7 messages"),
     (1, 1, "1 of 1 message"), (0, 0, "none of 0 messages")],
)  # fmt: skip
def test_a_share_of_things(value: float, total: float, expected: str) -> None:
    assert share_text(value, total, COUNT, "messages") == expected


def test_a_share_of_a_time() -> None:
    assert share_text(0.5, 2.0, TIME, "") == "500 ms of 2 s"


@pytest.mark.parametrize(
    ("words", "expected"),
    [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c"),
     (["1 s under a and b", "2 s under c"], "1 s under a and b, and 2 s under c")],
)  # fmt: skip
def test_a_list_ends_in_and(words: list[str], expected: str) -> None:
    assert joined(words) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [(" is done", " are done"), (" takes 2 s", " take 2 s"), (" always is", " always is"),
     (", is", ", is"), (" is", " are"), ("", ""), (" isolated", " isolated")],
)  # fmt: skip
def test_the_verb_right_after_several_names_is_in_the_plural(text: str, expected: str) -> None:
    assert agreeing(text) == expected


@given(st.text())
def test_any_noun_has_a_singular(noun: str) -> None:
    assert singular(noun).removesuffix("y") in noun  # what is left, or that and a y


def test_a_ratio_may_have_fewer_digits() -> None:
    assert [number_text(each, digits=2) for each in (6.97, 1.049, 123.4)] == ["7", "1", "123"]


@pytest.mark.parametrize(
    ("number", "things", "text"),
    [
        (0, "cases", "0 cases"),
        (1, "cases", "1 case"),
        (2, "cases", "2 cases"),
        (1, "messages were lost", "1 message was lost"),
        (2, "messages were lost", "2 messages were lost"),
        (1, "rows of samples have", "1 row of samples has"),
        (1, "processes", "1 process"),
        (1, "retries", "1 retry"),
        (1, "CPUs", "1 CPU"),
    ],
)
def test_one_thing_is_in_the_singular(number: int, things: str, text: str) -> None:
    assert counted(number, things) == text
    assert counted(np.int64(number), things) == text
