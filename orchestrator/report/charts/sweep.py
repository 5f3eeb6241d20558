"""Figures over a swept variable: a line for each model, with a band of its intervals.

Axes that move together are one variable. A model without the axis, because it ignores it, has the
same value everywhere: a level line.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from orchestrator.measures.dimensions import RATE, format_value, unit_value
from orchestrator.report.charts.figures import Figure, distinguishing, figure_of
from orchestrator.report.charts.plot import (
    BOTTOM,
    HEIGHT,
    LEFT,
    LOG_RATIO,
    RIGHT,
    TOP,
    Chart,
    Frame,
    Key,
    Plot,
    Scale,
    Shape,
    Subject,
    TextTable,
    Tick,
    line,
    tick_label,
    value_scale,
)
from orchestrator.report.columns import axis_names, axis_text, coverage_text
from orchestrator.results.summary import CaseSummary

SWEPT = ("throughput", "response_time_p50", "response_time_p99")
MAX_PLOTS = 3
MAX_LINES = 8
"""The number of line styles."""

QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([a-zA-Z%]*|/s)")

MARKS = (
    "m-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0",
    "m-3-3h6v6h-6z",
    "m0-4l4 7h-8z",
    "m0-4l4 4-4 4-4-4z",
)
"""A circle, a square, a triangle, a diamond: lines differ by more than their color.

The first is the largest, so that it stays visible below the others if lines coincide.
"""


@dataclass(frozen=True)
class _Line:
    """The cases of one model with equal values on all other axes, by the swept value.

    ``is_level`` is true if the model has no such axis, so that its one case is at every value.
    """

    name: str
    style: int
    cases: Sequence[CaseSummary]
    is_level: bool


@dataclass(frozen=True)
class _Sweep:
    """The ``cases`` over ``axis``, which is a number in each that has it.

    ``followers`` are the axes whose values follow from that of ``axis``.
    """

    axis: str
    followers: Sequence[str]
    cases: Sequence[CaseSummary]

    def place(self, case: CaseSummary) -> float | None:
        """Return the value of ``case`` on the axis, None if it has none and is at every value.

        A case whose model ignores the axis has the value that an axis which moves with it implies.
        """
        if self.axis in case.axes:
            return _number(case.axes[self.axis])
        implied = [
            {
                _number(each.axes[self.axis])
                for each in self.cases
                if self._is_beside(each, case, axis)
            }
            for axis in self.followers
        ]
        return next((values.pop() for values in implied if len(values) == 1), None)

    def _is_beside(self, other: CaseSummary, case: CaseSummary, axis: str) -> bool:
        """Return whether ``other`` has a value on this axis, and that of ``case`` on ``axis``."""
        shared = axis in case.axes and other.axes.get(axis) == case.axes[axis]
        return shared and self.axis in other.axes

    @property
    def places(self) -> list[float]:
        """Every value on the axis, ascending."""
        return sorted({at for case in self.cases if (at := self.place(case)) is not None})

    @property
    def title(self) -> str:
        """The name of the axis, and of the axes that move with it."""
        moved = [axis for axis in self.followers if _is_varied(axis, self.cases)]
        return f"{self.axis}, with {', '.join(moved)}" if moved else self.axis

    def text(self, case: CaseSummary) -> str:
        """Return the value of ``case`` on the axis as the scenario has it."""
        if self.axis in case.axes:
            return axis_text(self.axis, case)
        at = self.place(case)
        return f"any {self.axis}" if at is None else f"{at:g}"


def sweeps(subjects: Sequence[Subject], asked: Sequence[str] = ()) -> Iterator[Chart]:
    """Yield a chart for each axis on which the cases have several numbers.

    ``asked`` are the measures in question; those that differ between the cases come first.
    """
    cases = [subject.case.model_copy(update={"model": subject.model}) for subject in subjects]
    for axis, followers in _leading_axes(cases).items():
        values = {case.axes[axis] for case in cases if axis in case.axes}
        if len(values) > 1 and all(_number(value) is not None for value in values):
            chart = _chart(_Sweep(axis, followers, cases), asked)
            if chart.plots:
                yield chart


def _leading_axes(cases: Sequence[CaseSummary]) -> Mapping[str, Sequence[str]]:
    """Return the axes that follow no other one, each with those that follow it."""
    axes = axis_names(cases)
    follows = {
        (after, before)
        for before in axes
        for after in axes
        if after != before and _determines(before, after, cases)
    }
    equal = {(axis, first) for axis, first in follows if (first, axis) in follows}
    later = {pair for pair in equal if axes.index(pair[0]) > axes.index(pair[1])}
    led = {axis for axis, _ in (follows - equal) | later}
    return {
        axis: [after for after, before in follows if before == axis]
        for axis in axes
        if axis not in led
    }


def _determines(before: str, after: str, cases: Sequence[CaseSummary]) -> bool:
    """Return whether each value of ``before`` occurs with one value of ``after`` only."""
    pairs = {(str(c.axes.get(before)), str(c.axes.get(after))) for c in cases if before in c.axes}
    return len(pairs) == len({first for first, _ in pairs})


def _is_varied(axis: str, cases: Sequence[CaseSummary]) -> bool:
    return len({str(case.axes[axis]) for case in cases if axis in case.axes}) > 1


def _number(value: object) -> float | None:
    """Return a number, or a quantity such as ``10ms`` or ``50/s`` in base units; else None."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    written = QUANTITY.fullmatch(value) if isinstance(value, str) else None
    if written is None:
        return None
    number, unit = written.groups()
    size = (1.0, RATE) if unit == "/s" else unit_value(unit)
    return None if size is None else float(number) * size[0]


