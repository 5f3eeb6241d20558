"""Words for error messages: quotes, lists, and suggestions for what a user meant."""

import difflib
import re
from collections.abc import Iterable

MAX_QUOTED_CHARS = 60
MAX_LISTED = 60


def quote(text: str) -> str:
    """Return ``text`` in quotes, printable, on one line, and cut if it is long."""
    return repr(text if len(text) <= MAX_QUOTED_CHARS else text[: MAX_QUOTED_CHARS - 1] + "…")


def label(key: str) -> str:
    """Return ``key`` itself if it is a plain word, otherwise in quotes."""
    return key if re.fullmatch(r"[\w.-]{1,60}", key) else quote(key)


def listed(words: Iterable[str]) -> str:
    """Return ``words`` as a comma-separated list, which is cut if it is very long."""
    words = list(words)
    rest = len(words) - MAX_LISTED
    return ", ".join(words[:MAX_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def closest(word: str, allowed: Iterable[str]) -> str | None:
    """Return the word in ``allowed`` that is most similar to ``word``, None if none is."""
    return next(iter(difflib.get_close_matches(word, list(allowed), n=1)), None)


def unknown(kind: str, word: str, allowed: Iterable[str]) -> str:
    """Return the error for an unknown ``word``: a suggestion, and all that are allowed."""
    allowed = list(allowed)
    meant = closest(word, allowed)
    hint = f"did you mean {meant!r}? " if meant else ""
    return f"unknown {kind} {quote(word)}; {hint}allowed: {listed(allowed)}"
