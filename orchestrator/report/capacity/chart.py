"""An objective over the load: for each case a plot with a point for each trial.

A horizontal line is the limit of the objective, a vertical one the capacity of the twin, and a band
lies between the bounds. All plots of a chart share the vertical axis; the horizontal one covers the
loads that were tried of its case.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.capacity.figures import LIMITED_BY, bounds_text, has_figure, load_text
from orchestrator.measures.expression import Expression, parse_expression
from orchestrator.measures.sentences import number_text
from orchestrator.measures.syntax import ExpressionError
from orchestrator.report.capacity.text import UNITS, remark
from orchestrator.report.charts.plot import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    Chart,
    Frame,
    Key,
    Plot,
    Scale,
    Shape,
    TextTable,
    line,
    linear_scale,
    log_scale,
    round_step,
    tick_label,
)
from orchestrator.report.charts.sweep import MARKS
from orchestrator.report.columns import UNKNOWN
from orchestrator.results.capacity import (
    Capacity,
    CaseCapacity,
    LoadKind,
    LoadResult,
    ObjectiveFigures,
    TrialResult,
    Verdict,
)

AXES = {LoadKind.RATE: "arrivals per s", LoadKind.USERS: "users"}
STEPS = 4
CROSS = "m-4-4l8 8m0-8l-8 8"
STYLES = {
    Verdict.HOLDS: ("mark s2", MARKS[0]),
    Verdict.FAILS: ("mark s1", MARKS[2]),
    Verdict.UNDECIDED: ("mark s4", MARKS[3]),
}
"""The style and the shape of the trials at a load, by its verdict."""

NOT_COUNTED = ("cross", CROSS)
LIMIT, MEDIANS, TWIN, ASKED = (f"curve {each}" for each in ("limit", "medians", "knee", "asked"))
BOUNDS = "band s0"


@dataclass(frozen=True)
class _Objective:
    """One objective of a search: its ``text``, and its limit in base units, None if unknown."""

    text: str
    expression: Expression | None
    limit: float | None

    @classmethod
    def of(cls, text: str) -> "_Objective":
        """Return the objective; without a limit if its text is not known to this version."""
        try:
            expression = parse_expression(text)
        except ExpressionError:
            return cls(text, None, None)
        return cls(text, expression, expression.evaluate({}).right)

    def figures(self, found: Sequence[ObjectiveFigures]) -> ObjectiveFigures | None:
        """Return those of ``found`` that are this objective's."""
        return next((each for each in found if each.objective == self.text), None)

    def value(self, found: Sequence[ObjectiveFigures]) -> float | None:
        """Return its left side in ``found``."""
        figures = self.figures(found)
        return None if figures is None else figures.value

    def value_text(self, value: float | None) -> str:
        """Return a value of its left side with its unit."""
        if value is None:
            return UNKNOWN
        return number_text(value) if self.expression is None else self.expression.side_text(value)

    def tick(self, value: float) -> str:
        """Return the label of a tick at ``value``."""
        return tick_label(self.value_text(value))


def charts(capacity: Capacity) -> list[Chart]:
    """Return a chart for each objective of ``capacity``, with a plot for each case."""
    if not capacity.cases:
        return []
    return [
        _chart(_Objective.of(text), number, capacity)
        for number, text in enumerate(capacity.objectives, 1)
    ]


def _chart(objective: _Objective, number: int, capacity: Capacity) -> Chart:
    y = _y_scale(objective, capacity)
    return Chart(
        key=f"objective{number}",
        title=f"{objective.text}, over the load",
        reading="A point for each trial, and a line through the medians of each load. The band is "
        "from the greatest load that held to the least that did not.",
        plots=[_plot(case, objective, y, capacity) for case in capacity.cases],
        legend=list(_legend(objective, capacity)),
        table=TextTable(
            ("case", UNITS[capacity.kind], "verdict", "trials", objective.text.split()[0],
             "late messages", "why"),
            [row for case in capacity.cases for row in _rows(case, objective, capacity.kind)],
        ),
    )  # fmt: skip


def _y_scale(objective: _Objective, capacity: Capacity) -> Scale:
    values = [
        value
        for case in capacity.cases
        for load in case.loads
        for trial in load.trials
        if (value := objective.value(trial.objectives)) is not None and math.isfinite(value)
    ]
    values += [] if objective.limit is None else [objective.limit]
    if values and min(values) > 0:
        return log_scale(min(values), max(values), BOTTOM, TOP, objective.tick)
    return linear_scale(max([*values, 0.0]) or 1.0, BOTTOM, TOP, objective.tick)


