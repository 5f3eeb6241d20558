"""Stores the findings of a campaign and shows them: as tables, as JSON, on GitHub."""

import os
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from orchestrator.campaign.summarise import Findings
from orchestrator.cli.output import discard_output, say, write_out
from orchestrator.report.github import Annotation, annotations, step_summary
from orchestrator.report.publish import publish, summary_json
from orchestrator.report.table import print_table
from orchestrator.results.archive import Archive


class Screen(Console):
    """Standard output for tables and lines that a person reads."""

    def on_broken_pipe(self) -> None:
        """Print nothing from now on."""
        self.quiet = True
        discard_output()


def store_and_show(findings: Findings, archive: Archive, *, as_json: bool) -> int:
    """Store ``findings`` and show them, even if they cannot be stored; return the exit code.

    Raises:
        ArchiveError: they cannot be stored.
    """
    summary = findings.summary
    results = f"results: {archive.path}"
    try:
        publish(findings, archive)
    finally:
        if as_json:
            write_out(summary_json(summary))
            say(results)
        else:
            screen = Screen()
            print_table(screen, summary)
            screen.print(results, markup=False, highlight=False, soft_wrap=True)
        publish_on_github(step_summary(summary), annotations(summary))
    return summary.exit_code


def publish_on_github(markdown: str, remarks: Iterable[Annotation]) -> None:
    """Append ``markdown`` to the step's summary and annotate the workflow run.

    Does nothing outside GitHub Actions. Annotations go to standard error, which the runner reads
    too. A summary that cannot be written changes no exit code.
    """
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for remark in remarks:
            say(remark.command())
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(path).open("a", encoding="utf-8") as stream:
                stream.write(markdown)
        except OSError as exc:
            say(f"orchestrate.py: no step summary: cannot write {path}: {exc.strerror}")
