"""Random durations: distributions, the draws that feed them, and the demands of a group.

A distribution (`Law`) contains no randomness: it turns draws into a duration. A draw is a keyed
hash (BLAKE2b, RFC 7693) of seed, group, user and message. So a message has the same demand on every
model, in every run of that seed, and for any number of replicas. With a sequential generator, the
demand of a message would depend on the order in which users send. A message carries the plain
demand drawn for it, ``sleep=12345us``, so servers need no distributions.
"""

import math
import re
from dataclasses import dataclass
from hashlib import blake2b
from struct import Struct

from labkit.protocol.parsing import DurationError, parse_duration_s
from labkit.protocol.work import KINDS

FORMS = "50ms, exponential(50ms), hyperexponential(50ms, scv=4) or bimodal(5ms, 100ms, share=0.9)"
MAX_SCV = 1_000.0
_CALL = re.compile(r"([a-z]+)\(([^()]{0,200})\)")
_NUMBER = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,9})?")
_SHOWN_CHARACTERS = 60


class LawError(ValueError):
    """The text is not a distribution; the message states the syntax."""


@dataclass(frozen=True, slots=True)
class Law:
    """A mixture of two components: with probability ``share`` the first, else the second.

    A component is constant at that many seconds, or exponential with that mean.
    """

    share: float
    first_s: float
    second_s: float
    is_exponential: bool

    def duration_s(self, draws: tuple[float, float]) -> float:
        """Return the duration for two uniform draws, each between 0 and 1."""
        level, choice = draws
        scale_s = self.first_s if choice < self.share else self.second_s
        return -scale_s * math.log(level) if self.is_exponential else scale_s

    def mean_s(self, limit_s: float = math.inf) -> float:
        """Return the mean of durations cut to ``limit_s``.

        For an exponential with mean m, cut to c: m (1 - exp(-c/m)), the integral of its survival
        function from 0 to c.
        """
        parts = ((self.share, self.first_s), (1 - self.share, self.second_s))
        return sum(share * self._cut_mean_s(scale_s, limit_s) for share, scale_s in parts)

    def _cut_mean_s(self, scale_s: float, limit_s: float) -> float:
        if not self.is_exponential or not scale_s:
            return min(scale_s, limit_s)
        return -scale_s * math.expm1(-limit_s / scale_s)

    def mean_square_s2(self, limit_s: float = math.inf) -> float:
        """Return the mean of the squares of durations cut to ``limit_s``.

        For an exponential with mean m, cut to c: 2 m (m - (m + c) exp(-c/m)), the integral of 2 x
        times its survival function from 0 to c.
        """
        parts = ((self.share, self.first_s), (1 - self.share, self.second_s))
        return sum(share * self._cut_mean_square_s2(scale_s, limit_s) for share, scale_s in parts)

    def _cut_mean_square_s2(self, scale_s: float, limit_s: float) -> float:
        if not self.is_exponential or not scale_s:
            return min(scale_s, limit_s) ** 2
        if math.isinf(limit_s):
            return 2 * scale_s**2
        left = (scale_s + limit_s) * math.exp(-limit_s / scale_s)
        return 2 * scale_s * (scale_s - left)

    @property
    def constant_s(self) -> float | None:
        """The duration of a distribution with only one value; None for any other."""
        is_constant = not self.is_exponential and self.first_s == self.second_s
        return self.first_s if is_constant else None


def parse_law(text: str) -> Law:
    """Return the distribution ``text``.

    ``hyperexponential(m, scv=c)`` has mean m and squared coefficient of variation c >= 1, as a
    mixture of two exponentials with balanced means, p/a = (1-p)/b for rates a and b (Whitt 1982,
    "Approximating a point process by a renewal process, I"). ``bimodal(a, b, share=p)`` is a with
    probability p, else b.

    Raises:
        LawError: the text is not a distribution.
    """
    call = _CALL.fullmatch(text) if text.isascii() else None
    if call is None:
        constant_s = _seconds(text)
        return Law(1.0, constant_s, constant_s, is_exponential=False)
    name, arguments = call[1], [argument.strip() for argument in call[2].split(",")]
    match name, arguments:
        case "exponential", [mean]:
            mean_s = _seconds(mean)
            return Law(1.0, mean_s, mean_s, is_exponential=True)
        case "hyperexponential", [mean, scv]:
            return _hyperexponential(_seconds(mean), _number(scv, "scv", 1.0, MAX_SCV))
        case "bimodal", [short, long, share]:
            probability = _number(share, "share", 0.0, 1.0)
            return Law(probability, _seconds(short), _seconds(long), is_exponential=False)
    raise _refusal(text)


