"""Durations as people write them: a number and a unit, ``50ms``.

One parser for messages, environment and scenarios. No clock, no I/O.
"""

import re

UNITS_S = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
_DURATION = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,20})?)(us|ms|s|m)")
_SHOWN_CHARACTERS = 40  # of what a stranger sent, in an error that is logged


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
