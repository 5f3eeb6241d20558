"""What each message of a group asks of its server: by a law, or by a list that takes turns.

A message carries the plain demand that was drawn for it, ``sleep=12345us``, so a server knows
nothing of laws.
"""

import math
import re
from dataclasses import dataclass

from labkit.draws import Draws
from labkit.laws import Law, LawError, parse_law
from labkit.work import KINDS

FORM = "write e.g. sleep=100ms, cpu=5ms, or a law of durations, sleep=exponential(100ms)"
MAX_TURNS = 1_000
_COMMA = re.compile(r",(?![^()]*\))")  # not one between brackets
_SHOWN_CHARACTERS = 60
_MICROSECONDS = 1_000_000


class DemandsError(ValueError):
    """The text states no demands; the message says what they look like."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """The demand of every so-many-th message; ``plain`` is that of a plain duration, as written.

    With a space before it; None of a law by name, which no server can read.
    """

    kind: str
    law: Law
    plain: bytes | None


class Demands:
    """The demands of a group's messages; drawn durations are cut to ``limit_s``, in whole µs."""

    def __init__(self, turns: tuple[_Turn, ...], limit_s: float) -> None:
        self._turns = turns
        self._limit_us = math.floor(limit_s * _MICROSECONDS + 1e-6)

    @classmethod
    def parse(cls, text: str, limit_s: float = math.inf) -> "Demands":
        """Return what ``text`` states: a demand, or several with commas between, which take turns.

        Raises:
            DemandsError: it states none, or one that is constant and longer than ``limit_s``.
        """
        words = [word.strip() for word in _COMMA.split(text)]
        if len(words) > MAX_TURNS:
            raise DemandsError(f"{len(words)} demands that take turns; allowed: {MAX_TURNS}")
        turns = tuple(_parse_turn(word) for word in words)
        for word, turn in zip(words, turns, strict=True):
            if (turn.law.constant_s or 0) > limit_s:
                shown = word[:_SHOWN_CHARACTERS]
                raise DemandsError(f"{shown!r} is more than the {limit_s:g}s that a server allows")
        return cls(turns, min(limit_s, 1e9))

    @property
    def constant(self) -> bytes | None:
        """The one demand of all messages, with a space before it; None where they differ."""
        return self._turns[0].plain if len(self._turns) == 1 else None

    def of(self, draws: Draws, user: int, message: int) -> bytes:
        """Return the demand of a message, with a space before it."""
        turn = self._turns[message % len(self._turns)]
        if turn.plain is not None:
            return turn.plain
        drawn_us = round(turn.law.duration_s(draws.pair(user, message)) * _MICROSECONDS)
        return b" %b=%dus" % (turn.kind.encode("ascii"), min(drawn_us, self._limit_us))

    @property
    def laws(self) -> list[tuple[str, Law]]:
        """The kind and the law of each demand, in their turn."""
        return [(turn.kind, turn.law) for turn in self._turns]

    @property
    def mean_s(self) -> float:
        """The mean demand in seconds, as cut."""
        limit_s = self._limit_us / _MICROSECONDS
        return sum(turn.law.mean_s(limit_s) for turn in self._turns) / len(self._turns)


def _parse_turn(word: str) -> _Turn:
    kind, separator, text = word.partition("=")
    if kind not in KINDS or not separator:
        raise DemandsError(f"{word[:_SHOWN_CHARACTERS]!r} is not a demand; {FORM}")
    try:
        law = parse_law(text)
    except LawError as exc:
        raise DemandsError(f"demand {word[:_SHOWN_CHARACTERS]!r}: {exc}") from exc
    return _Turn(kind, law, f" {word}".encode("ascii") if text[0].isdigit() else None)
