"""The lanes of all cases of a campaign, below one another: who waits while whom is served.

As in the report, what is higher is nearer to its end.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.findings import Findings
from orchestrator.records import Exhibit
from orchestrator.report.cells import measure_text
from orchestrator.report.charts.axis import axis_over
from orchestrator.report.charts.subject import Subject
from orchestrator.report.charts.timeline import Lane, timeline
from orchestrator.report.charts.units import Units
from orchestrator.report.page import TEMPLATES

WIDTH, TITLE_HEIGHT, FOOT_HEIGHT, GAP = 880, 24, 56, 14


@dataclass(frozen=True)
class _Band:
    """One case: its lanes, which begin at ``lanes[0].y`` and are drawn from ``y`` on."""

    y: int
    name: str
    told: str
    lanes: list[Lane]

    @property
    def height(self) -> int:
        """That of all lanes."""
        return self.lanes[-1].y + self.lanes[-1].height - self.lanes[0].y

    @property
    def end(self) -> int:
        """Where the next one may begin."""
        return self.y + self.height + GAP


def lanes_picture(found: Findings) -> str:
    """Return the lanes of the connections of all cases of ``found`` that recorded any message."""
    axis = axis_over(each.excerpt.end_ns for each in found.exhibits.values())
    bands = list(_bands(found, Units(axis.span_ns)))
    return TEMPLATES.get_template("lanes.svg.j2").render(
        question=found.summary.intent,
        told="; ".join(f"{each.name}: {each.told}" for each in bands),
        width=WIDTH,
        height=(bands[-1].end if bands else TITLE_HEIGHT) + FOOT_HEIGHT,
        bands=bands,
        axis=axis,
    )


def _bands(found: Findings, units: Units) -> Iterator[_Band]:
    y = TITLE_HEIGHT
    for case in found.summary.cases:
        exhibit = Exhibit(found.exhibits[case.slug].excerpt)
        lanes = timeline(Subject(case.name, case, exhibit), units, []).connections
        if lanes:
            most, over = measure_text(case, "peak_in_service"), measure_text(case, "makespan")
            band = _Band(y, case.name, f"{most} at a time, over at {over}", lanes)
            yield band
            y = band.end + TITLE_HEIGHT
