"""Which load to try next, and the bounds of the capacity that the verdicts so far give.

A search brackets the capacity, halves the interval until it is as narrow as was asked, and confirms
the lower bound with fresh draws, since the greatest of several loads that held is more often one
that held by luck. Objectives that hold at a load are taken to hold at any smaller one.

No trials, no clock, no randomness: the same verdicts lead to the same loads.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.capacity.bracket import widening
from orchestrator.results.capacity import Verdict

WIDE = 0.5
"""A width from which on two loads are usually enough."""


@dataclass(frozen=True)
class SearchSettings:
    """When a search ends.

    ``width`` is (upper - lower) / upper. ``most_loads`` includes confirmations. A search ends once
    ``most_undecided`` loads were undecided. Numbers of users are whole. Where ``has_confirmation``
    is false, the lower bound is reported as it was found.
    """

    width: float
    most_loads: int = 12
    most_undecided: int = 3
    is_whole: bool = False
    has_confirmation: bool = True

    @property
    def is_wide(self) -> bool:
        """Whether two loads are usually enough."""
        return self.width >= WIDE


@dataclass(frozen=True)
class Step:
    """A load to classify; a confirmation repeats the lower bound, with fresh draws."""

    load: float
    is_confirmation: bool


class Search:
    """The search of one case: classify the load that `next` returns and `record` its verdict.

    It starts from ``bracket``, a smaller and a greater load. The bounds are those of the verdicts
    so far at any time, so that a search may be left at any time.
    """

    def __init__(self, settings: SearchSettings, bracket: tuple[float, float]) -> None:
        self._settings = settings
        self.bracket = _whole(bracket) if settings.is_whole else bracket
        self._verdicts: dict[float, Verdict] = {}  # the latest of each load
        self._confirmed: set[float] = set()
        self._loads = 0
        self._undecided = 0
        self._pending: Step | None = None
        self.ended = ""
        """Why no more load is tried, a sentence; empty while the search goes on."""

    @property
    def upper(self) -> float | None:
        """The least load that did not hold; None if there is none."""
        return min(self._having(Verdict.FAILS), default=None)

    @property
    def lower(self) -> float | None:
        """The greatest load that held below all that did not; None if there is none."""
        upper = math.inf if self.upper is None else self.upper
        return max((load for load in self._having(Verdict.HOLDS) if load < upper), default=None)

    @property
    def is_confirmed(self) -> bool:
        """Whether the lower bound held a second time, or needs not to."""
        return not self._settings.has_confirmation or self.lower in self._confirmed

    @property
    def is_complete(self) -> bool:
        """Whether the bounds are as close as was asked, and the lower one is confirmed."""
        return self._is_narrow() and self.is_confirmed

    def next(self) -> Step | None:
        """Return the load to classify now; None once the search has ended."""
        if self._pending is None and not self.ended:
            self._pending = self._choose()
        return self._pending

    def verdict(self, load: float) -> Verdict | None:
        """Return the latest verdict of ``load``; None if it was not tried."""
        return self._verdicts.get(load)

    def propose(self, load: float) -> Step:
        """Try ``load`` next, whatever the search would have chosen."""
        self._pending = Step(load, is_confirmation=False)
        return self._pending

    def record(self, verdict: Verdict) -> None:
        """Take the verdict of the load that `next` returned.

        The verdict of a confirmation replaces the one before: the load was chosen because it had
        held, the second verdict is free of that choice.
        """
        if self._pending is None:
            raise ValueError("there is no load to which this verdict belongs")
        load = self._pending.load
        self._verdicts[load] = verdict
        self._loads += 1
        if not self._pending.is_confirmation:
            self._undecided += verdict is Verdict.UNDECIDED
        elif verdict is Verdict.HOLDS:
            self._confirmed.add(load)
        self._pending = None

    def _choose(self) -> Step | None:
        candidate, reason = self._candidate()
        if candidate is not None:
            return Step(candidate, is_confirmation=False)
        lower = self.lower
        if lower is None or self.is_confirmed:
            self.ended = reason
        elif self._loads >= self._settings.most_loads:
            self.ended = f"{reason}; the lower bound is not confirmed"
        else:
            return Step(lower, is_confirmation=True)
        return None

    def _candidate(self) -> tuple[float | None, str]:
        """Return the load that narrows the interval, or None and why there is none."""
        settings = self._settings
        if self._is_narrow():
            return None, self._narrow_reason()
        is_kept_for_confirmation = settings.has_confirmation and self.lower is not None
        if self._loads >= settings.most_loads - is_kept_for_confirmation:
            return None, f"{settings.most_loads} loads are the most that are tried"
        if self._undecided >= settings.most_undecided and not self._is_half_bracketed():
            return None, f"{self._undecided} loads were undecided"
        candidate = self._inside() if self._is_bracketed() else self._outside()
        if candidate is None:
            return None, self._nothing_left_reason()
        return candidate, ""

    def _is_bracketed(self) -> bool:
        return self.lower is not None and self.upper is not None

    def _is_half_bracketed(self) -> bool:
        """Whether a wide step will probably find the bound that is missing."""
        is_decided = set(self._verdicts.values()) != {Verdict.UNDECIDED}
        return is_decided and not self._is_bracketed()

    def _outside(self) -> float | None:
        """Return a load beyond those tried, on the side without a bound; first the lower one."""
        tried, (low, high) = [*self._verdicts], self.bracket
        if self.lower is None:
            edge = min(tried, default=math.inf)
            times = 1 + sum(load < low for load in tried)
            wider = edge / self._factor(edge, times)
            return low if low < edge else self._fitting(wider, 0.0, edge)
        edge = max(tried)
        times = 1 + sum(load > high for load in tried)
        wider = edge * self._factor(edge, times)
        return high if high > edge else self._fitting(wider, edge, math.inf)

    def _factor(self, edge: float, times: int) -> float:
        """Return how much wider to go; the capacity is not far from a load that was undecided."""
        low, high = self.bracket
        is_near = self._verdicts.get(edge) is Verdict.UNDECIDED
        if is_near:
            return min(widening(times), high / low)
        return widening(times, is_wide=self._settings.is_wide)

    def _inside(self) -> float | None:
        lower, upper = self.lower or 0.0, self.upper or math.inf
        zone = [load for load in self._having(Verdict.UNDECIDED) if lower < load < upper]
        if not zone:
            return self._fitting(math.sqrt(lower * upper), lower, upper)
        return self._beside(min(zone), max(zone))

    def _beside(self, least: float, greatest: float) -> float | None:
        """Return a load beside those that were undecided, from ``least`` to ``greatest``.

        The capacity is near them. Half the width on either side makes an interval as narrow as was
        asked; beside a wider zone the distance is that of the zone, since the next load would be
        undecided, too. The wider gap comes first; None if both bounds are that near.
        """
        lower, upper = self.lower or 0.0, self.upper or math.inf
        distance = max(self._settings.width / 2, 1 - least / greatest)
        below = self._fitting(max(least * (1 - distance), lower), lower, least)
        above = self._fitting(min(greatest * (1 + distance), upper), greatest, upper)
        is_below_wider = least / lower > upper / greatest
        first, second = (below, above) if is_below_wider else (above, below)
        return second if first is None else first

    def _fitting(self, load: float, lower: float, upper: float) -> float | None:
        """Return ``load``, whole if need be, if one is strictly between the two; else None."""
        if not self._settings.is_whole:
            return load if lower < load < upper else None
        if load in {lower, upper}:
            return None
        whole = min(max(round(load), math.floor(lower) + 1), _last_below(upper))
        return float(whole) if lower < whole < upper else None

    def _is_narrow(self) -> bool:
        if self.lower is None or self.upper is None:
            return False
        is_next = self._settings.is_whole and self.upper - self.lower <= 1
        return is_next or (self.upper - self.lower) / self.upper <= self._settings.width

    def _narrow_reason(self) -> str:
        if self.lower is not None and self.upper is not None:
            share = (self.upper - self.lower) / self.upper
            if share > self._settings.width:
                return "no whole load lies between the bounds"
        return f"the bounds are within {100 * self._settings.width:.3g}%"

    def _nothing_left_reason(self) -> str:
        if self._is_bracketed():
            return "the loads between the bounds are too near the capacity to be decided"
        return "there is no smaller load"

    def _having(self, verdict: Verdict) -> Sequence[float]:
        return [load for load, latest in self._verdicts.items() if latest is verdict]


def _whole(bracket: tuple[float, float]) -> tuple[float, float]:
    low = max(math.floor(bracket[0]), 1)
    return float(low), float(max(math.ceil(bracket[1]), low + 1))


def _last_below(load: float) -> float:
    return math.ceil(load) - 1 if math.isfinite(load) else math.inf