def _hyperexponential(mean_s: float, scv: float) -> Law:
    share = (1 + math.sqrt((scv - 1) / (scv + 1))) / 2
    return Law(share, mean_s / (2 * share), mean_s / (2 * (1 - share)), is_exponential=True)


def _seconds(text: str) -> float:
    try:
        return parse_duration_s(text)
    except DurationError:
        raise _refusal(text) from None


def _number(text: str, name: str, low: float, high: float) -> float:
    """Return the number of an argument in the form ``scv=4``."""
    key, _, written = text.partition("=")
    if key.strip() != name or not _NUMBER.fullmatch(written.strip()):
        raise LawError(f"{text[:_SHOWN_CHARACTERS]!r} is not {name}=<number>; write e.g. {FORMS}")
    number = float(written)
    if not low <= number <= high:
        raise LawError(f"{name}={number:g} is out of range; allowed: {low:g} to {high:g}")
    return number


def _refusal(text: str) -> LawError:
    shown = text[:_SHOWN_CHARACTERS]
    return LawError(f"{shown!r} is neither a duration nor a distribution; write {FORMS}")


_two_words = Struct("<QQ").unpack
_SCALE = 2.0**-52  # with 53 bits the largest draw would round to 1
_DROPPED_BITS = 12


class Draws:
    """One stream of draws; ``purpose``, at most 16 bytes, separates the streams of one group."""

    __slots__ = ("_state",)

    def __init__(self, seed: int, group: str, purpose: str) -> None:
        name = f"{seed}/{group}/".encode()
        self._state = blake2b(name, digest_size=16, person=purpose.encode("ascii"))

    def pair(self, user: int, message: int) -> tuple[float, float]:
        """Return two independent draws, uniform and strictly between 0 and 1."""
        state = self._state.copy()
        state.update(b"%d/%d" % (user, message))
        first, second = _two_words(state.digest())
        return (
            ((first >> _DROPPED_BITS) + 0.5) * _SCALE,
            ((second >> _DROPPED_BITS) + 0.5) * _SCALE,
        )


FORM = "write e.g. sleep=100ms, cpu=5ms, or a distribution, sleep=exponential(100ms)"
MAX_TURNS = 1_000
_COMMA = re.compile(r",(?![^()]*\))")  # but not between brackets
_MICROSECONDS = 1_000_000


class DemandsError(ValueError):
    """The text is not a list of demands; the message states the syntax."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """One of the demands that a group's messages have in turn.

    ``plain`` is the demand as written, with a space before it; None for a distribution by name,
    which servers cannot read.
    """

    kind: str
    law: Law
    plain: bytes | None


class Demands:
    """The demands of a group's messages. Drawn durations are whole µs, ``limit_s`` at most."""

    def __init__(self, turns: tuple[_Turn, ...], limit_s: float) -> None:
        self._turns = turns
        self._limit_us = math.floor(limit_s * _MICROSECONDS + 1e-6)

    @classmethod
    def parse(cls, text: str, limit_s: float = math.inf) -> "Demands":
        """Return the demands ``text``: one, or several separated by commas, which take turns.

        Raises:
            DemandsError: one of them is not a demand, or is constant and longer than ``limit_s``.
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
    def is_random(self) -> bool:
        """Whether any of them is drawn."""
        return any(turn.law.constant_s is None for turn in self._turns)

    @property
    def constant(self) -> bytes | None:
        """The demand of all messages, with a space before it; None if they differ."""
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
        """The kind and the distribution of each demand, in order."""
        return [(turn.kind, turn.law) for turn in self._turns]

    @property
    def mean_s(self) -> float:
        """The mean demand in seconds, with durations cut to the limit."""
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
