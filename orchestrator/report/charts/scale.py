"""Scales of charts: where a value stands along an axis, and which round values are labelled."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

MAX_STEPS = 4
MAX_DECADES = 4
LOG_RATIO = 50
"""From this ratio of the largest to the smallest value on, small ones are lost on a linear axis."""


@dataclass(frozen=True)
class Tick:
    """A labelled value at its place."""

    at: float
    label: str


@dataclass(frozen=True)
class Scale:
    """Maps values from ``low`` to ``high`` onto places from ``begin`` to ``end``, linear or log.

    A log scale takes ``low`` above 0; a value beyond either end stands at that end.
    """

    low: float
    high: float
    begin: float
    end: float
    is_log: bool = False
    ticks: tuple[Tick, ...] = field(default=(), compare=False)

    def at(self, value: float) -> float:
        """Return the place of ``value``."""
        low, high = self._grow(self.low), self._grow(self.high)
        value = min(max(value, self.low), self.high)
        share = (self._grow(value) - low) / (high - low) if high > low else 0.5
        return self.begin + share * (self.end - self.begin)

    def _grow(self, value: float) -> float:
        return math.log10(value) if self.is_log else value


def linear(
    high: float, begin: float, end: float, label: Callable[[float], str], steps: int = MAX_STEPS
) -> Scale:
    """Return a linear scale from 0 to the first round value that is ``high``, above 0, or more."""
    step = _round_up(high / steps)
    count = max(math.ceil(high / step - 1e-9), 1)
    values = (number * step for number in range(count + 1))
    return _ticked(Scale(0, count * step, begin, end), values, label)


def logarithmic(
    low: float, high: float, begin: float, end: float, label: Callable[[float], str]
) -> Scale:
    """Return a log scale over the powers of ten around ``low``, above 0, and ``high``."""
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    last = max(last, first + 1)
    scale = Scale(10.0**first, 10.0**last, begin, end, is_log=True)
    step = -(-(last - first) // MAX_DECADES)
    return _ticked(scale, (10.0**power for power in range(first, last + 1, step)), label)


def spanning(
    values: Iterable[float], begin: float, end: float, label: Callable[[float], str]
) -> Scale:
    """Return a scale for ``values`` of 0 or more: from 0, or log where they differ too much."""
    found = [value for value in values if value > 0]
    low, high = min(found, default=1.0), max(found, default=1.0)
    if high / low >= LOG_RATIO:
        return logarithmic(low, high, begin, end, label)
    return linear(high, begin, end, label)


def _round_up(step: float) -> float:
    """Return the smallest 1, 2 or 5 times a power of ten that is ``step`` or more."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(f * power for f in (1, 2, 5, 10) if f * power >= step * (1 - 1e-9))


def _ticked(scale: Scale, values: Iterable[float], label: Callable[[float], str]) -> Scale:
    ticks = tuple(Tick(round(scale.at(value), 1), label(value)) for value in values)
    return Scale(scale.low, scale.high, scale.begin, scale.end, scale.is_log, ticks)
