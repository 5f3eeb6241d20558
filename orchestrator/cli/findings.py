"""Stores what a campaign, a capacity search or a reproduction found and shows it.

As tables, as JSON, and on GitHub.
"""

import contextlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from orchestrator.campaign.summarise import Findings, with_status
from orchestrator.campaign.verdict import INCOMPLETE_CODES
from orchestrator.cli.output import say, say_command, write_out
from orchestrator.cli.screen import Screen
from orchestrator.execution import interrupts
from orchestrator.report import github, text
from orchestrator.report.capacity import github as capacity_github
from orchestrator.report.capacity import text as capacity_text
from orchestrator.report.capacity.table import print_capacity
from orchestrator.report.github import Annotation
from orchestrator.report.html import html_report
from orchestrator.report.publish import (
    capacity_json,
    page_of,
    publish,
    publish_capacity,
    publish_reproduction,
    reproduction_json,
    summary_json,
)
from orchestrator.report.reproduction import github as reproduction_github
from orchestrator.report.reproduction import text as reproduction_text
from orchestrator.report.reproduction.page import reproduction_page
from orchestrator.report.reproduction.table import print_reproduction
from orchestrator.report.table import print_table
from orchestrator.results.archive import Archive, ArchiveError
from orchestrator.results.capacity import CAPACITY, Capacity
from orchestrator.results.defect import describe
from orchestrator.results.exit_codes import LabError
from orchestrator.results.reproduction import REPRODUCTION, Reproduction
from orchestrator.results.summary import Status

_Found = TypeVar("_Found", Capacity, Reproduction)


@dataclass(frozen=True)
class Result:
    """What a campaign, a search or a reproduction found, in all forms in which it is stored.

    ``json`` returns the content of ``file``; ``page`` the report of what is in a folder;
    ``for_github`` the summary of the step and the annotations. ``publish`` writes all files.
    ``with_status`` returns the result of what was not complete in the end, with the reason.
    """

    status: Status
    exit_code: int
    verdict: Callable[[], str]
    file: str
    json: Callable[[], str]
    page: Callable[[Path], str]
    publish: Callable[[Archive], None]
    print_tables: Callable[[Console], None]
    for_github: Callable[[], tuple[str, list[Annotation]]]
    with_status: Callable[[Status, str], "Result"]


def campaign_result(findings: Findings) -> Result:
    """Return the result of a campaign."""
    summary = findings.summary
    return Result(
        status=summary.status,
        exit_code=summary.exit_code,
        verdict=lambda: text.verdict(summary),
        file="summary.json",
        json=lambda: summary_json(summary),
        page=lambda _folder: html_report(findings),
        publish=lambda archive: publish(findings, archive),
        print_tables=lambda console: print_table(console, summary),
        for_github=lambda: (github.step_summary(summary), github.annotations(summary)),
        with_status=lambda status, reason: campaign_result(with_status(findings, status, reason)),
    )


def capacity_result(capacity: Capacity) -> Result:
    """Return the result of a capacity search."""
    return Result(
        status=capacity.status,
        exit_code=capacity.exit_code,
        verdict=lambda: capacity_text.verdict(capacity),
        file=CAPACITY,
        json=lambda: capacity_json(capacity),
        page=lambda folder: page_of(capacity, folder),
        publish=lambda archive: publish_capacity(capacity, archive),
        print_tables=lambda console: print_capacity(console, capacity),
        for_github=lambda: (
            capacity_github.step_summary(capacity),
            capacity_github.annotations(capacity),
        ),
        with_status=lambda *end: capacity_result(_ended_early(capacity, *end)),
    )


def reproduction_result(reproduction: Reproduction) -> Result:
    """Return the result of trying published claims."""
    return Result(
        status=reproduction.status,
        exit_code=reproduction.exit_code,
        verdict=lambda: reproduction_text.verdict(reproduction),
        file=REPRODUCTION,
        json=lambda: reproduction_json(reproduction),
        page=lambda _folder: reproduction_page(reproduction),
        publish=lambda archive: publish_reproduction(reproduction, archive),
        print_tables=lambda console: print_reproduction(console, reproduction),
        for_github=lambda: (
            reproduction_github.step_summary(reproduction),
            reproduction_github.annotations(reproduction),
        ),
        with_status=lambda *end: reproduction_result(_ended_early(reproduction, *end)),
    )


def _ended_early(found: _Found, status: Status, reason: str) -> _Found:
    """Return ``found`` as incomplete, because of ``reason``."""
    update = {"status": status, "reason": reason, "exit_code": INCOMPLETE_CODES[status]}
    return found.model_copy(update=update)


def store_and_show(result: Result, archive: Archive, *, as_json: bool) -> int:
    """Store ``result`` and show it; return the exit code.

    Call it with interrupts held, as the last step of the program. An interrupt before its end makes
    the result an interrupted one, in the stored files too.

    Raises:
        ArchiveError: it cannot be stored; it is shown, and its JSON is tried once more.
    """
    try:
        store(result, archive)
    finally:
        with contextlib.suppress(KeyboardInterrupt), interrupts.released():
            show(result, archive.path, as_json=as_json)
    if interrupts.finish() and result.status is Status.COMPLETE:
        reason = f"{interrupts.cause()} while the results were stored"
        result = result.with_status(Status.INTERRUPTED, reason)
        say(f"orchestrate.py: {result.verdict()}")
        store(result, archive)
    return result.exit_code


def store(result: Result, archive: Archive) -> None:
    """Publish ``result``; if that fails, try to leave a JSON file that says so.

    Raises:
        ArchiveError: a file cannot be written.
    """
    try:
        result.publish(archive)
    except Exception as exc:
        reason = str(exc) if isinstance(exc, LabError) else describe(exc)
        with contextlib.suppress(ArchiveError):
            archive.write(result.file, result.with_status(Status.BROKEN, reason).json())
        raise


def show(result: Result, folder: Path, *, as_json: bool) -> None:
    """Print ``result`` and the ``folder`` of its files; annotate a workflow run with it."""
    results = f"results: {folder}"
    if as_json:
        write_out(result.json())
        say(results)
    else:
        screen = Screen()
        result.print_tables(screen)
        screen.print(results, markup=False, highlight=False, soft_wrap=True)
    publish_on_github(*result.for_github())


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
