"""Queues over time: how many messages waited in each, and how many were in service.

As rows below a timeline, and as one small chart of the messages in service.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestrator.analysis.chart_data import Steps
from orchestrator.measures.dimensions import TIME, format_value
from orchestrator.report.charts.plot import (
    Chart,
    Key,
    Layout,
    Plot,
    Shape,
    Subject,
    TextTable,
    Word,
)
from orchestrator.report.charts.time_axis import Units
from orchestrator.report.columns import measure_text

IN_SERVICE = "in service"
ROW_HEIGHT = 28
GAP = 10
WIDTH, HEIGHT = 160, 92
LEFT, RIGHT, TOP, BASE = 26, 154, 12, 70
SMALL = Layout("small", LEFT, RIGHT, WIDTH)


@dataclass(frozen=True)
class DepthRow:
    """A queue over time: ``path`` is an area on the lower edge of its row."""

    y: int
    height: int
    name: str
    label: str
    style: str
    path: str


def depth_rows(
    depths: Sequence[tuple[str, Steps]], units: Units, peaks: Sequence[int], begin_y: int
) -> list[DepthRow]:
    """Return a row for each of ``depths``; its peak among ``peaks`` has the height of the row."""
    rows = []
    y = begin_y + 24
    for (name, steps), peak in zip(depths, peaks, strict=True):
        path = area(steps, units.at, y + ROW_HEIGHT, ROW_HEIGHT / max(peak, 1))
        label = f"{name}: {steps.peak} at most"
        rows.append(DepthRow(y, ROW_HEIGHT, name, label, name.replace(" ", "-"), path))
        y += ROW_HEIGHT + GAP
    return rows


def area(steps: Steps, at: Callable[[int], float], base: float, unit_height: float) -> str:
    """Return ``steps`` as an area on ``base``; a level of 1 is ``unit_height`` high."""
    if not steps.instants_ns:
        return ""
    path = [f"M{at(steps.instants_ns[0]):g} {base:g}"]
    for instant_ns, level in zip(steps.instants_ns, steps.levels, strict=True):
        path.append(f"H{at(instant_ns):g}V{base - level * unit_height:.1f}")
    return "".join([*path, f"V{base:g}z"])


def glance(subjects: Sequence[Subject], span_ns: int) -> Chart:
    """Return a small plot for each subject, all on one time axis from 0 to ``span_ns``."""
    depths = [dict(subject.exhibit.depths).get(IN_SERVICE, Steps()) for subject in subjects]
    peak = max((steps.peak for steps in depths), default=0)
    return Chart(
        key="glance",
        title="Messages in service over time",
        reading="Vertical: messages in service at once. Horizontal: time, the same for all cases. "
        "A model that serves many messages at once gives a high and short area; one that serves "
        "them one by one, a low and long area.",
        plots=[
            _plot(subject, steps, span_ns, peak)
            for subject, steps in zip(subjects, depths, strict=True)
        ],
        legend=[Key("depth in-service", "messages in service")],
        table=TextTable(
            ("case", "served at once", "total time"),
            [(subject.name, str(steps.peak), measure_text(subject.case, "makespan"))
             for subject, steps in zip(subjects, depths, strict=True)],
        ),
    )  # fmt: skip


def _plot(subject: Subject, steps: Steps, span_ns: int, peak: int) -> Plot:
    def at(instant_ns: int) -> float:
        return round(LEFT + (RIGHT - LEFT) * min(max(instant_ns / span_ns, 0), 1), 1)

    total = measure_text(subject.case, "makespan")
    caption = f"at most {steps.peak} at once, {total} in total"
    path = area(steps, at, BASE, (BASE - TOP) / max(peak, 1))
    words = [
        Word("tick", LEFT - 5, TOP + 5, str(peak), "end"),
        Word("tick", LEFT - 5, BASE + 4, "0", "end"),
        Word("tick", LEFT, BASE + 17, "0 s"),
        Word("tick", RIGHT, BASE + 17, format_value(span_ns / 1e9, TIME), "end"),
    ]
    if not steps.peak:
        words.append(Word("tick", (LEFT + RIGHT) / 2, (TOP + BASE) / 2, "none logged", "middle"))
    shapes = [
        Shape("grid", f"M{LEFT} {TOP}H{RIGHT}"),
        Shape("depth in-service", path),
        Shape("axis", f"M{LEFT} {TOP}V{BASE}H{RIGHT}"),
    ]
    return Plot(subject.name, caption, HEIGHT, shapes, words, SMALL)
