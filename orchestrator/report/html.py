"""One campaign, or several side by side, as one self-contained page that loads nothing.

Decides what stands on it; `orchestrator.report.page` makes markup of that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.difference import COMPARED, differences
from orchestrator.excerpt import MAX_CASES
from orchestrator.findings import Findings
from orchestrator.report import cells, remarks, sentences
from orchestrator.report import differences as told_differences
from orchestrator.report.campaigns import ShownCampaign, shown_campaigns, side_by_side
from orchestrator.report.charts.axis import axis_over
from orchestrator.report.charts.plot import Table
from orchestrator.report.charts.pointing import pointing
from orchestrator.report.charts.selection import charts_of
from orchestrator.report.charts.subject import Subject
from orchestrator.report.charts.timeline import Timeline, timeline
from orchestrator.report.charts.units import Units
from orchestrator.report.page import TEMPLATES
from orchestrator.summary import CaseSummary

OPEN_TIMELINES = 6
"""So many are drawn unfolded; a page of a large matrix begins with what it found."""

THRESHOLD = 0.05
"""From which share on campaigns side by side differ: as `orchestrate.py compare` does."""


@dataclass(frozen=True)
class _Scene:
    """The timeline of a subject, None where nothing was recorded, and what to see in it."""

    subject: Subject
    caption: str
    drawn: Timeline | None
    pointing: dict[str, object]
    cautions: list[str]
    faults: list[str]


@dataclass(frozen=True)
class _Figures:
    """A table: a row for each of ``cases``, whose axes are ``keys``."""

    title: str
    keys: Sequence[str]
    cases: Sequence[CaseSummary]
    columns: Sequence[cells.Column]


@dataclass(frozen=True)
class _Differences:
    """How one campaign differs from the first, and why some of it could not be told."""

    title: str
    table: Table
    doubts: list[str]


def html_report(*campaigns: Findings) -> str:
    """Return the report of one campaign as a page, or of several with their cases side by side."""
    shown = shown_campaigns(campaigns)
    subjects = side_by_side(shown)
    pictured = subjects[: MAX_CASES * len(shown)]
    cases = [each.case.model_copy(update={"model": each.model}) for each in subjects]
    axis = axis_over(each.exhibit.excerpt.end_ns for each in pictured)
    return TEMPLATES.get_template("report.html.j2").render(
        campaigns=shown,
        title=_title(shown),
        differences=list(_differences(shown)),
        scenes=list(_scenes(pictured, Units(axis.span_ns))),
        charts=charts_of(subjects, pictured, axis),
        left_out=_left_out(subjects, pictured),
        figures=list(_figures(cases)),
        legend=cells.legend(cases),
        axis=axis,
        axis_text=cells.axis_text,
        sides=sentences.sides,
        OPEN_TIMELINES=OPEN_TIMELINES,
    )


def _title(campaigns: Sequence[ShownCampaign]) -> str:
    if len(campaigns) == 1:
        return f"{campaigns[0].summary.scenario}: {campaigns[0].verdict}"
    return " beside ".join(each.summary.scenario for each in campaigns)


def _differences(campaigns: Sequence[ShownCampaign]) -> Iterator[_Differences]:
    """Yield how each further campaign differs from the first, where they have cases in common."""
    for other in campaigns[1:]:
        first = campaigns[0]
        found = differences(first.summary, other.summary, COMPARED, THRESHOLD, accept_invalid=True)
        yield _Differences(
            title=f"{other.label} against {first.label}",
            table=Table(
                ("case", "measure", first.label, other.label, "difference (95%)", "told"),
                [(each.case, *told_differences.cells(each)) for each in found],
            ),
            doubts=told_differences.doubts(found),
        )


def _scenes(subjects: Sequence[Subject], units: Units) -> Iterator[_Scene]:
    peaks = [
        max(steps.peak for _, steps in together)
        for together in zip(*(e.exhibit.depths for e in subjects if e.exhibit.depths), strict=True)
    ]
    for each in subjects:
        requests = each.exhibit.excerpt.requests
        drawn = timeline(each, units, peaks) if requests else None
        told = pointing(drawn, requests) if drawn else {}
        cautions, faults = list(remarks.cautions(each.case)), list(remarks.faults(each.case))
        yield _Scene(each, _caption(each.case), drawn, told, cautions, faults)


def _left_out(subjects: Sequence[Subject], pictured: Sequence[Subject]) -> str:
    if len(pictured) == len(subjects):
        return ""
    return f"{len(pictured)} of {len(subjects)} cases have pictures; all of them have figures"


def _figures(cases: Sequence[CaseSummary]) -> Iterator[_Figures]:
    """Yield the figures of all cases, then those of their groups, where a case has several."""
    if cases:
        yield _Figures("Figures", cells.axes_of(cases), cases, sum(cells.bands(cases), ()))
    groups = cells.by_group(cases)
    if groups:
        title = "Figures of each client group and window"
        yield _Figures(title, cells.axes_of(groups), groups, cells.GROUP)


def _caption(case: CaseSummary) -> str:
    """Return what to see in the timeline, in words."""
    peak, wait = (
        cells.measure_text(case, name) for name in ("peak_in_service", "first_service_wait_max")
    )
    end = cells.measure_text(case, "makespan")
    return f"At most {peak} in service at once. The last user waited {wait}. All over at {end}."
