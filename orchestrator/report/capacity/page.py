"""A capacity search as one self-contained page that loads nothing, like the report of a run."""

from orchestrator.report.capacity import text
from orchestrator.report.capacity.chart import charts
from orchestrator.report.capacity.table import NAME, topics
from orchestrator.report.environment import about, environment_rows, printable_lines
from orchestrator.report.rendering import TEMPLATES
from orchestrator.results.capacity import Capacity

OPEN_PLOTS = 6
"""So many plots of a chart are unfolded, so that the page of a large matrix stays short."""

OPEN_REMARKS = 3


def capacity_page(capacity: Capacity, scenario: str = "", folder: str = "") -> str:
    """Return the report of ``capacity`` as a page, with the resolved ``scenario`` in ``folder``."""
    host = dict(capacity.host)
    return TEMPLATES.get_template("capacity.html.j2").render(
        capacity=capacity,
        title=f"{capacity.scenario}: {text.verdict(capacity)}",
        about=about(capacity.scenario, capacity.backend, capacity.started_at, capacity.duration_s),
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
