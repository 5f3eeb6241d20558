"""How errors quote what a user wrote and hint at what they meant. Text in, text out."""

import difflib
import re
from collections.abc import Iterable

MAX_QUOTED_CHARS = 60
MAX_LISTED = 60


def quote(text: str) -> str:
    """Return ``text`` in quotes, on one line, printable and not longer than a person reads."""
    return repr(text if len(text) <= MAX_QUOTED_CHARS else text[: MAX_QUOTED_CHARS - 1] + "…")


def label(key: str) -> str:
    """Return ``key`` as it stands where it is a plain word, otherwise in quotes."""
    return key if re.fullmatch(r"[\w.-]{1,60}", key) else quote(key)


def listed(words: Iterable[str]) -> str:
    """Return ``words`` as a list for a person; a very long one says how much it leaves out."""
    words = list(words)
    rest = len(words) - MAX_LISTED
    return ", ".join(words[:MAX_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def closest(word: str, allowed: Iterable[str]) -> str | None:
    """Return which of ``allowed`` was probably meant by ``word``, None if none is near."""
    return next(iter(difflib.get_close_matches(word, list(allowed), n=1)), None)


def unknown(kind: str, word: str, allowed: Iterable[str]) -> str:
    """Say that ``word`` is no ``kind``, which one was probably meant, and all that are allowed."""
    allowed = list(allowed)
    meant = closest(word, allowed)
    hint = f"did you mean {meant!r}? " if meant else ""
    return f"unknown {kind} {quote(word)}; {hint}allowed: {listed(allowed)}"
