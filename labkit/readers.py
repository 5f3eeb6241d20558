"""Values that a person writes, in a variable or an option: checked, and refused in a few words."""

from labkit.durations import DurationError, parse_duration_s

DAY_S = 86_400
MAX_DIGITS = 20  # int() of a huge text takes long
MAX_SHOWN = 80


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
