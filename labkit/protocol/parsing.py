"""Durations and whole numbers as people write them: ``50ms``, ``8``.

One parser for messages, environment, options and scenarios. No clock, no I/O.
"""

import re

UNITS_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
_DURATION = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,20})?)(us|ms|s|m)")
_SHOWN_CHARACTERS = 40  # of what a stranger sent, in an error that is logged
DAY_S = 86_400
MAX_DIGITS = 20  # int() of a huge text takes long
MAX_SHOWN = 80


class DurationError(ValueError):
    """The text is not a duration; the message says what one looks like."""


def parse_duration_s(text: str) -> float:
    """Return the seconds that ``text`` names, zero or more.

    Raises:
        DurationError: no number, no unit, a sign, or anything else around them.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        shown = text[:_SHOWN_CHARACTERS]
        raise DurationError(f"{shown!r} is not a duration; write a number and a unit: us, ms, s, m")
    return float(match[1]) * UNITS_S[match[2]]


def read_whole(text: str, low: int, high: int) -> int:
    """Return the whole number from ``low`` to ``high`` that ``text`` is.

    Raises:
        ValueError: it is none.
    """
    if not (
        text.isascii() and text.isdigit() and len(text) < MAX_DIGITS and low <= int(text) <= high
    ):
        raise ValueError(f"{text[:MAX_SHOWN]!r} is not a whole number from {low} to {high}")
    return int(text)


def read_duration_s(text: str) -> float:
    """Return the seconds that ``text`` states, a day at most.

    Raises:
        DurationError: it is no duration, or too long.
    """
    duration_s = parse_duration_s(text)
    if duration_s > DAY_S:
        raise DurationError(f"{text[:MAX_SHOWN]!r} is longer than a day")
    return duration_s


def read_positive_duration_s(text: str) -> float:
    """Return the seconds that ``text`` states, more than none and a day at most.

    Raises:
        DurationError: it is no such duration.
    """
    duration_s = read_duration_s(text)
    if duration_s == 0:
        raise DurationError(f"{text[:MAX_SHOWN]!r} must be more than nothing")
    return duration_s
