"""What a chart is made of: a case, scales, shapes and words at places, and a table of the same.

Values only; ``style`` is a class of the page's style sheet, never a color.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

from orchestrator.analysis.chart_data import Exhibit
from orchestrator.results.summary import CaseSummary

MAX_STEPS = 4
MAX_DECADES = 4
LOG_RATIO = 50
"""From this ratio of largest to smallest value, small ones are invisible on a linear axis."""

WIDTH, HEIGHT = 280, 196
LEFT, RIGHT, TOP, BOTTOM = 50, 268, 10, 150
"""The frame of a plot: it leaves room for labels to the left, and for two lines below."""

LEAST_STEP = 1.0
CHAR_WIDTH = 7.2
"""Of a label, in a plot that is as narrow as a card makes it."""

SCAFFOLD = ("grid", "axis")
"""The styles of what a plot without data has, too."""


@dataclass(frozen=True)
class Subject:
    """A case of a campaign under a ``name`` that is unique on the page, and its chart data."""

    name: str
    case: CaseSummary
    exhibit: Exhibit

    @property
    def model(self) -> str:
        """The name without the matrix values of the case."""
        return self.name.removesuffix(self.case.name) + self.case.model


@dataclass(frozen=True)
class Tick:
    """A label at its place along an axis."""

    at: float
    label: str


@dataclass(frozen=True)
class Scale:
    """Maps values from ``low`` to ``high`` to places from ``begin`` to ``end``, linear or log.

    The ``low`` of a log scale is above 0. A value beyond an end is placed at that end.
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

    def with_ticks(self, values: Iterable[float], label: Callable[[float], str]) -> "Scale":
        """Return the scale with a tick at each of ``values``."""
        ticks = tuple(Tick(round(self.at(value), 1), label(value)) for value in values)
        return replace(self, ticks=ticks)

    def _grow(self, value: float) -> float:
        return math.log10(value) if self.is_log else value


def value_scale(
    values: Iterable[float], begin: float, end: float, label: Callable[[float], str]
) -> Scale:
    """Return a scale for ``values`` of 0 or more: linear from 0, or log if they differ too much."""
    positive = [value for value in values if value > 0]
    low, high = min(positive, default=1.0), max(positive, default=1.0)
    if high / low >= LOG_RATIO:
        return log_scale(low, high, begin, end, label)
    return linear_scale(high, begin, end, label)


def linear_scale(
    high: float, begin: float, end: float, label: Callable[[float], str], steps: int = MAX_STEPS
) -> Scale:
    """Return a linear scale from 0 to the first tick at or above ``high``, which is above 0."""
    step = round_step(high / steps)
    count = max(math.ceil(high / step - 1e-9), 1)
    values = (number * step for number in range(count + 1))
    return Scale(0, count * step, begin, end).with_ticks(values, label)


