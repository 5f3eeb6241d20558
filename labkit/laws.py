"""Laws of random durations, as a scenario writes them: ``exponential(50ms)``.

No randomness of its own: a law turns draws from outside into a duration.
"""

import math
import re
from dataclasses import dataclass

from labkit.durations import DurationError, parse_duration_s

FORMS = "50ms, exponential(50ms), hyperexponential(50ms, scv=4) or bimodal(5ms, 100ms, share=0.9)"
MAX_SCV = 1_000.0
_CALL = re.compile(r"([a-z]+)\(([^()]{0,200})\)")
_NUMBER = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,9})?")
_SHOWN_CHARACTERS = 60


class LawError(ValueError):
    """The text is no law; the message says what one looks like."""


@dataclass(frozen=True, slots=True)
class Law:
    """A mixture of two: with probability ``share`` the first, else the second.

    Each is constant at that many seconds, or exponential with that mean.
    """

    share: float
    first_s: float
    second_s: float
    is_exponential: bool

    def duration_s(self, draws: tuple[float, float]) -> float:
        """Return the duration that two uniform draws, each between 0 and 1, stand for."""
        level, choice = draws
        scale_s = self.first_s if choice < self.share else self.second_s
        return -scale_s * math.log(level) if self.is_exponential else scale_s

    def mean_s(self, limit_s: float = math.inf) -> float:
        """Return the mean of durations that are cut to ``limit_s``.

        Of an exponential with mean m, cut to c: m (1 - exp(-c/m)), the integral of its survival
        function to c.
        """
        parts = ((self.share, self.first_s), (1 - self.share, self.second_s))
        return sum(share * self._cut_mean_s(scale_s, limit_s) for share, scale_s in parts)

    def _cut_mean_s(self, scale_s: float, limit_s: float) -> float:
        if not self.is_exponential or not scale_s:
            return min(scale_s, limit_s)
        return -scale_s * math.expm1(-limit_s / scale_s)

    def mean_square_s2(self, limit_s: float = math.inf) -> float:
        """Return the mean of the squares of durations that are cut to ``limit_s``.

        Of an exponential with mean m, cut to c: 2 m (m - (m + c) exp(-c/m)), the integral of 2 x
        times its survival function to c.
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
        """The one duration of a law that leaves nothing to chance, None of any other."""
        is_constant = not self.is_exponential and self.first_s == self.second_s
        return self.first_s if is_constant else None


def parse_law(text: str) -> Law:
    """Return the law that ``text`` names.

    ``hyperexponential(m, scv=c)`` has mean m and squared coefficient of variation c >= 1, as a
    mixture of two exponentials with balanced means, p/a = (1-p)/b for rates a and b (Whitt 1982,
    "Approximating a point process by a renewal process, I"). ``bimodal(a, b, share=p)`` is a with
    probability p, else b.

    Raises:
        LawError: it names none.
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
    """Return the number of an argument that is written ``scv=4``."""
    key, _, written = text.partition("=")
    if key.strip() != name or not _NUMBER.fullmatch(written.strip()):
        raise LawError(f"{text[:_SHOWN_CHARACTERS]!r} is not {name}=<number>; write e.g. {FORMS}")
    number = float(written)
    if not low <= number <= high:
        raise LawError(f"{name}={number:g} is out of range; allowed: {low:g} to {high:g}")
    return number


def _refusal(text: str) -> LawError:
    shown = text[:_SHOWN_CHARACTERS]
    return LawError(f"{shown!r} is neither a duration nor a law of durations; write {FORMS}")
