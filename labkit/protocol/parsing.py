"""Parses durations and whole numbers: ``50ms``, ``8``.

The same parser for messages, environment, options and scenarios. No clock, no I/O.
"""

import re

UNITS_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
_DURATION = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,20})?)(us|ms|s|m)")
_SHOWN_CHARACTERS = 40  # of a received text, in an error that is logged
DAY_S = 86_400
MAX_DIGITS = 20  # int() of a long text is slow
MAX_SHOWN = 80


class DurationError(ValueError):
    """The text is not a duration; the message states the syntax."""


def parse_duration_s(text: str) -> float:
    """Return the duration ``text`` in seconds, zero or more.

    Raises:
        DurationError: the text is not a number and a unit, or has a sign or other characters.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        shown = text[:_SHOWN_CHARACTERS]
        raise DurationError(f"{shown!r} is not a duration; write a number and a unit: us, ms, s, m")
    return float(match[1]) * UNITS_S[match[2]]


def read_whole(text: str, low: int, high: int) -> int:
    """Return the whole number ``text``, from ``low`` to ``high``.

    Raises:
        ValueError: the text is not such a number.
    """
    if not (
        text.isascii() and text.isdigit() and len(text) < MAX_DIGITS and low <= int(text) <= high
    ):
        raise ValueError(f"{text[:MAX_SHOWN]!r} is not a whole number from {low} to {high}")
    return int(text)


def read_duration_s(text: str) -> float:
    """Return the duration ``text`` in seconds, a day at most.

    Raises:
        DurationError: the text is not a duration, or it is too long.
    """
    duration_s = parse_duration_s(text)
    if duration_s > DAY_S:
        raise DurationError(f"{text[:MAX_SHOWN]!r} is longer than a day")
    return duration_s


def read_positive_duration_s(text: str) -> float:
    """Return the duration ``text`` in seconds, more than 0 and a day at most.

    Raises:
        DurationError: the text is not such a duration.
    """
    duration_s = read_duration_s(text)
    if duration_s == 0:
        raise DurationError(f"{text[:MAX_SHOWN]!r} must be more than 0")
    return duration_s
