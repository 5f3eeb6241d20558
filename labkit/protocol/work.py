"""What a message asks a server to do: wait as on I/O, or burn CPU time.

A demand travels in the message, so that request *i* is the same work for every model.
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
    """The text is not a demand; the message says what one looks like."""


class Demand(NamedTuple):
    """The work of one request: its kind, ``sleep`` or ``cpu``, and its length in seconds."""

    kind: str
    duration_s: float

    def __str__(self) -> str:
        return f"{self.kind}={self.duration_s * 1e3:g}ms"


def parse_demand(word: str) -> Demand | None:
    """Return the demand that ``word`` states, or None where it is just text.

    Raises:
        DemandError: it begins as a demand does and then names no duration.
    """
    return _demand(word) if word.startswith(_BEGINNINGS) else None


@lru_cache(maxsize=1024)  # of short words: a duration has few digits, and errors are not kept
def _demand(word: str) -> Demand:
    kind, _, duration = word.partition("=")
    try:
        return Demand(kind, parse_duration_s(duration))
    except DurationError as exc:
        raise DemandError(f"demand {word[:40]!r}: {exc}") from exc


def perform(demand: Demand) -> None:
    """Do the work, in the calling thread: blocks for a ``sleep``, computes for a ``cpu``."""
    if not demand.duration_s:
        return  # sleep(0) costs 60 µs: the kernel's timer slack
    if demand.kind == SLEEP:
        time.sleep(demand.duration_s)
    else:
        burn(demand.duration_s)


def burn(cpu_time_s: float) -> None:
    """Compute until this thread has used ``cpu_time_s`` of CPU, however long that takes.

    Measured with CLOCK_THREAD_CPUTIME_ID (clock_gettime(2)), so that time in which the thread was
    preempted or waited for the interpreter lock is not counted as work done.
    """
    end_ns = time.thread_time_ns() + round(cpu_time_s * 1e9)
    while time.thread_time_ns() < end_ns:
        pass
