"""Campaigns as the page shows them: what each found, where it ran, how to run it again.

Where there are several, each has a letter, and its cases bear it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from markupsafe import Markup, escape

from orchestrator.dimensions import TIME, format_value
from orchestrator.findings import Findings
from orchestrator.records import Exhibit
from orchestrator.report import sentences
from orchestrator.report.charts.subject import Subject
from orchestrator.report.environment_rows import rows
from orchestrator.report.visible import visible_lines
from orchestrator.summary import Status, Summary


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
        return list(sentences.notes(self.summary))

    @property
    def guesses(self) -> list[str]:
        """What became of the guesses in its scenario."""
        return list(sentences.guesses(self.summary))

    @property
    def overheads(self) -> str:
        """What the orchestrator itself cost."""
        return sentences.overheads(self.summary)

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
        verdict=sentences.verdict(summary),
        tone=_tone(summary),
        duration=format_value(summary.duration_s, TIME),
        findings_told=[line for case in summary.cases for line in sentences.findings(case)],
        of_models=list(sentences.of_models(summary)),
        environment=list(rows(findings.environment)),
    )


def _tone(summary: Summary) -> str:
    """Return how the verdict is coloured: ``good``, ``bad``, or ``doubt`` where nobody knows."""
    if summary.status is not Status.COMPLETE or any(case.invalid for case in summary.cases):
        return "doubt"
    return "bad" if sentences.is_flawed(summary) else "good"


def side_by_side(campaigns: Sequence[ShownCampaign]) -> list[Subject]:
    """Return the cases of all ``campaigns``, each beside those of its name in the others."""
    subjects = [subject for each in campaigns for subject in each.subjects()]
    order = list(dict.fromkeys(each.case.name for each in subjects))
    return sorted(subjects, key=lambda each: order.index(each.case.name))
