"""Text from outside made harmless to show: in a terminal, a CI log, XML and GitHub's Markdown.

A scenario, a log line or an engine's message may contain anything: a terminal obeys escape
sequences, XML forbids most control characters, a bidirectional override reverses a line, and the
runner of a CI job obeys workflow commands, such as ``::error::``, in the output of a step.
`visible` makes every character printable and every workflow command text; `printable` does the
same to several lines. Neither escapes the markup of HTML, which Jinja does.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence

_MARKUP = re.compile(
    r"(?=[#$&*<>@\[\\\]^`{|}~])"
    r"|(?=_)(?!(?<=[a-z0-9])_[a-z0-9])"  # an emphasis, unless within a word
    r"|(?=:\S)"  # an emoji, or the address of a link
    r"|(?<=\bwww)(?=\.)"  # an address, too
    r"|^(?=[-+=])"  # a list, or a line under a heading
    r"|^[0-9]+(?=[.)](?:\s|$))",  # a list
    re.IGNORECASE,
)
"""Where CommonMark, or what GitHub adds to it, may see markup: in a cell, an item or a heading."""

_WORKFLOW_COMMAND = re.compile(r"^(\s*):(?=:)|#(#)(?=\w*\[)", re.MULTILINE)
"""``::error::`` at the start of a line; ``##[error]`` and ``##vso[`` anywhere in one."""


def visible(text: str) -> str:
    """Return ``text`` on one line: white space as single spaces, the unprintable as escapes."""
    return without_commands(_visible_chars(" ".join(text.split())))


def visible_lines(text: str) -> list[str]:
    """Return the lines of ``text``, with their indentation, and the unprintable as escapes."""
    lines = text.expandtabs(4).splitlines()
    return [without_commands(_visible_chars(line)) for line in lines]


def printable(text: str) -> str:
    """Return ``text`` with its lines and their indentation, and the unprintable as escapes."""
    return "\n".join(visible_lines(text))


def without_commands(text: str) -> str:
    """Return ``text`` with one character of each workflow command as an escape."""
    return _WORKFLOW_COMMAND.sub(lambda found: r"#\x23" if found[2] else rf"{found[1]}\x3a", text)


def printable_json(text: str) -> str:
    """Return the JSON document ``text`` with the same content as `printable` shows it.

    A character that must not be printed can only be part of a string, so it becomes an escape of
    JSON, which reads back as the same character.
    """
    return _NOT_ASCII.sub(_json_escape, _BEGINS_COMMAND.sub(r"#\\u0023", text))


_BEGINS_COMMAND = re.compile(r"##(?=\w*\[)")
_NOT_ASCII = re.compile(r"[^\n -~]")


def _json_escape(found: re.Match[str]) -> str:
    char = found[0]
    return char if char.isprintable() else json.dumps(char)[1:-1]


def _visible_chars(line: str) -> str:
    return line if line.isprintable() else "".join(map(_visible_char, line))


def _visible_char(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode("ascii")


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of escaped cells; columns of figures align right, but not the first one."""
    rows = list(rows)
    rule = ["---:" if all(map(_is_figure, each)) else "---" for each in _columns(headings, rows)]
    rule[:1] = ["---"]
    lines = [map(markdown, headings), rule, *(map(markdown, row) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _columns(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    """Yield what each column has, without its heading and what is empty."""
    for number in range(len(headings)):
        yield [row[number] for row in rows if row[number]]


def _is_figure(text: str) -> bool:
    """Whether a cell is a figure, or the ``-`` of one that is not known."""
    return text[0] in "-+<>~0123456789"


def markdown_list(lines: Iterable[str]) -> str:
    """Return ``lines``, escaped, as a list."""
    return "".join(f"- {markdown(line)}\n" for line in lines)


def markdown(text: str) -> str:
    """Return ``text`` on one line, without anything that Markdown or HTML would interpret.

    CommonMark shows escaped punctuation literally, in the cells of a table too.
    """
    return _MARKUP.sub(r"\g<0>\\", visible(text))
