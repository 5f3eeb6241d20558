"""Draws a run beside its prediction, each case with the lanes of the report, on one time axis."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from orchestrator.analysis.chart_data import Exhibit
from orchestrator.explore.rendering import render
from orchestrator.report.charts.lanes import Timeline, timeline
from orchestrator.report.charts.plot import Subject
from orchestrator.report.charts.time_axis import Units, axis_over
from orchestrator.results.summary import (
    CaseSummary,
    FaultSummary,
    Fitness,
    Instrument,
    RunSummary,
)

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

    faults: tuple[FaultSummary, ...] = ()
    """Those so far, if it has not."""

    without_lane: str = ""
    """Which connections are not drawn, if it has not; empty if all are."""

    @property
    def end_ns(self) -> int:
        """When the last message or fault that is drawn ends, since the start."""
        faults_s = (each.reverted_s or each.effect_s or 0 for each in self.faults)
        return max(self.measured.excerpt.end_ns, round(max(faults_s, default=0) * 1e9))


def grown(span_ns: int, ends_ns: Iterable[int]) -> int:
    """Return ``span_ns``, or more if one of ``ends_ns`` is later."""
    longest_ns = max(ends_ns, default=0)
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
        predicted=lanes_of(_known_by_faults(scene.name, ()), twin, units),
        measured=lanes_of(
            scene.summary or _known_by_faults(scene.name, scene.faults), scene.measured, units
        ),
    )


def lanes_of(case: CaseSummary, shown: Exhibit, units: Units) -> Timeline | None:
    """Return the lanes of a case as the report draws them, None if there is no message yet."""
    if not shown.excerpt.requests:
        return None
    return timeline(Subject(case.name, case, Exhibit(shown.excerpt)), units, [])


def _known_by_faults(name: str, faults: Sequence[FaultSummary]) -> CaseSummary:
    """Return the summary of a case of which no more is known."""
    instrument = Instrument(fitness=Fitness.OK, reasons=[])
    run = RunSummary(
        slug=name,
        measures={},
        faults=[*faults],
        instrument=instrument,
        invalid=[],
        overhead_s=0.0,
    )
    return CaseSummary(
        name=name,
        model=name,
        slug=name,
        axes={},
        measures={},
        runs=[run],
        instrument=instrument,
        expectations=[],
        invalid=[],
        overhead_s=0.0,
    )
