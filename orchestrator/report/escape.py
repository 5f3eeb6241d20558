"""Text from outside made harmless to show: in a terminal, a CI log, XML and GitHub's Markdown.

A scenario, a log line or an engine's message may contain anything: a terminal obeys escape
sequences, XML forbids most control characters, a bidirectional override reverses a line, and the
runner of a CI job obeys workflow commands, such as ``::error::``, in the output of a step.
`visible` makes every character printable and every workflow command text; `printable` does the
same to several lines. Neither escapes the markup of HTML, which Jinja does.
"""

import json
import re
from collections.abc import Iterable, Sequence

PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_WORKFLOW_COMMAND = re.compile(r"^(\s*):(?=:)|#(#)(?=\w*\[)", re.MULTILINE)
"""``::error::`` at the start of a line; ``##[error]`` and ``##vso[`` anywhere in one."""


def visible(text: str) -> str:
    """Return ``text`` on one line: white space as single spaces, the unprintable as escapes."""
    return without_commands("".join(map(_visible_char, " ".join(text.split()))))


def visible_lines(text: str) -> list[str]:
    """Return the lines of ``text``, with their indentation, and the unprintable as escapes."""
    lines = text.expandtabs(4).splitlines()
    return [without_commands("".join(map(_visible_char, line))) for line in lines]


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
