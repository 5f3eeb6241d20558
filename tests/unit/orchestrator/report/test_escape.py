import json
import sys
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from orchestrator.report.escape import (
    markdown,
    markdown_list,
    markdown_table,
    printable,
    printable_json,
    visible,
)

TEXT = st.text(st.characters() | st.sampled_from("|\\`*_<>&[]()#~@:$!\n"), max_size=30)
PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("naïve 日本", "naïve 日本"),
        ("a\n b\t c ", "a b c"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\u202eabc", r"\u202eabc"),  # would turn the line around
        ("\ud800", r"\ud800"),  # would not encode
        (" ::error::x", r"\x3a:error::x"),  # a runner would obey it
        ("at fe80::1, std::x", "at fe80::1, std::x"),
        ("it ended: ##[error]x", r"it ended: #\x23[error]x"),
        ("##vso[a]##", r"#\x23vso[a]##"),
    ],
)
def test_nothing_unprintable_stays(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_every_character_can_stand_in_xml_and_be_encoded() -> None:
    everything = visible("".join(map(chr, range(0x3000))) + "\ud800\udfff\ufffe\uffff")
    escaped = everything.replace("&", "&amp;").replace("<", "&lt;")
    assert fromstring(f"<a>{escaped}</a>".encode()).text == everything  # noqa: S314 - our own text
    assert sys.maxunicode > len(everything)


def test_lines_keep_their_indentation_and_no_line_is_a_command() -> None:
    assert printable("a:\n  ::b\r\n\x1b\rc\n") == "a:\n  \\x3a:b\n\\x1b\nc"
    assert printable(printable("  ::b ##[c")) == printable("  ::b ##[c")


@given(TEXT)
def test_json_reads_back_as_it_was(text: str) -> None:
    written = printable_json(json.dumps([text], ensure_ascii=False, indent=1))
    assert json.loads(written) == [text]
    assert "##[" not in written
    assert written.replace("\n", "").isprintable()


def cells(source: str) -> list[str]:
    """Return what a reader sees of each cell; markup within one is a defect."""
    inline = [token for token in PARSER.parse(source) if token.type == "inline"]
    return ["".join(map(_plain, token.children or [])) for token in inline]


def _plain(token: Token) -> str:
    assert token.type in {"text", "text_special"}
    return token.content


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4))
def test_a_table_shows_what_it_was_given(rows: list[tuple[str, str]]) -> None:
    shown = cells(markdown_table(("one", "two"), rows))
    assert shown == ["one", "two", *(visible(text) for row in rows for text in row)]


@given(TEXT)
def test_a_list_shows_what_it_was_given(text: str) -> None:
    shown = [visible(text)] if visible(text) else []
    assert cells(markdown_list([text])) == shown


@pytest.mark.parametrize(
    "text", ["1. a", "12) a", "- a", "+ a", "---", "===", "# a", "> a", "a_b_c", "_a_", "__a__"]
)
def test_what_begins_like_a_block_is_shown_as_it_is(text: str) -> None:
    assert cells(markdown_list([text])) == [text]


@pytest.mark.parametrize(
    "text",
    ["p99(epoll), of 7 users: 3.07 ms (41%)", "1.5 s", "accept_wait_p99 / 2", "a well-kept one"],
)
def test_what_is_no_markup_has_no_escape(text: str) -> None:
    assert markdown(text) == text


@pytest.mark.parametrize(
    "text", ["a|b", "<c>", "www.a.b", "https://a.b", ":+1:", "@a", "#1", "$x$"]
)
def test_what_github_would_interpret_is_escaped(text: str) -> None:
    assert "\\" in markdown(text)


def test_columns_of_figures_align_right() -> None:
    rows = [("10 users", "3 ms", "epoll", "-"), ("20 users", "", "poll", "4 of 5")]
    assert markdown_table(("case", "p99", "model", "n"), rows).splitlines()[1] == (
        "| --- | ---: | --- | ---: |"
    )
