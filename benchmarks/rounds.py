"""Rounds: every contestant once a round, so that a change of the machine affects all alike."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks.contestants import Contestant
from benchmarks.load import Driven

Measured = TypeVar("Measured")


@dataclass(frozen=True)
class Effort:
    """How much to measure: rounds, and the seconds of load in each.

    ``before``: another checkout, whose servers are measured beside this one's instead of the peers.
    """

    rounds: int
    seconds: float
    before: Path | None = None


QUICK = Effort(rounds=2, seconds=0.4)
FULL = Effort(rounds=5, seconds=1.0)


def interleave(
    contestants: Sequence[Contestant], rounds: int, measure: Callable[[Contestant], Measured]
) -> dict[str, list[Measured]]:
    """Measure each contestant once a round; each round begins with another one."""
    measured: dict[str, list[Measured]] = {contestant.name: [] for contestant in contestants}
    for number in range(rounds):
        first = number % len(contestants)
        for contestant in (*contestants[first:], *contestants[:first]):
            measured[contestant.name].append(measure(contestant))
        sys.stderr.write(".")
        sys.stderr.flush()
    return measured


def per_s(driven: dict[str, list[Driven]]) -> dict[str, list[float]]:
    """Return the rates."""
    return {name: [one.per_s for one in rounds] for name, rounds in driven.items()}


def per_server_cpu_s(driven: dict[str, list[Driven]]) -> dict[str, list[float]]:
    """Return the rates for each CPU second of the server.

    What others take from its core does not count, and a load that cannot fill it does no harm.
    """
    return {
        name: [one.per_s / one.server_busy for one in rounds] for name, rounds in driven.items()
    }


def per_load_cpu_s(driven: dict[str, list[Driven]]) -> dict[str, list[float]]:
    """Return the rates for each CPU second of the load."""
    return {name: [one.per_s / one.load_busy for one in rounds] for name, rounds in driven.items()}


def busy_notes(driven: dict[str, list[Driven]]) -> dict[str, str]:
    """Return how busy both sides were: if the load's core was full, it may be the limit."""
    return {
        name: f"server busy {_mean([one.server_busy for one in rounds]):.0%}, "
        f"load busy {_mean([one.load_busy for one in rounds]):.0%}"
        for name, rounds in driven.items()
    }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
