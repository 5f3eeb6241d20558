"""One campaign, or several side by side, as one self-contained page that loads nothing.

Decides what stands on it; `orchestrator.report.rendering` makes markup of that.

Campaigns as the page shows them: what each found, where it ran, how to run it again. Where there
are several, each has a letter, and its cases bear it.

Nested values as flat rows for a table: where a campaign ran.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from markupsafe import Markup, escape

from orchestrator.analysis.chart_data import MAX_CASES, Exhibit
from orchestrator.campaign.comparison import COMPARED, differences
from orchestrator.campaign.summarise import Findings
from orchestrator.measures.dimensions import SIZE, TIME, format_value
from orchestrator.report import columns, text
from orchestrator.report import comparison as told_differences
from orchestrator.report.charts.lanes import Timeline, pointing, timeline
from orchestrator.report.charts.plot import Subject, Table
from orchestrator.report.charts.selection import charts_of
from orchestrator.report.charts.time_axis import Units, axis_over
from orchestrator.report.columns import UNKNOWN
from orchestrator.report.escape import visible_lines
from orchestrator.report.rendering import TEMPLATES
from orchestrator.results.summary import CaseSummary, Status, Summary


@dataclass(frozen=True)
class ShownCampaign:
    """One campaign as the template shows it; ``label`` tells it from others, empty if alone."""

    label: str
    findings: Findings
    verdict: str
    tone: str
    duration: str
    findings_told: list[str]
    of_models: list[tuple[str, bool]]
    environment: list[tuple[str, str]]

    @property
    def summary(self) -> Summary:
        """What it found."""
        return self.findings.summary

    @property
    def notes(self) -> list[str]:
        """What is to be known of the kernel's evidence."""
        return list(text.notes(self.summary))

    @property
    def guesses(self) -> list[str]:
        """What became of the guesses in its scenario."""
        return list(text.guesses(self.summary))

    @property
    def overheads(self) -> str:
        """What the orchestrator itself cost."""
        return text.overheads(self.summary)

    @property
    def again(self) -> Markup:
        """The command that ran it, empty where it is not known."""
        return _lines(str(self.findings.environment.get("command") or ""))

    @property
    def scenario(self) -> Markup:
        """The resolved scenario, its lines and their indentation as they are."""
        return _lines(self.findings.scenario)

    def subjects(self) -> Iterator[Subject]:
        """Yield its cases with what their pictures show, under names that no other campaign has."""
        before = f"{self.label}: " if self.label else ""
        for case in self.summary.cases:
            exhibit = self.findings.exhibits.get(case.slug, Exhibit())
            yield Subject(f"{before}{case.name}", case, exhibit)


def _lines(text: str) -> Markup:
    return Markup("\n").join(escape(line) for line in visible_lines(text))


def shown_campaigns(campaigns: Sequence[Findings]) -> list[ShownCampaign]:
    """Return ``campaigns`` as a page shows them, with letters where there are several."""
    return [_campaign(*each) for each in _labelled(campaigns)]


def _labelled(campaigns: Sequence[Findings]) -> Iterator[tuple[str, Findings]]:
    for number, each in enumerate(campaigns):
        yield "" if len(campaigns) == 1 else ascii_uppercase[number % 26], each


def _campaign(label: str, findings: Findings) -> ShownCampaign:
    summary = findings.summary
    return ShownCampaign(
        label=label,
        findings=findings,
        verdict=text.verdict(summary),
        tone=_tone(summary),
        duration=format_value(summary.duration_s, TIME),
        findings_told=[line for case in summary.cases for line in text.findings(case)],
        of_models=list(text.of_models(summary)),
        environment=list(rows(findings.environment)),
    )


def _tone(summary: Summary) -> str:
    """Return how the verdict is coloured: ``good``, ``bad``, or ``doubt`` where nobody knows."""
    if summary.status is not Status.COMPLETE or any(case.invalid for case in summary.cases):
        return "doubt"
    return "bad" if text.is_flawed(summary) else "good"


def side_by_side(campaigns: Sequence[ShownCampaign]) -> list[Subject]:
    """Return the cases of all ``campaigns``, each beside those of its name in the others."""
    subjects = [subject for each in campaigns for subject in each.subjects()]
    order = list(dict.fromkeys(each.case.name for each in subjects))
    return sorted(subjects, key=lambda each: order.index(each.case.name))


def rows(values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested ``values`` as names and texts: ``packages.docker``, ``7.1.0``."""
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from rows(value, f"{name}.")
        else:
            yield name, _text(name, value)


def _text(name: str, value: object) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name.endswith("_bytes"):
        return format_value(value, SIZE)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return ", ".join(map(str, value))
    return str(value)


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
    columns: Sequence[columns.Column]


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
        legend=columns.legend(cases),
        axis=axis,
        axis_text=columns.axis_text,
        sides=text.sides,
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
        cautions, faults = list(text.cautions(each.case)), list(text.faults(each.case))
        yield _Scene(each, _caption(each.case), drawn, told, cautions, faults)


def _left_out(subjects: Sequence[Subject], pictured: Sequence[Subject]) -> str:
    if len(pictured) == len(subjects):
        return ""
    return f"{len(pictured)} of {len(subjects)} cases have pictures; all of them have figures"


def _figures(cases: Sequence[CaseSummary]) -> Iterator[_Figures]:
    """Yield the figures of all cases, then those of their groups, where a case has several."""
    if cases:
        yield _Figures("Figures", columns.axes_of(cases), cases, sum(columns.bands(cases), ()))
    groups = columns.by_group(cases)
    if groups:
        title = "Figures of each client group and window"
        yield _Figures(title, columns.axes_of(groups), groups, columns.GROUP)


def _caption(case: CaseSummary) -> str:
    """Return what to see in the timeline, in words."""
    peak, wait = (
        columns.measure_text(case, name) for name in ("peak_in_service", "first_service_wait_max")
    )
    end = columns.measure_text(case, "makespan")
    return f"At most {peak} in service at once. The last user waited {wait}. All over at {end}."
