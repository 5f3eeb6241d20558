"""Random durations: distributions, the draws that feed them, and the demands of a group.

A distribution (`Law`) contains no randomness: it turns draws into a duration. A draw is a keyed
hash (BLAKE2b, RFC 7693) of seed, group, user and message. So a message has the same demand on every
model, in every run of that seed, and for any number of replicas. With a sequential generator, the
demand of a message would depend on the order in which users send. A message carries the plain
demand drawn for it, ``sleep=12345us``, so servers need no distributions.
"""

import math
import re
from dataclasses import dataclass, replace
from hashlib import blake2b
from struct import Struct

from labkit.protocol.parsing import DurationError, parse_duration_s
from labkit.protocol.work import KINDS, MAX_PARTS

_LAWS = "exponential(50ms), hyperexponential(50ms, scv=4) or bimodal(5ms, 100ms, share=0.9)"
FORMS = f"50ms, {_LAWS}"
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


def _is_duration(text: str) -> bool:
    try:
        parse_duration_s(text)
    except DurationError:
        return False
    return True


def _refusal(text: str) -> LawError:
    shown = text[:_SHOWN_CHARACTERS]
    if _NUMBER.fullmatch(text):
        return LawError(f"{shown!r} has no unit; write {shown}ms or {shown}s, or {_LAWS}")
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

    def pair(self, user: int, message: int, part: int = 0) -> tuple[float, float]:
        """Return two independent draws, uniform and strictly between 0 and 1.

        ``part`` is the part of the message that they are for, from 0.
        """
        state = self._state.copy()
        state.update(b"%d/%d/%d" % (user, message, part) if part else b"%d/%d" % (user, message))
        first, second = _two_words(state.digest())
        return (
            ((first >> _DROPPED_BITS) + 0.5) * _SCALE,
            ((second >> _DROPPED_BITS) + 0.5) * _SCALE,
        )


FORM = (
    "write e.g. sleep=100ms, cpu=5ms, several parts, sleep=10ms+cpu=2ms, or a distribution, "
    "sleep=exponential(100ms)"
)
MAX_TURNS = 1_000
_COMMA = re.compile(r",(?![^()]*\))")  # but not between brackets
_PLUS = re.compile(r"\+(?![^()]*\))")
_MICROSECONDS = 1_000_000
_NS_DIGITS = 9
_MOST_S = 1e9
_NOISE_US = 1e-6


class DemandsError(ValueError):
    """The text is not a list of demands; the message states the syntax."""


@dataclass(frozen=True, slots=True)
class Part:
    """One of the parts of a demand, ``number`` from 0; ``limit_us`` cuts it if it is drawn.

    ``plain`` is the part as written; None for a distribution by name, which servers cannot read.
    """

    number: int
    kind: str
    law: Law
    plain: bytes | None
    limit_us: int = 0

    @property
    def constant_us(self) -> float | None:
        """The duration as it is sent; None for one that is drawn."""
        constant_s = self.law.constant_s
        if constant_s is None:
            return None
        return constant_s * _MICROSECONDS if self.plain else round(constant_s * _MICROSECONDS)

    def of(self, draws: Draws, user: int, message: int) -> bytes:
        """Return the part of a message, as a server reads it."""
        if self.plain is not None:
            return self.plain
        drawn_us = round(
            self.law.duration_s(draws.pair(user, message, self.number)) * _MICROSECONDS
        )
        if self.constant_us is None:
            drawn_us = min(drawn_us, self.limit_us)
        return b"%b=%dus" % (self.kind.encode("ascii"), drawn_us)

    @property
    def least_bytes(self) -> int:
        """The number of bytes that it has at least."""
        return len(self.plain or f"{self.kind}=0us")

    @property
    def mean_s(self) -> float:
        """The mean of the durations, cut to the limit."""
        return self.law.mean_s(self._limit_s)

    @property
    def mean_square_s2(self) -> float:
        """The mean of the squares of the durations, cut to the limit."""
        return self.law.mean_square_s2(self._limit_s)

    @property
    def _limit_s(self) -> float:
        return self.limit_us / _MICROSECONDS if self.law.constant_s is None else math.inf


@dataclass(frozen=True, slots=True)
class _Turn:
    """One of the demands that a group's messages have in turn.

    ``plain`` is the demand as it is sent, with a space before it; None if a part is drawn or is a
    distribution by name.
    """

    parts: tuple[Part, ...]
    plain: bytes | None

    def of(self, draws: Draws, user: int, message: int) -> bytes:
        """Return the demand of a message, with a space before it."""
        return b" " + b"+".join([part.of(draws, user, message) for part in self.parts])


