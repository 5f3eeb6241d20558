"""Stores the findings of a campaign and shows them: as tables, as JSON, on GitHub.

Shows those of a capacity search, too.
"""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from orchestrator.campaign.summarise import Findings, with_status
from orchestrator.cli.output import say, say_command, write_out
from orchestrator.cli.screen import Screen
from orchestrator.execution import interrupts
from orchestrator.report.capacity import github as capacity_github
from orchestrator.report.capacity.table import print_capacity
from orchestrator.report.github import Annotation, annotations, step_summary
from orchestrator.report.publish import capacity_json, publish, publish_capacity, summary_json
from orchestrator.report.table import print_table
from orchestrator.report.text import verdict
from orchestrator.results.archive import Archive, ArchiveError
from orchestrator.results.capacity import Capacity
from orchestrator.results.defect import describe
from orchestrator.results.exit_codes import INTERRUPTED, LabError
from orchestrator.results.summary import Status, Summary


def store_and_show(findings: Findings, archive: Archive, *, as_json: bool) -> int:
    """Store the ``findings`` of a campaign that ran, and show them; return the exit code.

    Call it with interrupts held, as the last step of the program. An interrupt before its end makes
    the campaign an interrupted one, in the stored results too.

    Raises:
        ArchiveError: they cannot be stored; they are shown, and the summary is tried once more.
    """
    try:
        store(findings, archive)
    finally:
        with contextlib.suppress(KeyboardInterrupt), interrupts.released():
            show(findings.summary, archive.path, as_json=as_json)
    if interrupts.finish() and findings.summary.status is Status.COMPLETE:
        findings = with_status(findings, Status.INTERRUPTED, _interrupted_at_the_end())
        say(f"orchestrate.py: {verdict(findings.summary)}")
        store(findings, archive)
    return findings.summary.exit_code


def store_and_show_capacity(capacity: Capacity, archive: Archive, *, as_json: bool) -> int:
    """Store and show the result of a capacity search, as `store_and_show` does; return its code.

    Raises:
        ArchiveError: it cannot be stored; it is shown all the same.
    """
    try:
        publish_capacity(capacity, archive)
    finally:
        with contextlib.suppress(KeyboardInterrupt), interrupts.released():
            show_capacity(capacity, archive.path, as_json=as_json)
    if interrupts.finish() and capacity.status is Status.COMPLETE:
        reason = _interrupted_at_the_end()
        changes = {"status": Status.INTERRUPTED, "reason": reason, "exit_code": INTERRUPTED}
        capacity = capacity.model_copy(update=changes)
        say(f"orchestrate.py: {reason}")
        publish_capacity(capacity, archive)
    return capacity.exit_code


def _interrupted_at_the_end() -> str:
    return f"interrupted by {interrupts.signal_name()} while the results were stored"


def store(findings: Findings, archive: Archive) -> None:
    """Publish ``findings``; if that fails, try to leave a summary that says so.

    Raises:
        ArchiveError: a file cannot be written.
    """
    try:
        publish(findings, archive)
    except Exception as exc:
        reason = str(exc) if isinstance(exc, LabError) else describe(exc)
        with contextlib.suppress(ArchiveError):
            incomplete = with_status(findings, Status.BROKEN, reason)
            archive.write("summary.json", summary_json(incomplete.summary))
        raise


def show(summary: Summary, folder: Path, *, as_json: bool) -> None:
    """Print ``summary`` and the ``folder`` of its results; annotate a workflow run with it."""
    results = f"results: {folder}"
    if as_json:
        write_out(summary_json(summary))
        say(results)
    else:
        screen = Screen()
        print_table(screen, summary)
        screen.print(results, markup=False, highlight=False, soft_wrap=True)
    publish_on_github(step_summary(summary), annotations(summary))


def show_capacity(capacity: Capacity, folder: Path, *, as_json: bool) -> None:
    """Print the result of a capacity search as `show` does that of a campaign."""
    results = f"results: {folder}"
    if as_json:
        write_out(capacity_json(capacity))
        say(results)
    else:
        screen = Screen()
        print_capacity(screen, capacity)
        screen.print(results, markup=False, highlight=False, soft_wrap=True)
    publish_on_github(capacity_github.step_summary(capacity), capacity_github.annotations(capacity))


def publish_on_github(markdown: str, remarks: Iterable[Annotation]) -> None:
    """Append ``markdown`` to the step's summary and annotate the workflow run.

    Does nothing outside GitHub Actions. Annotations go to standard error, which the runner reads
    too. A summary that cannot be written changes no exit code.
    """
    if os.environ.get("GITHUB_ACTIONS") == "true":
        for remark in remarks:
            say_command(remark.command())
    if path := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(path).open("a", encoding="utf-8") as stream:
                stream.write(markdown)
        except OSError as exc:
            say(f"orchestrate.py: no step summary: cannot write {path}: {exc.strerror}")
