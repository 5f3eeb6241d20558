"""Which messages that timed out are sent again, and when: the budget of retries and the pauses.

Clients and the twin use the same code and the same draws. No sockets and no clock.
"""

import re
from dataclasses import dataclass

from labkit.protocol.parsing import DurationError, parse_duration_s
from labkit.workload.distributions import Draws
from labkit.workload.load_order import GroupOrder
from labkit.workload.profile import NS_PER_S

TOKEN = 1_000_000
"""A retry, in the units of the budget: whole numbers, so that its limit is exact."""

MOST_SAVED = 10
"""Retries that a budget saves up at most, as many as ``maxTokens`` in the example of gRPC A6."""

FORMS = "100ms, doubling(100ms) or doubling(100ms, most=2s)"
DEFAULT_MOST = "10s"
_DOUBLING = re.compile(r"doubling\(([^,()]{1,40})(?:, *most=([^,()]{1,40}))?\)")
_SHOWN_CHARACTERS = 60
_MAX_DOUBLINGS = 60


class RetryBudget:
    """A token bucket: each first attempt adds ``share`` of a token, each retry takes a whole one.

    So at any time the retries are at most that share of the first attempts. It is empty at first,
    and saves up `MOST_SAVED` retries at most, or more if ``share`` alone is more: after a long time
    without time-outs, a burst of them is limited too. A ``share`` of None is no limit.

    After ``RetryBudget`` of Finagle (a deposit for each request, a withdrawal for each retry), with
    a cap, as gRPC has ("gRPC Retry Design", A6, 2017), in place of deposits that expire.
    """

    def __init__(self, share: float | None) -> None:
        self._deposit = None if share is None else round(share * TOKEN)
        self._most = max(MOST_SAVED * TOKEN, (self._deposit or 0) + TOKEN)
        self._saved = 0

    def deposit(self) -> None:
        """Count a first attempt."""
        if self._deposit is not None:
            self._saved = min(self._saved + self._deposit, self._most)

    def withdraw(self) -> bool:
        """Take a retry, if there is one; return whether there was."""
        if self._deposit is None:
            return True
        if self._saved < TOKEN:
            return False
        self._saved -= TOKEN
        return True


class BackoffError(ValueError):
    """The text is not a pause before a retry; the message states the syntax."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """The pause before a retry: ``first_s``, or a random one whose limit doubles with each retry.

    The limit is ``first_s`` before the first retry, and ``most_s`` at most; the pause is uniform
    between 0 and the limit (gRPC A6, 2017: ``random(0, min(initialBackoff * 2**(n-1),
    maxBackoff))``). ``most_s`` is None if the pause is constant.
    """

    first_s: float
    most_s: float | None = None

    @property
    def is_random(self) -> bool:
        """Whether the pause is drawn."""
        return self.most_s is not None

    def pause_s(self, retry: int, draw: float) -> float:
        """Return the pause before the ``retry``-th retry, from 1; ``draw`` is uniform in 0 to 1."""
        if self.most_s is None:
            return self.first_s
        limit_s = self.first_s * 2.0 ** min(retry - 1, _MAX_DOUBLINGS)
        return draw * min(limit_s, self.most_s)


def parse_backoff(text: str) -> Backoff:
    """Return the pause that ``text`` describes, in one of `FORMS`.

    Raises:
        BackoffError: the text is not one.
    """
    doubling = _DOUBLING.fullmatch(text)
    try:
        if doubling is None:
            return Backoff(parse_duration_s(text))
        first, most = doubling[1], doubling[2] or DEFAULT_MOST
        return Backoff(parse_duration_s(first), parse_duration_s(most))
    except DurationError:
        shown = text[:_SHOWN_CHARACTERS]
        raise BackoffError(f"{shown!r} is not a pause before a retry; write {FORMS}") from None


class RetryPolicy:
    """Decides for one replica of ``group`` whether a message is sent again, and after which pause.

    The pauses depend on the seed, the message and the attempt only.
    """

    def __init__(self, group: GroupOrder, seed: int) -> None:
        self._attempts = group.attempts
        self._budget = RetryBudget(group.retry_budget)
        self._backoff = parse_backoff(group.backoff)
        self._draws = Draws(seed, group.name, "backoff")

    def count_first(self) -> None:
        """Count a message that is sent for the first time."""
        self._budget.deposit()

    def pause_ns(self, message: int, attempt: int) -> int | None:
        """Return the pause after ``attempt``, from 1, of a message has timed out, in ns.

        None if the message is not sent again. Otherwise the retry is taken from the budget.
        """
        if attempt >= self._attempts or not self._budget.withdraw():
            return None
        draw, _ = self._draws.pair(message, attempt)
        return round(self._backoff.pause_s(attempt, draw) * NS_PER_S)
