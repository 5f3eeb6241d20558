"""Draws a run beside its prediction, each case with the lanes of the report, on one time axis."""

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.analysis.chart_data import Exhibit
from orchestrator.explore.rendering import render
from orchestrator.report.charts.lanes import Timeline, timeline
from orchestrator.report.charts.plot import Subject
from orchestrator.report.charts.time_axis import Units, axis_over
from orchestrator.results.summary import CaseSummary, Fitness, Instrument

ROOM = 1.25
"""By what factor the time axis is longer than what is drawn if it had to grow."""


@dataclass(frozen=True)
class Scene:
    """A case as it is drawn: ``note`` says what the measured lanes are, or why there are none."""

    name: str
    measured: Exhibit
    note: str
    summary: CaseSummary | None = None
    """If the case has ended: its faults, among others, are drawn."""


def grown(span_ns: int, shown: Iterable[Exhibit]) -> int:
    """Return ``span_ns``, or more if one of ``shown`` is longer."""
    longest_ns = max((each.excerpt.end_ns for each in shown), default=0)
    if longest_ns <= span_ns:
        return span_ns
    return round(longest_ns * ROOM) if span_ns else longest_ns


def draw(scene: Scene, predicted: Exhibit | str, span_ns: int) -> str:
    """Return the markup of ``scene``, on an axis to ``span_ns``.

    ``predicted`` is what the twin shows, or why it shows nothing.
    """
    axis = axis_over([span_ns])
    units = Units(axis.span_ns)
    remark = predicted if isinstance(predicted, str) else ""
    twin = Exhibit() if isinstance(predicted, str) else predicted
    return render(
        "run_scene.html.j2",
        scene=scene,
        axis=axis,
        remark=remark,
        predicted=lanes_of(scene.name, twin, units),
        measured=lanes_of(scene.name, scene.measured, units, scene.summary),
    )


def lanes_of(
    name: str, shown: Exhibit, units: Units, summary: CaseSummary | None = None
) -> Timeline | None:
    """Return the lanes of a case as the report draws them, None if there is no message yet."""
    if not shown.excerpt.requests:
        return None
    drawn = Exhibit(shown.excerpt)
    return timeline(Subject(name, summary or _nothing_known(name), drawn), units, [])


def _nothing_known(name: str) -> CaseSummary:
    return CaseSummary(
        name=name,
        model=name,
        slug=name,
        axes={},
        measures={},
        instrument=Instrument(fitness=Fitness.OK, reasons=[]),
        expectations=[],
        invalid=[],
        overhead_s=0.0,
    )
