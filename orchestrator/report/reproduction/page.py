"""A reproduction as one self-contained page that loads nothing, like the report of a run."""

from orchestrator.report.environment import about, environment_rows, printable_lines
from orchestrator.report.rendering import TEMPLATES
from orchestrator.report.reproduction import text
from orchestrator.results.reproduction import Reproduction


def reproduction_page(reproduction: Reproduction) -> str:
    """Return the report of ``reproduction`` as a page; it links to the report of each file."""
    host = dict(reproduction.host)
    return TEMPLATES.get_template("reproduction.html.j2").render(
        reproduction=reproduction,
        title=f"{reproduction.scenario}: {text.verdict(reproduction)}",
        about=about(
            f"claims, {reproduction.tier} tier",
            reproduction.backend,
            reproduction.started_at,
            reproduction.duration_s,
        ),
        question=text.QUESTION,
        answer=text.answer(reproduction),
        verdict=text.verdict(reproduction),
        tone=text.tone(reproduction),
        remarks=list(text.remarks(reproduction)),
        legend=text.legend(reproduction),
        columns=text.columns(),
        rows=text.claim_rows(reproduction),
        citation=text.citation,
        command=printable_lines(str(host.pop("command", None) or "")),
        environment=list(environment_rows(host)),
    )
