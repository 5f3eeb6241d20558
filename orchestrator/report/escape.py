"""Text from outside made harmless to show, in a terminal, in XML and in GitHub's Markdown.

A scenario, a log line or an engine's message may contain anything: a terminal obeys escape
sequences, XML forbids most control characters, and a bidirectional override reverses a line.
`visible` makes every character printable; it does not escape the markup of HTML, which Jinja does.
"""

import re
from collections.abc import Iterable, Sequence

PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")


def visible(text: str) -> str:
    """Return ``text`` on one line: white space as single spaces, the unprintable as escapes."""
    return "".join(map(_visible_char, " ".join(text.split())))


def visible_lines(text: str) -> list[str]:
    """Return the lines of ``text``, with their indentation, and the unprintable as escapes."""
    return ["".join(map(_visible_char, line)) for line in text.splitlines()]


def _visible_char(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode("ascii")


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; every cell is escaped, and all columns but the first align right."""
    rule = ["---", *("---:" for _ in headings[1:])]
    lines = [map(markdown, headings), rule, *(map(markdown, row) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def markdown_list(lines: Iterable[str]) -> str:
    """Return ``lines``, escaped, as a list."""
    return "".join(f"- {markdown(line)}\n" for line in lines)


def markdown(text: str) -> str:
    """Return ``text`` on one line, without anything that Markdown or HTML would interpret.

    CommonMark shows escaped punctuation literally, in the cells of a table too.
    """
    return PUNCTUATION.sub(r"\\\g<0>", visible(text))
