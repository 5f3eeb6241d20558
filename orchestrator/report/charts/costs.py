"""What serving cost: CPU time and memory, context switches where they are counted."""

from collections.abc import Sequence

from orchestrator.measures import MEASURES, Measure
from orchestrator.report.cells import measure_text, measured
from orchestrator.report.charts.bars import Bar, Piece, bar_plot
from orchestrator.report.charts.plot import Chart, Key, Plot, Table
from orchestrator.report.charts.subject import Subject

COSTS = ("cpu_time_per_message", "peak_memory")
SWITCHES = "switches"


def costs(subjects: Sequence[Subject]) -> Chart | None:
    """Return a plot for each cost that was measured, a bar a subject; None where none was."""
    known = [
        measure
        for name, measure in MEASURES.items()
        if (name in COSTS or SWITCHES in name)
        and any(measured(each.case, name) is not None for each in subjects)
    ]
    if not known:
        return None
    return Chart(
        key="costs",
        title="What it cost",
        reading="The server's own, all its processes together; shorter is cheaper.",
        plots=[_plot(measure, subjects) for measure in known],
        legend=[Key("cost", "the server's")],
        table=Table(
            ("case", *(_words(measure) for measure in known)),
            [(e.name, *(measure_text(e.case, m.name) for m in known)) for e in subjects],
        ),
    )


def _plot(measure: Measure, subjects: Sequence[Subject]) -> Plot:
    values = [measured(each.case, measure.name) or 0.0 for each in subjects]
    bars = [
        Bar(each.name, [Piece("cost", value)], measure_text(each.case, measure.name))
        for each, value in zip(subjects, values, strict=True)
    ]
    return bar_plot(_words(measure), measure.meaning, bars, max(values))


def _words(measure: Measure) -> str:
    return measure.name.replace("_", " ").replace("cpu", "CPU")
