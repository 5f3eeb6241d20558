"""Text from outside made harmless to show: on one line, every character printable.

A scenario, a log line or an engine's message may hold anything; a terminal obeys escape
sequences, XML forbids most control characters, and a bidirectional override turns a line around.
Does not escape markup; that is for whoever writes markup.

Text and tables in GitHub's Markdown that say just what they were given, whatever it holds.
"""

import re
from collections.abc import Iterable, Sequence


def visible(text: str) -> str:
    """Return ``text`` with runs of white space as one space and the unprintable as escapes."""
    return "".join(map(_visible_char, " ".join(text.split())))


def _visible_char(char: str) -> str:
    return char if char.isprintable() else char.encode("unicode_escape").decode("ascii")


def visible_lines(text: str) -> list[str]:
    """Return the lines of ``text``, their indentation kept, with the unprintable as escapes."""
    return ["".join(map(_visible_char, line)) for line in text.splitlines()]


_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")


def escape(text: str) -> str:
    """Return ``text`` on one line, with nothing left that Markdown or HTML would obey.

    CommonMark takes any escaped punctuation for itself, in the cells of a table too.
    """
    return _PUNCTUATION.sub(r"\\\g<0>", visible(text))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; every cell is escaped, the first column is a label, the others figures."""
    rule = ["---", *("---:" for _ in headings[1:])]
    lines = [map(escape, headings), rule, *(map(escape, row) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def bullets(lines: Iterable[str]) -> str:
    """Return ``lines``, escaped, as a list."""
    return "".join(f"- {escape(line)}\n" for line in lines)
