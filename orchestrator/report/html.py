"""The campaign as one self-contained page: nothing is loaded, nothing runs.

Whatever comes from outside is escaped twice over: made printable on its way into the template
(`finalize`), and escaped as markup by Jinja.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orchestrator.dimensions import SIZE, TIME, format_value
from orchestrator.records import RequestRecord
from orchestrator.report import cells, sentences
from orchestrator.report.axis import Axis, Tick, axis_over
from orchestrator.report.lanes import HUES, MAX_REQUESTS, UNITS, Picture, draw
from orchestrator.report.visible import visible
from orchestrator.summary import CaseSummary, Status, Summary

MAX_REQUESTS_IN_ALL = 20_000
"""Shared by the pictures of a page, so that a large campaign still opens."""

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


def html_report(
    summary: Summary,
    environment: Mapping[str, object],
    requests: Mapping[str, Sequence[RequestRecord]],
) -> str:
    """Return the report as a page; ``requests`` are those of each case by its slug."""
    axis = axis_over(request.ended_ns for each in requests.values() for request in each)
    return _ENVIRONMENT.get_template("report.html.j2").render(
        summary=summary,
        verdict=sentences.verdict(summary),
        tone=_tone(summary),
        duration=format_value(summary.duration_s, TIME),
        overheads=sentences.overheads(summary),
        keys=cells.axes_of(summary.cases),
        columns=(*cells.WAITING, *cells.COST),
        legend=cells.LEGEND,
        scenes=list(_scenes(summary, requests, axis)),
        axis=axis,
        environment=list(_rows(environment)),
    )


def _tone(summary: Summary) -> str:
    """Return how the verdict is coloured: ``good``, ``bad``, or ``doubt`` where nobody knows."""
    flawed = any(True for case in summary.cases for _ in sentences.findings(case))
    if summary.status is not Status.COMPLETE or any(case.invalid for case in summary.cases):
        return "doubt"
    return "bad" if flawed else "good"


def _scenes(
    summary: Summary, requests: Mapping[str, Sequence[RequestRecord]], axis: Axis
) -> Iterator[_Scene]:
    limit = min(MAX_REQUESTS, MAX_REQUESTS_IN_ALL // max(1, len(summary.cases)))
    for case in summary.cases:
        sent = requests.get(case.slug, ())
        picture = draw(sent, axis.span_ns, max(1, limit)) if sent else None
        findings = list(sentences.findings(case))
        yield _Scene(case, picture, _caption(case), _end(case, axis), findings)


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
