"""Text and tables in GitHub's Markdown that say just what they were given, whatever it holds."""

import re
from collections.abc import Iterable, Sequence

from orchestrator.report.visible import visible

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
