"""The figures and how they are judged: values by contestant and round, ratios, targets.

Pure arithmetic. A ratio is taken within one round, where both sides saw the same machine, and only
then summed up: a median of ratios, not a ratio of medians.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Spread:
    """The median of some values, and the smallest and largest of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Sum up ``values``, one or more."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Target:
    """A bound on ``of``, or on its ratio to ``to``; ``at_least`` or else at most ``bound``."""

    of: str
    bound: float
    to: str | None = None
    at_least: bool = True

    def values(self, rows: Mapping[str, Sequence[float]]) -> list[float]:
        """Return what is held against the bound, round by round."""
        if self.to is None:
            return list(rows[self.of])
        return [own / other for own, other in zip(rows[self.of], rows[self.to], strict=True)]

    def is_met(self, rows: Mapping[str, Sequence[float]]) -> bool:
        """Whether the median over the rounds keeps the bound."""
        median = Spread.of(self.values(rows)).median
        return median >= self.bound if self.at_least else median <= self.bound


@dataclass(frozen=True)
class Table:
    """One measure: for each contestant a value a round, in ``unit``; notes to read it by."""

    title: str
    unit: str
    rows: Mapping[str, Sequence[float]]
    targets: Sequence[Target] = ()
    notes: Mapping[str, str] = field(default_factory=dict)  # by contestant