def _x_scale(case: CaseCapacity, capacity: Capacity) -> Scale:
    """Return a scale from a tick at or below the least load to one at or above the greatest."""
    loads = [each.load for each in case.loads]
    loads += [each for each in (case.lower, case.upper, case.predicted) if each is not None]
    loads += [] if capacity.at is None or case.at is None else [capacity.at]
    low, high = min(loads, default=0.0), max(loads, default=1.0)
    step = round_step(max((high - low) / STEPS, high / 1000, 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    last = max(last, first + 1)
    values = (number * step for number in range(first, last + 1))
    return Scale(first * step, last * step, LEFT, RIGHT).with_ticks(values, _load_label)


def _load_label(load: float) -> str:
    return number_text(load, 6)


def _plot(case: CaseCapacity, objective: _Objective, y: Scale, capacity: Capacity) -> Plot:
    frame = Frame(_x_scale(case, capacity), y, AXES[capacity.kind])
    limit = LIMITED_BY.get(case.limited_by, "")
    caption = bounds_text(case, capacity.kind)
    caption = ", ".join(filter(None, (caption, limit))) if caption else remark(case)
    shapes = [
        *frame.shapes(),
        *_band(case, frame, capacity.kind),
        *_lines(case, frame, objective, capacity),
        *_medians(case, frame, objective),
        *(
            point
            for load in case.loads
            for trial in load.trials
            for point in _point(objective, (load, trial), frame, capacity.kind)
        ),
    ]
    return Plot(case.name, caption, HEIGHT, shapes, list(frame.words()))


def _band(case: CaseCapacity, frame: Frame, kind: LoadKind) -> Iterator[Shape]:
    """Yield the band between the bounds, if both are known."""
    if not has_figure(case) or case.lower is None or case.upper is None:
        return
    left, right = frame.x.at(case.lower), frame.x.at(case.upper)
    path = f"M{left:.1f} {TOP}H{max(right, left + 1):.1f}V{BOTTOM}H{left:.1f}z"
    yield Shape(BOUNDS, path, f"bears {bounds_text(case, kind)}")


def _lines(
    case: CaseCapacity, frame: Frame, objective: _Objective, capacity: Capacity
) -> Iterator[Shape]:
    if objective.limit is not None:
        at = frame.y.at(objective.limit)
        yield Shape(LIMIT, f"M{LEFT} {at:.1f}H{RIGHT}", objective.text)
    if case.predicted is not None:
        words = f"the twin predicts {load_text(case.predicted, capacity.kind)}"
        yield Shape(TWIN, f"M{frame.x.at(case.predicted):.1f} {TOP}V{BOTTOM}", words)
    if capacity.at is not None and case.at is not None:
        words = f"{load_text(capacity.at, capacity.kind)}: {case.at}"
        yield Shape(ASKED, f"M{frame.x.at(capacity.at):.1f} {TOP}V{BOTTOM}", words)


def _medians(case: CaseCapacity, frame: Frame, objective: _Objective) -> Iterator[Shape]:
    loads = sorted(case.loads, key=lambda load: load.load)
    points = [
        (frame.x.at(load.load), frame.y.at(value))
        for load in loads
        if (value := objective.value(load.objectives)) is not None and not load.is_confirmation
    ]
    if points[1:]:
        yield Shape(MEDIANS, line(points))


def _point(
    objective: _Objective, tried: tuple[LoadResult, TrialResult], frame: Frame, kind: LoadKind
) -> Iterator[Shape]:
    """Yield the mark of a trial, if its objective has a value."""
    load, trial = tried
    value = objective.value(trial.objectives)
    if value is None or not math.isfinite(value):
        return
    style, mark = NOT_COUNTED if trial.invalid else STYLES[load.verdict]
    why = f"does not count: {trial.invalid[0]}" if trial.invalid else trial.broken or load.verdict
    where = f"{load_text(load.load, kind)}, seed {trial.seed}"
    place = round(frame.x.at(load.load), 1), round(frame.y.at(value), 1)
    yield Shape(style, mark, f"{where}: {objective.value_text(value)}; {why}", place)


def _legend(objective: _Objective, capacity: Capacity) -> Iterator[Key]:
    """Yield what the styles mean that are drawn."""
    loads = [load for case in capacity.cases for load in case.loads]
    for verdict, (style, mark) in STYLES.items():
        if any(load.verdict is verdict for load in loads):
            yield Key(style, f"trial at a load that {WORDS[verdict]}", mark)
    if any(trial.invalid for load in loads for trial in load.trials):
        yield Key(NOT_COUNTED[0], "trial that does not count", NOT_COUNTED[1])
    if objective.limit is not None:
        yield Key(LIMIT, "objective")
    yield Key(BOUNDS, "between the bounds")
    if any(case.predicted is not None for case in capacity.cases):
        yield Key(TWIN, "capacity of the twin")
    if capacity.at is not None:
        yield Key(ASKED, load_text(capacity.at, capacity.kind))


WORDS = {
    Verdict.HOLDS: "holds",
    Verdict.FAILS: "does not hold",
    Verdict.UNDECIDED: "is undecided",
}


def _rows(case: CaseCapacity, objective: _Objective, kind: LoadKind) -> Iterator[tuple[str, ...]]:
    """Yield a row for each load that was tried, in that order."""
    for load in case.loads:
        figures = objective.figures(load.objectives)
        share = None if figures is None else figures.late_share
        again = ", confirmed" if load.is_confirmation else ""
        yield (
            case.name,
            load_text(load.load, kind),
            f"{load.verdict}{again}",
            str(sum(not trial.invalid for trial in load.trials)),
            objective.value_text(None if figures is None else figures.value),
            UNKNOWN if share is None else f"{share:.2%}",
            load.reason,
        )