def _chart(sweep: _Sweep, asked: Sequence[str]) -> Chart:
    lines = _lines(sweep)
    shown = lines[:MAX_LINES]
    figures = _figures(sweep.cases, asked)
    left_out = (
        f" The first {MAX_LINES} of {len(lines)} lines are drawn." if lines[MAX_LINES:] else ""
    )
    return Chart(
        key=f"sweep-{sweep.axis}",
        title=f"Over {sweep.title}",
        reading="One line for each model. The band is the interval of the median, if there are "
        f"repeats{_coverage(sweep.cases)}.{left_out}",
        plots=[_plot(sweep, figure, shown) for figure in figures],
        legend=[Key(f"swept s{drawn.style}", drawn.name) for drawn in shown],
        table=TextTable(
            ("model", sweep.axis, *(figure.title for figure in figures)),
            [
                (drawn.name, sweep.text(case), *(figure.text(case) for figure in figures))
                for drawn in lines
                for case in drawn.cases
            ],
        ),
    )


def _figures(cases: Sequence[CaseSummary], asked: Sequence[str]) -> list[Figure]:
    """Return the figures in question that differ, then the usual ones, as many as there is room."""
    usual = [figure for name in SWEPT if (figure := figure_of(name)) is not None]
    known = [each for each in usual if any(each.value(case) is not None for case in cases)]
    return list(dict.fromkeys((*distinguishing(asked, cases), *known)))[:MAX_PLOTS]


def _coverage(cases: Sequence[CaseSummary]) -> str:
    text = coverage_text(cases)
    return f", and contains it with a probability of {text}" if text else ""


def _lines(sweep: _Sweep) -> list[_Line]:
    groups: dict[tuple[str, bool], list[CaseSummary]] = {}
    hidden = {sweep.axis, *sweep.followers}
    for case in sweep.cases:
        others = (f"{name}={axis_text(name, case)}" for name in case.axes if name not in hidden)
        name, is_level = ",".join((case.model, *others)), sweep.place(case) is None
        groups.setdefault((name, is_level), []).append(case)
    return [
        _Line(
            f"{name}, any {sweep.axis}" if is_level else name,
            number,
            sorted(own, key=lambda case: sweep.place(case) or 0.0),
            is_level,
        )
        for number, ((name, is_level), own) in enumerate(groups.items())
    ]


def _x_scale(sweep: _Sweep) -> Scale:
    """Return the scale of the swept values, with a tick at each that has room for its label."""
    values = sweep.places
    low, high = values[0], values[-1]
    is_log = low > 0 and (high / low >= LOG_RATIO or _is_geometric(values))
    pad = 14
    label_of = {sweep.place(case): sweep.text(case) for case in sweep.cases}
    scale = Scale(low, high, LEFT + pad, RIGHT - pad, is_log)
    scale = scale.with_ticks(values, label_of.__getitem__)
    return replace(scale, ticks=tuple(_legible(scale.ticks)))


def _is_geometric(values: Sequence[float]) -> bool:
    ratios = [after / before for before, after in pairwise(values)]
    return len(ratios) > 1 and max(ratios) < min(ratios) * 1.01


def _legible(ticks: Sequence[Tick]) -> Iterator[Tick]:
    """Yield the ticks whose labels do not overlap those before."""
    free = 0.0
    for tick in ticks:
        if tick.at >= free:
            yield tick
            free = tick.at + 8 + 7 * len(tick.label)


def _plot(sweep: _Sweep, figure: Figure, lines: Sequence[_Line]) -> Plot:
    values = [v for drawn in lines for case in drawn.cases for v in _plotted_values(case, figure)]

    def label(value: float) -> str:
        return tick_label(format_value(value, figure.measure.dimension))

    y = value_scale(values, BOTTOM, TOP, label)
    frame = Frame(_x_scale(sweep), y, sweep.title)
    shapes = [shape for drawn in lines for shape in _shapes(sweep, frame, figure, drawn)]
    every_shape = [*frame.shapes(), *shapes]
    return Plot(figure.title, figure.measure.meaning, HEIGHT, every_shape, list(frame.words()))


def _plotted_values(case: CaseSummary, figure: Figure) -> list[float]:
    value = figure.value(case)
    return [*(figure.interval(case) or ()), *([] if value is None else [value])]


def _shapes(sweep: _Sweep, frame: Frame, figure: Figure, drawn: _Line) -> Iterator[Shape]:
    known = [(case, v) for case in drawn.cases if (v := figure.value(case)) is not None]
    if drawn.is_level:
        for case, value in known:
            level = [(LEFT, frame.y.at(value)), (RIGHT, frame.y.at(value))]
            yield Shape(f"swept s{drawn.style}", line(level), _hover(sweep, figure, drawn, case))
        return

    def place(case: CaseSummary, value: float) -> tuple[float, float]:
        return frame.x.at(sweep.place(case) or 0.0), frame.y.at(value)

    banded = [(case, ends) for case, _ in known if (ends := figure.interval(case)) is not None]
    if banded:
        edge = [place(case, ends[1]) for case, ends in banded]
        edge += [place(case, ends[0]) for case, ends in reversed(banded)]
        yield Shape(f"band s{drawn.style}", line(edge) + "z")
    points = [place(case, value) for case, value in known]
    yield Shape(f"swept s{drawn.style}", line(points))
    mark = MARKS[drawn.style % len(MARKS)]
    for (case, _), (at_x, at_y) in zip(known, points, strict=True):
        at = round(at_x, 1), round(at_y, 1)
        yield Shape(f"mark s{drawn.style}", mark, _hover(sweep, figure, drawn, case), at)


def _hover(sweep: _Sweep, figure: Figure, drawn: _Line, case: CaseSummary) -> str:
    return f"{drawn.name}, {sweep.axis} {sweep.text(case)}: {figure.text(case)}"
