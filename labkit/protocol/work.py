"""The demand of a message, and how a server performs it: wait as on I/O, or use CPU time.

The demand is part of the message, so that request *i* is the same work for every model.
"""

import time
from functools import lru_cache
from typing import NamedTuple

from labkit.protocol.parsing import DurationError, parse_duration_s

SLEEP = "sleep"
CPU = "cpu"
KINDS = (SLEEP, CPU)
_BEGINNINGS = tuple(f"{kind}=" for kind in KINDS)


class DemandError(ValueError):
    """The text is not a demand; the message states the syntax."""


class Demand(NamedTuple):
    """The work of one request: its kind, ``sleep`` or ``cpu``, and its duration in seconds."""

    kind: str
    duration_s: float

    def __str__(self) -> str:
        return f"{self.kind}={self.duration_s * 1e3:g}ms"


def parse_demand(word: str) -> Demand | None:
    """Return the demand ``word``, or None if it is just text.

    Raises:
        DemandError: the word begins like a demand, but no duration follows.
    """
    return _demand(word) if word.startswith(_BEGINNINGS) else None


@lru_cache(maxsize=1024)  # the words are short, as digits are limited; errors are not cached
def _demand(word: str) -> Demand:
    kind, _, duration = word.partition("=")
    try:
        return Demand(kind, parse_duration_s(duration))
    except DurationError as exc:
        raise DemandError(f"demand {word[:40]!r}: {exc}") from exc


def perform(demand: Demand) -> None:
    """Do the work in the calling thread: block for a ``sleep``, compute for a ``cpu``."""
    if not demand.duration_s:
        return  # sleep(0) takes 60 µs, the kernel's timer slack
    if demand.kind == SLEEP:
        time.sleep(demand.duration_s)
    else:
        burn(demand.duration_s)


def burn(cpu_time_s: float) -> None:
    """Compute until this thread has used ``cpu_time_s`` of CPU time.

    Measured with CLOCK_THREAD_CPUTIME_ID (clock_gettime(2)), so the time in which the thread is
    preempted or waits for the interpreter lock does not count.
    """
    end_ns = time.thread_time_ns() + round(cpu_time_s * 1e9)
    while time.thread_time_ns() < end_ns:
        pass
