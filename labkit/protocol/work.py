"""The demand of a message, and how a server performs it: wait as on I/O, or use CPU time.

The demand is part of the message, so that request *i* is the same work for every model. It may have
several parts, ``sleep=10ms+cpu=2ms``, which are done one after another.
"""

import time
from functools import lru_cache
from typing import NamedTuple

from labkit.protocol.parsing import DurationError, parse_duration_s

SLEEP = "sleep"
CPU = "cpu"
KINDS = (SLEEP, CPU)
PLUS = "+"
MAX_PARTS = 8
_BEGINNINGS = tuple(f"{kind}=" for kind in KINDS)
_SHOWN_CHARACTERS = 40
_NS_DIGITS = 9

LONGEST_SLEEP_S = 1.0
"""A longer sleep is divided: a signal that arrives just before a sleep is handled at its end."""


class DemandError(ValueError):
    """The text is not a demand; the message states the syntax."""


class Demand(NamedTuple):
    """The work of one request: its kind, ``sleep`` or ``cpu``, and its duration in seconds.

    If it has several ``parts``, ``kind`` are theirs, ``sleep+cpu``, and ``duration_s`` is their
    sum; see `demand_of`. One that is not divided has no ``parts``.
    """

    kind: str
    duration_s: float
    parts: tuple["Demand", ...] = ()

    @property
    def steps(self) -> tuple["Demand", ...]:
        """The parts, in order; the demand itself if it is not divided."""
        return self.parts or (self,)

    def __str__(self) -> str:
        return PLUS.join(f"{each.kind}={each.duration_s * 1e3:g}ms" for each in self.steps)


def demand_of(parts: tuple[Demand, ...]) -> Demand:
    """Return the demand that consists of ``parts``, one or more.

    The sum is rounded to the nanosecond: 100 ms and 200 ms are 300 ms, and no rounding error more.
    """
    if len(parts) == 1:
        return parts[0]
    kind = PLUS.join(part.kind for part in parts)
    return Demand(kind, round(sum(part.duration_s for part in parts), _NS_DIGITS), parts)


def parse_demand(word: str) -> Demand | None:
    """Return the demand ``word``, or None if it is just text.

    Raises:
        DemandError: the word begins like a demand, but is none.
    """
    return _demand(word) if word.startswith(_BEGINNINGS) else None


@lru_cache(maxsize=1024)  # the words are short, as digits are limited; errors are not cached
def _demand(word: str) -> Demand:
    if PLUS not in word:
        return _part(word, word)
    texts = word.split(PLUS, MAX_PARTS)
    if len(texts) > MAX_PARTS:
        raise DemandError(
            f"demand {word[:_SHOWN_CHARACTERS]!r}: more than {MAX_PARTS} parts; "
            "split it over several messages"
        )
    return demand_of(tuple(_part(text, word) for text in texts))


def _part(text: str, word: str) -> Demand:
    kind, _, duration = text.partition("=")
    if kind not in KINDS:
        shown = text[:_SHOWN_CHARACTERS]
        reason = f"{shown!r} is not a part; write sleep= or cpu= and a duration"
        raise DemandError(f"demand {word[:_SHOWN_CHARACTERS]!r}: {reason}")
    try:
        return Demand(kind, parse_duration_s(duration))
    except DurationError as exc:
        raise DemandError(f"demand {word[:_SHOWN_CHARACTERS]!r}: {exc}") from exc


def perform(demand: Demand) -> None:
    """Do the parts in order in the calling thread: block for a ``sleep``, compute for a ``cpu``."""
    for kind, duration_s, _ in demand.steps:
        if not duration_s:
            continue  # sleep(0) takes 60 µs, the kernel's timer slack
        if kind == SLEEP:
            sleep(duration_s)
        else:
            burn(duration_s)


def sleep(duration_s: float) -> None:
    """Block the calling thread; a signal is handled within `LONGEST_SLEEP_S`, usually at once."""
    end_s = time.monotonic() + duration_s
    while duration_s > LONGEST_SLEEP_S:
        time.sleep(LONGEST_SLEEP_S)
        duration_s = end_s - time.monotonic()
    time.sleep(max(duration_s, 0.0))


def burn(cpu_time_s: float) -> None:
    """Compute until this thread has used ``cpu_time_s`` of CPU time.

    Measured with CLOCK_THREAD_CPUTIME_ID (clock_gettime(2)), so the time in which the thread is
    preempted or waits for the interpreter lock does not count.
    """
    end_ns = time.thread_time_ns() + round(cpu_time_s * 1e9)
    while time.thread_time_ns() < end_ns:
        pass
