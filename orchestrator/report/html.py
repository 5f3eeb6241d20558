"""The campaign as one self-contained page: nothing is loaded, nothing runs.

Whatever comes from outside is escaped twice over: made printable on its way into the template
(`finalize`), and escaped as markup by Jinja.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orchestrator.dimensions import SIZE, TIME, format_value
from orchestrator.records import Excerpt
from orchestrator.report import cells, sentences
from orchestrator.report.axis import Axis, Tick, axis_over
from orchestrator.report.lanes import HUES, UNITS, Picture, draw
from orchestrator.report.visible import visible
from orchestrator.summary import CaseSummary, Status, Summary

NEAR_THE_EDGE = 80
"""The percentage of the axis from which a label to the right of a mark has no room."""


@dataclass(frozen=True)
class _Scene:
    """One case as the template shows it; ``picture`` is None where nothing was recorded."""

    case: CaseSummary
    picture: Picture | None
    caption: str
    end: Tick | None
    findings: list[str]
    remarks: list[str]


@dataclass(frozen=True)
class _Figures:
    """A table: a row for each of ``cases``, whose axes are ``keys``."""

    title: str
    keys: Sequence[str]
    cases: Sequence[CaseSummary]
    columns: Sequence[cells.Column]


def html_report(
    summary: Summary,
    environment: Mapping[str, object],
    excerpts: Mapping[str, Excerpt],
) -> str:
    """Return the report as a page; ``excerpts`` are what to show of each case by its slug."""
    axis = axis_over(each.end_ns for each in excerpts.values())
    return _ENVIRONMENT.get_template("report.html.j2").render(
        summary=summary,
        verdict=sentences.verdict(summary),
        tone=_tone(summary),
        duration=format_value(summary.duration_s, TIME),
        overheads=sentences.overheads(summary),
        tables=list(_tables(summary.cases)),
        legend=cells.legend(summary.cases),
        of_models=list(sentences.of_models(summary)),
        scenes=list(_scenes(summary, excerpts, axis)),
        axis=axis,
        environment=list(_rows(environment)),
    )


def _tone(summary: Summary) -> str:
    """Return how the verdict is coloured: ``good``, ``bad``, or ``doubt`` where nobody knows."""
    if summary.status is not Status.COMPLETE or any(case.invalid for case in summary.cases):
        return "doubt"
    return "bad" if sentences.is_flawed(summary) else "good"


def _scenes(summary: Summary, excerpts: Mapping[str, Excerpt], axis: Axis) -> Iterator[_Scene]:
    for case in summary.cases:
        shown = excerpts.get(case.slug)
        yield _Scene(
            case=case,
            picture=draw(shown, axis.span_ns) if shown and shown.requests else None,
            caption=_caption(case),
            end=_end(case, axis),
            findings=list(sentences.findings(case)),
            remarks=list(sentences.remarks(case)),
        )


def _tables(cases: Sequence[CaseSummary]) -> Iterator[_Figures]:
    """Yield the figures of all cases, then those of their groups, where a case has several."""
    yield _Figures("Figures", cells.axes_of(cases), cases, sum(cells.bands(cases), ()))
    groups = cells.by_group(cases)
    if groups:
        yield _Figures("Figures of each client group", cells.axes_of(groups), groups, cells.GROUP)


def _caption(case: CaseSummary) -> str:
    """Return what to see in the picture, in words."""
    peak, wait = (
        cells.measure_text(case, name) for name in ("peak_in_service", "first_service_wait_max")
    )
    end = cells.measure_text(case, "makespan")
    return f"At most {peak} in service at once. The last user waited {wait}. All over at {end}."


def _end(case: CaseSummary, axis: Axis) -> Tick | None:
    """Return where the case ends on the axis, None where that is unknown or needs no mark."""
    makespan_s = cells.measured(case, "makespan")
    percent = 100 * (makespan_s or 0) * 1e9 / axis.span_ns
    if not 0 < percent < NEAR_THE_EDGE:
        return None
    return Tick(round(percent, 2), cells.measure_text(case, "makespan"))


def _rows(values: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield nested values as flat rows: ``packages.docker``, ``7.1.0``."""
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from _rows(value, f"{name}.")
        else:
            yield name, _text(name, value)


def _text(name: str, value: object) -> str:
    if value is None:
        return cells.UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name.endswith("_bytes"):
        return format_value(value, SIZE)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return ", ".join(map(str, value))
    return str(value)


def _printable(value: object) -> object:
    """Make text from outside printable; what is markup already has been through here."""
    return visible(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=_printable,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.globals |= {"axis_text": cells.axis_text, "HUES": HUES, "UNITS": UNITS}
_ENVIRONMENT.filters["sides"] = sentences.sides
