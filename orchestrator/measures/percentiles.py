"""Percentiles: how they are written, ``p95`` or ``p99.5``, and the share that each stands for.

``p(99.5)`` is the same. A name has digits alone, ``response_time_p99_5``, so that it can be a key;
99.9 is ``p999``. This module does not know which measures have percentiles; see `registry`.
"""

import re
from collections.abc import Mapping, Sequence

FORM = "a percentile is above 0 and below 100, e.g. p95 or p99.5"
MAX_DECIMALS = 4
"""A run has at most 10 million messages, one in 10000 of them beyond the last such percentile."""

Percentiles = Mapping[str, Sequence[str]]
"""Percentiles by the measures they are of: ``{"response_time": ["p95", "p99_5"]}``."""

_NAME = re.compile(r"(?:(.+)_)?(p[0-9][0-9_]*)")
_STATISTIC = re.compile(r"p([1-9]?[0-9])(?:_([0-9]{1,4}))?")
_WITH_DECIMALS = re.compile(r"(.*\b|.*_)p(?:\(\s*([^()]*?)\s*\)|([0-9]+\.[0-9]*))")
_NUMBER = re.compile(rf"[0-9]{{1,2}}(?:\.[0-9]{{1,{MAX_DECIMALS}}})?")


class PercentileError(ValueError):
    """The text is not a percentile; the message says what is."""


def split_percentile(name: str) -> tuple[str, str] | None:
    """Return ``response_time`` and ``p95`` for ``response_time_p95``; None if it has no such end.

    The first is empty for ``p95`` alone.
    """
    found = _NAME.fullmatch(name)
    return (found[1] or "", found[2]) if found else None


def share_of(statistic: str) -> float | None:
    """Return 0.995 for ``p99_5``; None if ``statistic`` is no percentile."""
    if statistic == "p999":
        return 0.999
    found = _STATISTIC.fullmatch(statistic)
    if not found or found[0] == "p99_9" or (found[2] or "1").endswith("0"):
        return None
    share = float(f"{found[1]}.{found[2] or 0}") / 100
    return share or None


def statistic_of(number: str) -> str:
    """Return ``p99_5`` for the text ``99.5``.

    Raises:
        PercentileError: it is not a number between 0 and 100, or has too many decimals.
    """
    if not _NUMBER.fullmatch(number) or not float(number):
        message = (
            f"{number!r:.40} is not a percentile; {FORM}, with at most {MAX_DECIMALS} decimals"
        )
        raise PercentileError(message)
    digits = f"{float(number):.{MAX_DECIMALS}f}".rstrip("0").rstrip(".")
    return "p999" if digits == "99.9" else f"p{digits.replace('.', '_')}"


def plain_name(text: str) -> str:
    """Return a measure's name as a key has it: ``slow.p99_5`` for ``slow.p(99.5)``, ``slow.p99.5``.

    Raises:
        PercentileError: what the brackets contain, or the number, is not a percentile.
    """
    found = _WITH_DECIMALS.fullmatch(text)
    return f"{found[1]}{statistic_of(found[2] or found[3] or '')}" if found else text
