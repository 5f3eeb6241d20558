"""What a chart is made of: shapes and words at places, a table of the same, and words for it all.

Values only; ``style`` is a class of the page's style sheet, never a colour.

Scales of charts: where a value stands along an axis, and which round values are labelled.

What charts are drawn of: a case with what its run showed, under its name on the page.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from orchestrator.analysis.chart_data import Exhibit
from orchestrator.results.summary import CaseSummary

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


@dataclass(frozen=True)
class Shape:
    """An SVG path; ``told`` is what somebody reads who points at it."""

    style: str
    path: str
    told: str = ""


@dataclass(frozen=True)
class Word:
    """A text at a place; ``anchor`` is the end of it that is there."""

    style: str
    x: float
    y: float
    text: str
    anchor: str = "start"


@dataclass(frozen=True)
class Plot:
    """One picture, ``width`` by ``height`` in pixels of a narrow screen; ``title`` stands above."""

    title: str
    told: str
    width: int
    height: int
    shapes: Sequence[Shape]
    words: Sequence[Word]


@dataclass(frozen=True)
class Table:
    """The same in numbers; the first cell of a row names it."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Key:
    """What a style stands for."""

    style: str
    meaning: str


@dataclass(frozen=True)
class Chart:
    """Plots that share their axes, what their styles stand for, how to read them, and the table."""

    key: str
    title: str
    reading: str
    plots: Sequence[Plot]
    legend: Sequence[Key]
    table: Table


WIDTH, HEIGHT = 280, 196
LEAST_STEP = 1.0
LEFT, RIGHT, TOP, BOTTOM = 50, 268, 10, 150
"""Where the frame of a plot stands: room for labels to the left, and for two lines below."""


@dataclass(frozen=True)
class Frame:
    """The two axes of a plot and what they measure."""

    x: Scale
    y: Scale
    x_title: str

    def shapes(self) -> Iterator[Shape]:
        """Yield the lines of the grid."""
        for tick in self.y.ticks:
            yield Shape("grid", f"M{LEFT} {tick.at:g}H{RIGHT}")
        for tick in self.x.ticks:
            yield Shape("grid", f"M{tick.at:g} {TOP}V{BOTTOM}")
        yield Shape("axis", f"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}")

    def words(self) -> Iterator[Word]:
        """Yield the labels of both axes and the title of the horizontal one."""
        for tick in self.y.ticks:
            yield Word("tick", LEFT - 6, round(tick.at + 4, 1), tick.label, "end")
        for tick in self.x.ticks:
            is_last = tick.at > RIGHT - 8
            x, anchor = (WIDTH, "end") if is_last else (tick.at, "middle")
            yield Word("tick", x, BOTTOM + 17, tick.label, anchor)
        yield Word("tick", (LEFT + RIGHT) / 2, BOTTOM + 38, self.x_title, "middle")


def line(points: Sequence[tuple[float, float]]) -> str:
    """Return the path through ``points``."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) if points else ""


def staircase(points: Sequence[tuple[float, float]]) -> str:
    """Return the path that goes from each of ``points`` level to the next, then up or down.

    A step too small to be seen is part of the next one.
    """
    if not points:
        return ""
    last = len(points) - 1
    reached_x, reached_y = points[0]
    turns = [f"M{reached_x:.1f} {reached_y:.1f}"]
    for number, (x, y) in enumerate(points):
        if max(abs(x - reached_x), abs(y - reached_y)) >= LEAST_STEP or number == last:
            turns.append(f"H{x:.1f}V{y:.1f}")
            reached_x, reached_y = x, y
    return "".join(turns)


@dataclass(frozen=True)
class Subject:
    """A case of a campaign; ``name`` tells it from every other on the page."""

    name: str
    case: CaseSummary
    exhibit: Exhibit

    @property
    def model(self) -> str:
        """The name without the case's place on the axes of a matrix."""
        return self.name.removesuffix(self.case.name) + self.case.model