def log_scale(
    low: float, high: float, begin: float, end: float, label: Callable[[float], str]
) -> Scale:
    """Return a log scale over the powers of ten around ``low``, which is above 0, and ``high``."""
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    last = max(last, first + 1)
    scale = Scale(10.0**first, 10.0**last, begin, end, is_log=True)
    step = -(-(last - first) // MAX_DECADES)
    return scale.with_ticks((10.0**power for power in range(first, last + 1, step)), label)


def round_step(least: float) -> float:
    """Return the smallest 1, 2 or 5 times a power of ten that is ``least``, above 0, or more."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(f * power for f in (1, 2, 5, 10) if f * power >= least * (1 - 1e-9))


def time_label(value_s: float) -> str:
    """Return a round time without zeros behind its number: ``0``, ``20 ms``, ``1.5 s``."""
    units = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"))
    size, unit = next((each for each in units if value_s >= each[0] * (1 - 1e-9)), units[-1])
    return f"{value_s / size:.5g} {unit}" if value_s else "0"


def tick_label(text: str) -> str:
    """Return a value with its unit without zeros behind its number: ``5 s`` for ``5.000 s``."""
    number, _, unit = text.partition(" ")
    is_number = number.replace(".", "").isdigit()
    return f"{float(number):g} {unit}".strip() if is_number else text


Place = tuple[float, float]


@dataclass(frozen=True)
class Shape:
    """An SVG path; ``hover`` is the text shown while the pointer is on it.

    A path with ``at`` is a mark, which is drawn around that place and keeps its proportions if the
    plot is stretched.
    """

    style: str
    path: str
    hover: str = ""
    at: Place | None = None


@dataclass(frozen=True)
class Word:
    """A text at a place; ``anchor`` is the part of the text that is there, as in SVG.

    It is ``shift`` pixels to the right of ``x``, however far the plot is stretched.
    """

    style: str
    x: float
    y: float
    text: str
    anchor: str = "start"
    shift: int = 0


class Layout(NamedTuple):
    """The part of a plot from ``left`` to ``right``, of ``width``, that fills the space it gets.

    What is outside keeps its distance to it in pixels. ``name`` is a class of the style sheet,
    which reserves that room.
    """

    name: str
    left: int
    right: int
    width: int


FRAMED = Layout("framed", LEFT, RIGHT, WIDTH)


@dataclass(frozen=True)
class Plot:
    """One picture, ``height`` pixels high and as wide as its card allows.

    Its shapes and words are placed in its ``layout``; ``title`` and ``caption`` are above it.
    """

    title: str
    caption: str
    height: int
    shapes: Sequence[Shape]
    words: Sequence[Word]
    layout: Layout = FRAMED

    @property
    def width(self) -> int:
        """The width at which nothing is stretched."""
        return self.layout.width

    def percent(self, x: float) -> str:
        """Return the place of ``x`` in the part that is stretched, as a share of its width."""
        return f"{100 * (x - self.layout.left) / (self.layout.right - self.layout.left):.2f}%"

    def across(self, word: Word) -> str:
        """Return where ``word`` is horizontally; to the left of the stretched part, in pixels."""
        if word.x < self.layout.left:
            return f"{word.x - self.layout.left:g}"
        return self.percent(min(word.x, self.layout.right))

    def shift(self, word: Word) -> float:
        """Return how many pixels ``word`` is to the right of `across`."""
        return word.shift + max(word.x - self.layout.right, 0)


@dataclass(frozen=True)
class TextTable:
    """A table of texts; the first cell of a row names it."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Key:
    """What a style means; ``mark`` is the path around a place, if it is a mark."""

    style: str
    meaning: str
    mark: str = ""


@dataclass(frozen=True)
class Chart:
    """Plots that share their axes, how to read them, what their styles mean, and their table."""

    key: str
    title: str
    reading: str
    plots: Sequence[Plot]
    legend: Sequence[Key]
    table: TextTable

    @property
    def is_blank(self) -> bool:
        """Whether nothing is drawn in any plot but the axes."""
        shapes = (shape for plot in self.plots for shape in plot.shapes)
        return not any(shape.path and shape.style not in SCAFFOLD for shape in shapes)


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
        for tick in _legible(self.x.ticks):
            x, anchor = (WIDTH, "end") if _is_last(tick) else (tick.at, "middle")
            yield Word("tick", x, BOTTOM + 17, tick.label, anchor)
        yield Word("tick", (LEFT + RIGHT) / 2, BOTTOM + 38, self.x_title, "middle")


def _is_last(tick: Tick) -> bool:
    """Return whether the label of ``tick`` would leave the plot, so that it ends at its edge."""
    return tick.at > RIGHT - 8


def _legible(ticks: Sequence[Tick]) -> Sequence[Tick]:
    """Return all ``ticks``, or every second and so on, so that there is room for each label."""
    for step in range(1, len(ticks)):
        chosen = ticks[::step]
        if all(_span(before)[1] < _span(after)[0] for before, after in pairwise(chosen)):
            return chosen
    return ticks[:1]


def _span(tick: Tick) -> Place:
    """Return where the label of ``tick`` begins and ends."""
    wide = CHAR_WIDTH * (len(tick.label) + 0.5)
    end = WIDTH if _is_last(tick) else tick.at + wide / 2
    return end - wide, end


def line(points: Sequence[tuple[float, float]]) -> str:
    """Return the path through ``points``."""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) if points else ""


def staircase(points: Sequence[tuple[float, float]]) -> str:
    """Return the path from point to point, first horizontally and then vertically.

    A step that is too small to be seen is part of the next one.
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
