"""Answers: what counts as right, and how a typed answer is read.

Values are in base units, seconds and per second; a choice is the text of its option.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from labkit.protocol.parsing import DurationError, parse_duration_s
from orchestrator.measures.dimensions import COUNT, RATE, TIME, Dimension
from orchestrator.measures.hints import listed, quote
from orchestrator.measures.sentences import value_text

Value: TypeAlias = float | str
"""An amount in base units, or the option that is chosen."""

SHARE, EXTRA_S = 0.1, 0.010
"""The tolerance: a tenth, and of a duration 10 ms more.

Messages of a problem take 20 ms or more, and cost 1 ms besides at most: half of the tenth. The rest
and the 10 ms are for the start, for turnovers of connections, and for the scheduler of the machine.
"""

MOST_CHARS = 40
_UNIT_WORDS = {
    "µs": "us", "μs": "us", "milliseconds": "ms", "millisecond": "ms", "msec": "ms",
    "seconds": "s", "second": "s", "secs": "s", "sec": "s", "minutes": "m", "minute": "m",
    "min": "m",
}  # fmt: skip
_WITH_UNIT = re.compile(r"([0-9]+(?:\.[0-9]+)?)([a-zµμ]+)")
_BARE = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(?:messages?)?(?:/s|/second|persecond|/sec)?")
_COUNT = re.compile(r"[0-9]+")
_FORMS = {
    TIME: f"a duration, e.g. 600ms or 1.2s; within {SHARE:.0%} and 10 ms is right",
    RATE: f"a number per second, e.g. 12.5; within {SHARE:.0%} is right",
    COUNT: "a whole number",
}


class AnswerError(ValueError):
    """The typed text is no answer of the kind; the message says what to type."""


@dataclass(frozen=True)
class Amount:
    """The right answer is a duration, a rate or a count: ``right``, in base units."""

    right: float
    dimension: Dimension

    @property
    def form(self) -> str:
        """What to type, and what counts as right."""
        return _FORMS[self.dimension]

    @property
    def tolerance(self) -> float:
        """How far from ``right`` a right answer may be; a count must be exact."""
        if self.dimension == COUNT:
            return 0.0
        return SHARE * self.right + (EXTRA_S if self.dimension == TIME else 0.0)

    def accepts(self, value: Value) -> bool:
        """Return whether ``value`` is right within the tolerance."""
        return isinstance(value, float) and abs(value - self.right) <= self.tolerance * (1 + 1e-9)

    def text(self, value: Value) -> str:
        """Return ``value`` with its unit."""
        return value if isinstance(value, str) else value_text(value, self.dimension)

    @property
    def right_text(self) -> str:
        """The right answer with its unit."""
        return self.text(self.right)

    def parse(self, typed: str) -> float:
        """Return the amount in ``typed``; spaces, capitals and a decimal comma do not matter.

        Raises:
            AnswerError: it is no such amount.
        """
        text = re.sub(r"\s+", "", typed).lower().replace(",", ".")
        if len(text) <= MOST_CHARS:
            if self.dimension == TIME:
                return _duration_s(text)
            pattern = _RATE if self.dimension == RATE else _COUNT
            if text == "none" and self.dimension == COUNT:
                return 0.0
            if found := pattern.fullmatch(text):
                return float(found[found.lastindex or 0])
        raise AnswerError(f"{quote(typed.strip())} is no answer; write {self.form.split(';')[0]}")


def _duration_s(text: str) -> float:
    if _BARE.fullmatch(text):
        raise AnswerError(f"{text} has no unit; write {text}ms or {text}s")
    found = _WITH_UNIT.fullmatch(text)
    try:
        return parse_duration_s(f"{found[1]}{_UNIT_WORDS.get(found[2], found[2])}" if found else "")
    except DurationError:
        raise AnswerError(f"{quote(text)} is no duration; write e.g. 600ms or 1.2s") from None


@dataclass(frozen=True)
class Choice:
    """The right answer is one of ``options``; any of ``right`` counts."""

    options: Sequence[str]
    right: frozenset[str]

    @property
    def form(self) -> str:
        """What to type."""
        return f"one of: {listed(self.options)}"

    def accepts(self, value: Value) -> bool:
        """Return whether ``value`` is a right option."""
        return value in self.right

    def text(self, value: Value) -> str:
        """Return ``value``, which is a text."""
        return str(value)

    @property
    def right_text(self) -> str:
        """The right option, or all of them."""
        return " or ".join(each for each in self.options if each in self.right)

    def parse(self, typed: str) -> str:
        """Return the option in ``typed``: its text, or its last word (``7`` is ``user 7``).

        Raises:
            AnswerError: it is no option.
        """
        text = " ".join(typed.split()).lower()
        named = [each for each in self.options if text in {each.lower(), each.lower().split()[-1]}]
        if len(named) != 1:
            raise AnswerError(f"{quote(typed.strip())} is no answer; write {self.form}")
        return named[0]


Answer: TypeAlias = Amount | Choice
