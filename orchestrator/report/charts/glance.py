"""The difference between the models at one glance: how many messages were in service when."""

from collections.abc import Sequence

from orchestrator.dimensions import TIME, format_value
from orchestrator.records import Steps
from orchestrator.report.cells import measure_text
from orchestrator.report.charts.depths import area
from orchestrator.report.charts.plot import Chart, Key, Plot, Shape, Table, Word
from orchestrator.report.charts.subject import Subject

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
