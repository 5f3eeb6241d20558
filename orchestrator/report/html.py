"""One campaign, or several side by side, as one self-contained page that loads nothing.

Decides what is on the page; `orchestrator.report.rendering` makes markup of it. If there are
several campaigns, each has a letter, which is part of the names of its cases.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from string import ascii_uppercase

from markupsafe import Markup

from orchestrator.analysis.chart_data import MAX_CASES, Exhibit
from orchestrator.campaign.comparison import COMPARED, differences, withheld
from orchestrator.campaign.conditions import Circumstances, conditions, obstacles
from orchestrator.campaign.summarise import Findings
from orchestrator.report import columns, comparison, text
from orchestrator.report.charts.lanes import Timeline, pointer_data, timeline
from orchestrator.report.charts.over_time import over_time
from orchestrator.report.charts.plot import Chart, Subject, TextTable
from orchestrator.report.charts.selection import charts_of
from orchestrator.report.charts.time_axis import Units, axis_over, clock_remark
from orchestrator.report.environment import about, environment_rows, printable_lines
from orchestrator.report.expectations import ExpectationTable, expectation_table
from orchestrator.report.rendering import TEMPLATES
from orchestrator.results.exit_codes import FAILS, HOLDS
from orchestrator.results.summary import CaseSummary, Status, Summary

OPEN_TIMELINES = 6
"""So many are unfolded, so that the page of a large matrix stays short."""

OPEN_PROBLEMS = 3
"""So many stand below the verdict; further ones are folded, so that the answering chart is near."""


OPEN_DIFFERENCES = 12
"""A table with more rows is folded."""

THRESHOLD = 0.05
"""The share from which campaigns side by side differ, as for `orchestrate.py compare`."""


@dataclass(frozen=True)
class ShownCampaign:
    """One campaign for the template; ``label`` is its letter, empty if it is the only one."""

    label: str
    findings: Findings

    @property
    def summary(self) -> Summary:
        """Its results."""
        return self.findings.summary

    @property
    def tone(self) -> str:
        """The color of the verdict: ``good``, ``bad``, or ``doubt`` if there is no verdict."""
        is_invalid = any(case.invalid for case in self.summary.cases)
        if self.summary.status is not Status.COMPLETE:
            return "doubt"
        if is_invalid and self.summary.exit_code not in (HOLDS, FAILS):
            return "doubt"
        rows = self.expectations.open
        return rows[0].tone if rows else "doubt" if is_invalid else "good"

    @property
    def about(self) -> str:
        """What ran, where, when and for how long, in one line."""
        summary = self.summary
        return about(summary.scenario, summary.backend, summary.started_at, summary.duration_s)

    @cached_property
    def expectations(self) -> ExpectationTable:
        """Its expectations, those that do not hold before the others."""
        return expectation_table(self.summary)

    @property
    def problems(self) -> list[str]:
        """The problems of all cases; why a case is invalid comes last, as the verdict names it."""
        lines = [(case, list(text.findings(case))) for case in self.summary.cases]
        ends = [(own, len(own) - len(case.invalid)) for case, own in lines]
        found = [line for own, end in ends for line in own[:end]]
        return [*found, *(line for own, end in ends for line in own[end:])]

    @property
    def open_problems(self) -> list[str]:
        """Those that stand below the verdict: none if the verdict is their reason."""
        return self.problems[:OPEN_PROBLEMS] if self.tone == "bad" else []

    @property
    def environment(self) -> list[tuple[str, str]]:
        """Where it ran, as names and values."""
        return list(environment_rows(self.findings.environment))

    @property
    def command(self) -> Markup:
        """The command that ran it, empty if it is not known."""
        return printable_lines(str(self.findings.environment.get("command") or ""))

    @property
    def scenario(self) -> Markup:
        """The resolved scenario, with its lines and their indentation."""
        return printable_lines(self.findings.scenario)

    @property
    def circumstances(self) -> Circumstances:
        """What is recorded about how it ran."""
        found = self.findings
        return Circumstances.of(found.summary, found.environment, found.scenario)

    def subjects(self) -> Iterator[Subject]:
        """Yield its cases with their chart data, under names that are unique on the page."""
        prefix = f"{self.label}: " if self.label else ""
        for case in self.summary.cases:
            exhibit = self.findings.exhibits.get(case.slug, Exhibit())
            yield Subject(f"{prefix}{case.name}", case, exhibit)


@dataclass(frozen=True)
class _Scene:
    """The timeline of a subject, None if no message was recorded, and the words around it.

    ``over_time`` is None if there are too few messages for it.
    """

    subject: Subject
    caption: str
    drawn: Timeline | None
    pointer_data: dict[str, object]
    cautions: list[str]
    faults: list[str]
    over_time: Chart | None


@dataclass(frozen=True)
class _CaseTable:
    """A table with a row for each of ``cases``, whose axes are ``keys``."""

    title: str
    keys: Sequence[str]
    cases: Sequence[CaseSummary]
    columns: Sequence[columns.Column[CaseSummary]]


@dataclass(frozen=True)
class _Differences:
    """How one campaign differs from the first, and why some rows are undecided."""

    title: str
    conclusion: str
    table: TextTable
    doubts: list[str]


def html_report(*campaigns: Findings) -> str:
    """Return the report of one campaign as a page, or of several with their cases side by side."""
    shown = shown_campaigns(campaigns)
    subjects = _sort_by_case(shown)
    pictured = _pictured(subjects)
    cases = [subject.case.model_copy(update={"model": subject.model}) for subject in subjects]
    axis = axis_over(subject.exhibit.excerpt.end_ns for subject in pictured)
    return TEMPLATES.get_template("report.html.j2").render(
        campaigns=shown,
        title=_title(shown),
        differences=list(_differences(shown)),
        scenes=list(_scenes(pictured, Units(axis.span_ns))),
        charts=charts_of(subjects, pictured, axis, _asked(shown)),
        left_out=_left_out(subjects, pictured),
        figures=list(_case_tables(cases, _asked(shown))),
        legend=columns.legend(cases),
        axis=axis,
        axis_text=columns.axis_text,
        text=text,
        OPEN_TIMELINES=OPEN_TIMELINES,
        OPEN_DIFFERENCES=OPEN_DIFFERENCES,
    )


def shown_campaigns(campaigns: Sequence[Findings]) -> list[ShownCampaign]:
    """Return ``campaigns`` as a page shows them, with letters if there are several."""
    letters = [ascii_uppercase[n % 26] for n in range(len(campaigns))] if campaigns[1:] else [""]
    return [ShownCampaign(*pair) for pair in zip(letters, campaigns, strict=False)]


def _sort_by_case(campaigns: Sequence[ShownCampaign]) -> list[Subject]:
    """Return the cases of all ``campaigns``, cases of the same name next to each other."""
    subjects = [subject for campaign in campaigns for subject in campaign.subjects()]
    order = list(dict.fromkeys(subject.case.name for subject in subjects))
    return sorted(subjects, key=lambda subject: order.index(subject.case.name))


def _pictured(subjects: Sequence[Subject]) -> list[Subject]:
    """Return the subjects with charts of their own: `MAX_CASES` cases, of each campaign.

    Half of them are kept for cases with a problem, the others are evenly spread.
    """
    names = list(dict.fromkeys(subject.case.name for subject in subjects))
    if len(names) > MAX_CASES:
        flawed = dict.fromkeys(s.case.name for s in subjects if any(text.findings(s.case)))
        chosen = [*flawed][: MAX_CASES // 2]
        others = [name for name in names if name not in chosen]
        room = MAX_CASES - len(chosen)
        names = [*chosen, *(others[place * len(others) // room] for place in range(room))]
    return [subject for subject in subjects if subject.case.name in names]


def _asked(campaigns: Sequence[ShownCampaign]) -> list[str]:
    """Return the measures in question of all ``campaigns``, each once."""
    return list(dict.fromkeys(name for each in campaigns for name in each.summary.shown))


def _title(campaigns: Sequence[ShownCampaign]) -> str:
    if len(campaigns) == 1:
        return f"{campaigns[0].summary.scenario}: {text.verdict(campaigns[0].summary)}"
    return " and ".join(campaign.summary.scenario for campaign in campaigns)


def _differences(campaigns: Sequence[ShownCampaign]) -> Iterator[_Differences]:
    """Yield how each further campaign differs from the first, in the cases that both have."""
    for other in campaigns[1:]:
        first = campaigns[0]
        found = differences(first.summary, other.summary, COMPARED, THRESHOLD, accept_invalid=True)
        met = conditions(first.circumstances, other.circumstances)
        if in_the_way := obstacles(met):
            found = withheld(found, comparison.why_withheld(in_the_way))
        measure, *_, difference, verdict = comparison.HEADINGS
        yield _Differences(
            title=f"{other.label} against {first.label}",
            conclusion=comparison.conclusion(found, THRESHOLD),
            table=TextTable(
                ("case", measure, first.label, other.label, difference, verdict),
                [(row.case, *comparison.cells(row)) for row in found],
            ),
            doubts=[
                *comparison.condition_lines(met),
                comparison.coverage_line(found),
                *comparison.doubts(found),
            ],
        )


def _scenes(subjects: Sequence[Subject], units: Units) -> Iterator[_Scene]:
    depths = (subject.exhibit.depths for subject in subjects if subject.exhibit.depths)
    peaks = [max(steps.peak for _, steps in queue) for queue in zip(*depths, strict=True)]
    for subject in subjects:
        requests = subject.exhibit.excerpt.requests
        drawn = timeline(subject, units, peaks) if requests else None
        yield _Scene(
            subject,
            caption=_caption(subject.case),
            drawn=drawn,
            pointer_data=pointer_data(drawn, requests) if drawn else {},
            cautions=list(text.cautions(subject.case)),
            faults=list(text.faults(subject.case)),
            over_time=over_time([subject], subjects),
        )


def _caption(case: CaseSummary) -> str:
    """Return what to see in the timeline, in words."""
    names = ("peak_in_service", "first_service_wait_max", "makespan")
    peak, wait, total = (columns.measure_text(case, name) for name in names)
    words = f"Served at once: {peak} at most. Longest first wait: {wait}. Total time: {total}."
    return " ".join(filter(None, (words, clock_remark([case]))))


def _left_out(subjects: Sequence[Subject], pictured: Sequence[Subject]) -> str:
    if len(pictured) == len(subjects):
        return ""
    return f"{len(pictured)} of {len(subjects)} cases have timelines; the tables have all cases"


def _case_tables(cases: Sequence[CaseSummary], asked: Sequence[str]) -> Iterator[_CaseTable]:
    """Yield the table of all cases, then that of their groups, if a case has several."""
    if cases:
        figures = columns.all_columns(cases, asked)
        yield _CaseTable("Figures", columns.axis_names(cases), cases, figures)
    parts = {
        "Figures of each client group": columns.split_by_group(cases),
        "Figures of each window, and as the twin predicts them": columns.split_by_view(cases),
    }
    for title, rows in parts.items():
        if rows:
            yield _CaseTable(title, columns.axis_names(rows), rows, columns.GROUP)