class Demands:
    """The demands of a group's messages.

    Drawn durations are whole µs. A demand is ``limit_s`` at most: the parts that are drawn get
    equal shares of what the constant ones leave of it, and each is cut to its share.
    """

    def __init__(self, turns: tuple[_Turn, ...]) -> None:
        self._turns = turns

    @classmethod
    def parse(cls, text: str, limit_s: float = math.inf) -> "Demands":
        """Return the demands ``text``: one, or several separated by commas, which take turns.

        A demand has up to `MAX_PARTS` parts, joined by ``+``, which a message asks for in order.

        Raises:
            DemandsError: one of them is not a demand, or its constant parts are longer than
                ``limit_s``.
        """
        words = [word.strip() for word in _COMMA.split(text)]
        if len(words) > MAX_TURNS:
            raise DemandsError(f"{len(words)} demands that take turns; allowed: {MAX_TURNS}")
        parsed = [_parse_parts(word) for word in words]
        return cls(
            tuple(_turn(word, parts, limit_s) for word, parts in zip(words, parsed, strict=True))
        )

    @property
    def is_random(self) -> bool:
        """Whether any of them is drawn."""
        return any(part.law.constant_s is None for turn in self._turns for part in turn.parts)

    @property
    def constant(self) -> bytes | None:
        """The demand of all messages, with a space before it; None if they differ."""
        return self._turns[0].plain if len(self._turns) == 1 else None

    def of(self, draws: Draws, user: int, message: int) -> bytes:
        """Return the demand of a message, with a space before it."""
        turn = self._turns[message % len(self._turns)]
        return turn.plain or turn.of(draws, user, message)

    @property
    def parts(self) -> list[tuple[Part, ...]]:
        """The parts of each demand, in order."""
        return [turn.parts for turn in self._turns]

    @property
    def least_bytes(self) -> int:
        """The number of bytes that the longest demand has at least, with the space before it."""
        return max(sum(part.least_bytes + 1 for part in turn.parts) for turn in self._turns)

    @property
    def mean_s(self) -> float:
        """The mean demand in seconds, of all parts together, with durations cut to the limit."""
        means_s = [part.mean_s for turn in self._turns for part in turn.parts]
        return sum(means_s) / len(self._turns)


def _turn(word: str, parts: tuple[Part, ...], limit_s: float) -> _Turn:
    constants_us = [part.constant_us for part in parts]
    constant_us = sum(each for each in constants_us if each is not None)
    if round(constant_us / _MICROSECONDS, _NS_DIGITS) > limit_s:
        shown = word[:_SHOWN_CHARACTERS]
        raise DemandsError(f"{shown!r} is more than the {limit_s:g}s that a server allows")
    left_us = max(min(limit_s, _MOST_S) * _MICROSECONDS - constant_us, 0.0)
    limit_us = math.floor(left_us / max(constants_us.count(None), 1) + _NOISE_US)
    plain = [part.plain for part in parts if part.plain is not None]
    return _Turn(
        tuple(replace(part, limit_us=limit_us) for part in parts),
        b" " + b"+".join(plain) if len(plain) == len(parts) else None,
    )


def _parse_parts(word: str) -> tuple[Part, ...]:
    texts = [text.strip() for text in _PLUS.split(word)]
    if len(texts) > MAX_PARTS:
        shown = word[:_SHOWN_CHARACTERS]
        raise DemandsError(f"{shown!r} has {len(texts)} parts; a message has at most {MAX_PARTS}")
    return tuple(_parse_part(number, text) for number, text in enumerate(texts))


def _parse_part(number: int, word: str) -> Part:
    kind, separator, text = word.partition("=")
    if kind not in KINDS or not separator:
        shown = word[:_SHOWN_CHARACTERS]
        if _is_duration(word):
            raise DemandsError(f"{shown!r} is a duration; write sleep={shown} or cpu={shown}")
        raise DemandsError(f"{shown!r} is not a demand; {FORM}")
    try:
        law = parse_law(text)
    except LawError as exc:
        raise DemandsError(f"demand {word[:_SHOWN_CHARACTERS]!r}: {exc}") from exc
    return Part(number, kind, law, word.encode("ascii") if text[0].isdigit() else None)
