"""What a chart is made of: shapes and words at places, a table of the same, and words for it all.

Values only; ``style`` is a class of the page's style sheet, never a colour.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.report.charts.scale import Scale


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
