"""A capacity search as one self-contained page that loads nothing, like the report of a run."""

from orchestrator.measures.dimensions import TIME, format_value
from orchestrator.report.capacity import text
from orchestrator.report.capacity.chart import charts
from orchestrator.report.capacity.table import NAME, topics
from orchestrator.report.environment import environment_rows, printable_lines
from orchestrator.report.rendering import TEMPLATES
from orchestrator.results.capacity import Capacity

OPEN_PLOTS = 6
"""So many plots of a chart are unfolded, so that the page of a large matrix stays short."""

OPEN_REMARKS = 3
MINUTE = len("2026-01-02T03:04")


def capacity_page(capacity: Capacity, scenario: str = "", folder: str = "") -> str:
    """Return the report of ``capacity`` as a page, with the resolved ``scenario`` in ``folder``."""
    host = dict(capacity.host)
    return TEMPLATES.get_template("capacity.html.j2").render(
        capacity=capacity,
        title=f"{capacity.scenario}: {text.verdict(capacity)}",
        about=_about(capacity),
        question=text.question(capacity),
        answer=text.answer(capacity),
        verdict=text.verdict(capacity),
        tone=text.tone(capacity),
        remarks=list(text.remarks(capacity)),
        notes=list(text.notes(capacity)),
        legend=text.legend(capacity),
        columns=[NAME, *(column for topic in topics(capacity) for column in topic)],
        charts=charts(capacity),
        command=printable_lines(str(host.pop("command", None) or "")),
        environment=list(environment_rows(host)),
        scenario=printable_lines(scenario),
        folder=folder,
        OPEN_PLOTS=OPEN_PLOTS,
        OPEN_REMARKS=OPEN_REMARKS,
    )


def _about(capacity: Capacity) -> str:
    """Return what ran, where, when and for how long, in one line."""
    return " · ".join((
        capacity.scenario,
        f"{capacity.backend} backend",
        f"{capacity.started_at[:MINUTE].replace('T', ' ')} UTC",
        f"took {format_value(capacity.duration_s, TIME)}",
    ))  # fmt: skip
