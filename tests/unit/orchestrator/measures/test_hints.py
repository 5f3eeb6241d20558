"""The words of error messages: short and printable, whatever a user wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.measures.hints import closest, label, listed, quote, unknown


@given(st.text())
def test_a_quote_is_one_short_line_that_prints(text: str) -> None:
    quoted = quote(text)
    assert quoted.isprintable()
    assert len(quoted) <= 10 * 60 + 2  # ten characters for an escaped one
    assert label(text) in {text, quoted}
    assert label(text).isprintable()


@pytest.mark.parametrize(
    ("text", "quoted"),
    [("x" * 60, f"'{'x' * 60}'"), ("x" * 61, f"'{'x' * 59}…'"), ("a\nb", "'a\\nb'")],
)
def test_a_long_text_is_cut_and_only_a_long_one(text: str, quoted: str) -> None:
    assert quote(text) == quoted


@pytest.mark.parametrize(
    ("key", "shown"),
    [("p99", "p99"), ("slow-sender", "slow-sender"), ("b.users", "b.users"), ("", "''"),
     ("two words", "'two words'"), ("a\x1b[1m", "'a\\x1b[1m'")],
)  # fmt: skip
def test_a_plain_word_needs_no_quotes(key: str, shown: str) -> None:
    assert label(key) == shown


def test_a_long_list_is_cut_and_the_rest_is_counted() -> None:
    words = [str(number) for number in range(62)]
    assert listed([]) == ""
    assert listed(words[:60]) == ", ".join(words[:60])
    assert listed(words) == ", ".join(words[:60]) + " and 2 more"


def test_the_closest_word_is_meant() -> None:
    allowed = ["workers", "backlog", "work"]
    assert closest("wokers", allowed) == "workers"
    assert closest("backlogs", iter(allowed)) == "backlog"
    assert closest("colour", allowed) is None
    assert closest("workers", []) is None


def test_an_unknown_word_is_answered_with_all_that_are_allowed() -> None:
    assert unknown("key", "wrok", iter(["work", "seed"])) == (
        "unknown key 'wrok'; did you mean 'work'? allowed: work, seed"
    )
    assert unknown("key", "colour", ["work", "seed"]) == (
        "unknown key 'colour'; allowed: work, seed"
    )
