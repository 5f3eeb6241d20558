"""Tries the claims of several files, one campaign after another, and keeps all verdicts."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.campaign.campaign import Campaign
from orchestrator.campaign.claims import NOT_MEASURED, exit_code, not_measured
from orchestrator.campaign.progress import Progress
from orchestrator.campaign.setup import Setup
from orchestrator.campaign.summarise import Findings
from orchestrator.campaign.verdict import INCOMPLETE_CODES
from orchestrator.execution import interrupts
from orchestrator.results.archive import ArchiveError
from orchestrator.results.defect import DefectError, traced
from orchestrator.results.exit_codes import LabError
from orchestrator.results.reproduction import (
    ClaimResult,
    FileResult,
    Reproduction,
    SourceText,
    Verdict,
)
from orchestrator.results.summary import Status
from orchestrator.scenario.claims import Source
from orchestrator.scenario.scenario import Scenario


@dataclass(frozen=True)
class ClaimFile:
    """A scenario with claims; ``name`` is the folder of its results."""

    name: str
    scenario: Scenario


@dataclass(frozen=True)
class Tools:
    """What tries the claims of a file.

    ``set_up`` returns where its campaign runs, and ``follow`` what shows its progress. ``finish``
    stores the findings and says what is left behind. ``keep`` stores the verdicts after each file,
    as SIGKILL may end the next one. ``folder`` has the results of all files, and the traceback of a
    defect.
    """

    set_up: Callable[[ClaimFile], Setup]
    follow: Callable[[ClaimFile], Progress]
    finish: Callable[[Setup, Findings], None]
    keep: Callable[[Reproduction], None]
    folder: Path


class ReproductionRun:
    """The campaigns of all files in order, and the verdicts on the claims of those that began."""

    def __init__(self, files: Sequence[ClaimFile], tier: str, tools: Tools) -> None:
        self._files = files
        self._tier = tier
        self._tools = tools
        self._results: list[FileResult] = []
        self._setup: Setup | None = None
        self._environment: Mapping[str, object] = {}
        self._error = ""  # which ended it before its last file
        self._began_at = datetime.now(UTC)
        self._began_s = time.monotonic()

    def run(self) -> Reproduction:
        """Try all claims; an interrupt ends it early, and keeps the verdicts so far.

        So does a defect, and a result that cannot be written. A file whose campaign fails leaves
        its claims undecided, and the next one is tried. Call it with interrupts held.
        """
        for file in self._files:
            if interrupts.is_interrupted() or self._error:
                break
            self._results.append(self._try(file))
            self._keep()
        return self._so_far(*self._ending())

    def _keep(self) -> None:
        """Store the verdicts so far, as those of a program that was killed after them."""
        tried = f"killed when {len(self._results)} of {len(self._files)} files had been tried"
        try:
            with traced(self._tools.folder):
                self._tools.keep(self._so_far(Status.BROKEN, tried))
        except LabError as exc:
            self._error = self._error or str(exc)

    def _so_far(self, status: Status, reason: str) -> Reproduction:
        return Reproduction(
            tier=self._tier,
            backend=self._setup.backend.name if self._setup else "",
            backend_reason=self._setup.backend_reason if self._setup else "",
            started_at=self._began_at.isoformat(timespec="seconds"),
            duration_s=round(time.monotonic() - self._began_s, 3),
            status=status,
            reason=reason,
            planned=[each.name for each in self._files],
            files=self._results,
            host=dict(self._environment),
            exit_code=INCOMPLETE_CODES.get(status, self._code()),
        )

    def _ending(self) -> tuple[Status, str]:
        """Return how it ended, and why if early."""
        if interrupts.is_interrupted():
            reasons = (interrupts.cause(), self._error)
            return Status.INTERRUPTED, "; ".join(filter(None, reasons))
        return (Status.BROKEN if self._error else Status.COMPLETE), self._error

    def _code(self) -> int:
        """Return the exit code if all files were tried."""
        claims = [claim for each in self._results for claim in each.claims]
        is_complete = all(each.status is Status.COMPLETE for each in self._results)
        return exit_code(claims, is_complete=is_complete)

    def _try(self, file: ClaimFile) -> FileResult:
        began_s, claims = time.monotonic(), not_measured(file.scenario.claims, NOT_MEASURED)
        status, reason = Status.COMPLETE, ""
        try:
            with traced(self._tools.folder):
                setup, findings = self._measure(file)
                status, reason = findings.summary.status, findings.summary.reason
                claims = list(findings.claims) or claims
                self._tools.finish(setup, findings)
        except LabError as exc:
            status, reason = Status.BROKEN, str(exc)
            if isinstance(exc, ArchiveError | DefectError):
                self._error = reason
        return FileResult(
            name=file.name,
            intent=file.scenario.intent,
            source=_source_text(file.scenario.source),
            status=status,
            reason=reason,
            duration_s=round(time.monotonic() - began_s, 3),
            claims=[_with_reason(each, reason) for each in claims],
        )

    def _measure(self, file: ClaimFile) -> tuple[Setup, Findings]:
        setup, progress = self._tools.set_up(file), self._tools.follow(file)
        self._setup = setup
        with progress.shown():
            findings = Campaign(setup, progress).run()
        self._environment = self._environment or findings.environment
        return setup, findings


def _with_reason(claim: ClaimResult, reason: str) -> ClaimResult:
    """Return ``claim``; an undecided one also has the ``reason`` why its file is not complete."""
    if not reason or claim.verdict is not Verdict.UNDECIDED:
        return claim
    between = ": " if claim.reason == NOT_MEASURED else "; "
    return claim.model_copy(update={"reason": f"{claim.reason}{between}{reason}"})


def _source_text(source: Source | None) -> SourceText:
    assert source is not None  # noqa: S101 a scenario with claims has a source
    return SourceText(
        author=source.author,
        title=source.title,
        year=source.year,
        place=source.place or "",
        reference=source.reference,
    )
