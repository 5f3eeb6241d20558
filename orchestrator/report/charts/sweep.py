"""Measures over a swept variable: a line for each model, with a band of its intervals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from orchestrator.measures.dimensions import format_value
from orchestrator.measures.registry import MEASURES, Measure
from orchestrator.report.charts.plot import (
    BOTTOM,
    HEIGHT,
    LEFT,
    LOG_RATIO,
    RIGHT,
    TOP,
    WIDTH,
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
    value_scale,
)
from orchestrator.report.columns import axis_names, coverage_text, measure_text, measure_value
from orchestrator.results.summary import CaseSummary

SWEPT = ("throughput", "response_time_p50", "response_time_p99")
MAX_LINES = 8
"""The number of line styles."""

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
    """The cases of one model with equal values on all other axes, by the swept value."""

    name: str
    style: int
    cases: Sequence[CaseSummary]


def sweeps(subjects: Sequence[Subject]) -> Iterator[Chart]:
    """Yield a chart for each axis on which the cases have several numbers."""
    cases = [subject.case.model_copy(update={"model": subject.model}) for subject in subjects]
    for axis in axis_names(cases):
        values = {case.axes[axis] for case in cases if axis in case.axes}
        if len(values) > 1 and all(_is_number(value) for value in values):
            yield _chart(axis, [case for case in cases if axis in case.axes])


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _chart(axis: str, cases: Sequence[CaseSummary]) -> Chart:
    lines = _lines(axis, cases)
    shown = lines[:MAX_LINES]
    x = _x_scale(sorted({float(case.axes[axis]) for case in cases}))
    known = [MEASURES[n] for n in SWEPT if any(measure_value(c, n) is not None for c in cases)]
    left_out = (
        f" The first {MAX_LINES} of {len(lines)} lines are drawn." if lines[MAX_LINES:] else ""
    )
    return Chart(
        key=f"sweep-{axis}",
        title=f"Over {axis}",
        reading="One line for each model. The band is the interval of the median, if there are "
        f"repeats{_coverage(cases)}.{left_out}",
        plots=[_plot(axis, x, measure, shown) for measure in known],
        legend=[Key(f"swept s{drawn.style}", drawn.name) for drawn in shown],
        table=TextTable(
            ("model", axis, *(measure.name.replace("_", " ") for measure in known)),
            [
                (drawn.name, str(case.axes[axis]), *(measure_text(case, m.name) for m in known))
                for drawn in lines
                for case in drawn.cases
            ],
        ),
    )


def _coverage(cases: Sequence[CaseSummary]) -> str:
    text = coverage_text(cases)
    return f", and contains it with a probability of {text}" if text else ""


def _lines(axis: str, cases: Sequence[CaseSummary]) -> list[_Line]:
    groups: dict[str, list[CaseSummary]] = {}
    for case in cases:
        others = (f"{name}={value}" for name, value in case.axes.items() if name != axis)
        groups.setdefault(",".join((case.model, *others)), []).append(case)
    return [
        _Line(name, number, sorted(own, key=lambda case: float(case.axes[axis])))
        for number, (name, own) in enumerate(groups.items())
    ]


def _x_scale(values: Sequence[float]) -> Scale:
    """Return the scale of the swept values, with a tick at each that has room for its label."""
    low, high = values[0], values[-1]
    is_log = low > 0 and (high / low >= LOG_RATIO or _is_geometric(values))
    pad = 14
    scale = Scale(low, high, LEFT + pad, RIGHT - pad, is_log)
    ticks = [Tick(round(scale.at(value), 1), f"{value:g}") for value in values]
    return Scale(low, high, LEFT + pad, RIGHT - pad, is_log, tuple(_legible(ticks)))


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


def _plot(axis: str, x: Scale, measure: Measure, lines: Sequence[_Line]) -> Plot:
    values = [v for drawn in lines for case in drawn.cases for v in _plotted_values(case, measure)]
    y = value_scale(values, BOTTOM, TOP, lambda value: _label(value, measure))
    frame = Frame(x, y, axis)
    shapes = [shape for drawn in lines for shape in _shapes(axis, frame, measure, drawn)]
    title = measure.name.replace("_", " ")
    every_shape = [*frame.shapes(), *shapes]
    return Plot(title, measure.meaning, WIDTH, HEIGHT, every_shape, list(frame.words()))


def _label(value: float, measure: Measure) -> str:
    number, _, unit = format_value(value, measure.dimension).partition(" ")
    return f"{float(number):g} {unit}".strip()


def _plotted_values(case: CaseSummary, measure: Measure) -> list[float]:
    value = measure_value(case, measure.name)
    return [*case.intervals.get(measure.key, ()), *([] if value is None else [value])]


def _shapes(axis: str, frame: Frame, measure: Measure, drawn: _Line) -> Iterator[Shape]:
    def place(case: CaseSummary, value: float) -> tuple[float, float]:
        return frame.x.at(float(case.axes[axis])), frame.y.at(value)

    known = [(c, v) for c in drawn.cases if (v := measure_value(c, measure.name)) is not None]
    banded = [(c, c.intervals[measure.key]) for c, _ in known if measure.key in c.intervals]
    if banded:
        edge = [place(case, ends[1]) for case, ends in banded]
        edge += [place(case, ends[0]) for case, ends in reversed(banded)]
        yield Shape(f"band s{drawn.style}", line(edge) + "z")
    points = [place(case, value) for case, value in known]
    yield Shape(f"swept s{drawn.style}", line(points))
    mark = MARKS[drawn.style % len(MARKS)]
    for (case, value), (at_x, at_y) in zip(known, points, strict=True):
        hover = f"{drawn.name}, {axis} {case.axes[axis]}: {format_value(value, measure.dimension)}"
        yield Shape(f"mark s{drawn.style}", f"M{at_x:.1f} {at_y:.1f}{mark}", hover)
