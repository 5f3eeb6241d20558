"""How many waited in each queue and how many were in service, beneath a timeline.

The difference between the models at one glance: how many messages were in service when.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestrator.analysis.chart_data import Steps
from orchestrator.measures.dimensions import TIME, format_value
from orchestrator.report.charts.plot import Chart, Key, Plot, Shape, Subject, Table, Word
from orchestrator.report.charts.time_axis import Units
from orchestrator.report.columns import measure_text

ROW_HEIGHT = 28
GAP = 10


@dataclass(frozen=True)
class DepthRow:
    """A queue over time: ``path`` is an area that stands on the lower edge of its row."""

    y: int
    height: int
    name: str
    label: str
    style: str
    path: str


def depth_rows(
    depths: Sequence[tuple[str, Steps]], units: Units, peaks: Sequence[int], begin_y: int
) -> list[DepthRow]:
    """Return a row for each of ``depths``, those of ``peaks`` as high as a row is."""
    found = []
    y = begin_y + 24
    for (name, steps), peak in zip(depths, peaks, strict=True):
        path = area(steps, units.at, y + ROW_HEIGHT, ROW_HEIGHT / max(peak, 1))
        label = f"{name}: {steps.peak} at most"
        found.append(DepthRow(y, ROW_HEIGHT, name, label, name.replace(" ", "-"), path))
        y += ROW_HEIGHT + GAP
    return found


def area(steps: Steps, at: Callable[[int], float], base: float, unit_height: float) -> str:
    """Return ``steps`` as an area on ``base``, each level ``unit_height`` high, to the last one."""
    if not steps.instants_ns:
        return ""
    path = [f"M{at(steps.instants_ns[0]):g} {base:g}"]
    for instant_ns, level in zip(steps.instants_ns, steps.levels, strict=True):
        path.append(f"H{at(instant_ns):g}V{base - level * unit_height:.1f}")
    return "".join([*path, f"V{base:g}z"])


IN_SERVICE = "in service"
WIDTH, HEIGHT = 160, 92
LEFT, RIGHT, TOP, BASE = 26, 154, 12, 70


def glance(subjects: Sequence[Subject], span_ns: int) -> Chart:
    """Return a small plot for each subject, all on one time axis from 0 to ``span_ns``."""
    found = [dict(each.exhibit.depths).get(IN_SERVICE, Steps()) for each in subjects]
    most = max((steps.peak for steps in found), default=0)
    return Chart(
        key="glance",
        title="At one glance: how many are in service",
        reading="Up: messages in service at once. To the right: time, the same for all. What a "
        "model does at once is high and short; what it does one by one is low and long.",
        plots=[
            _plot(each, steps, span_ns, most)
            for each, steps in zip(subjects, found, strict=True)
        ],
        legend=[Key("depth in-service", "messages in service")],
        table=Table(
            ("case", "at most in service", "over at"),
            [(each.name, str(steps.peak), measure_text(each.case, "makespan"))
             for each, steps in zip(subjects, found, strict=True)],
        ),
    )  # fmt: skip


def _plot(subject: Subject, steps: Steps, span_ns: int, most: int) -> Plot:
    def at(instant_ns: int) -> float:
        return round(LEFT + (RIGHT - LEFT) * min(max(instant_ns / span_ns, 0), 1), 1)

    over = measure_text(subject.case, "makespan")
    told = f"at most {steps.peak} at once, all over at {over}"
    path = area(steps, at, BASE, (BASE - TOP) / max(most, 1))
    words = [
        Word("tick", LEFT - 5, TOP + 5, str(most), "end"),
        Word("tick", LEFT - 5, BASE + 4, "0", "end"),
        Word("tick", LEFT, BASE + 17, "0 s"),
        Word("tick", RIGHT, BASE + 17, format_value(span_ns / 1e9, TIME), "end"),
    ]
    shapes = [
        Shape("grid", f"M{LEFT} {TOP}H{RIGHT}"),
        Shape("depth in-service", path),
        Shape("axis", f"M{LEFT} {TOP}V{BASE}H{RIGHT}"),
    ]
    return Plot(subject.name, told, WIDTH, HEIGHT, shapes, words)
