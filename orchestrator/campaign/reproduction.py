"""Tries the claims of several files, one campaign after another, and keeps all verdicts."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from orchestrator.campaign.campaign import Campaign
from orchestrator.campaign.claims import NOT_MEASURED, exit_code, not_measured
from orchestrator.campaign.progress import Progress
from orchestrator.campaign.setup import Setup
from orchestrator.campaign.summarise import Findings
from orchestrator.campaign.verdict import INCOMPLETE_CODES
from orchestrator.execution import interrupts
from orchestrator.results.archive import ArchiveError
from orchestrator.results.exit_codes import LabError
from orchestrator.results.reproduction import (
    ClaimResult,
    FileResult,
    Reproduction,
    SourceText,
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
    stores the findings and says what is left behind.
    """

    set_up: Callable[[ClaimFile], Setup]
    follow: Callable[[ClaimFile], Progress]
    finish: Callable[[Setup, Findings], None]


class ReproductionRun:
    """The campaigns of all files in order, and the verdicts on the claims of those that began."""

    def __init__(self, files: Sequence[ClaimFile], tier: str, tools: Tools) -> None:
        self._files = files
        self._tier = tier
        self._tools = tools
        self._results: list[FileResult] = []
        self._setup: Setup | None = None
        self._environment: Mapping[str, object] = {}

    def run(self) -> Reproduction:
        """Try all claims; an interrupt ends it early, and keeps the verdicts so far.

        A file whose campaign fails leaves its claims undecided. Call it with interrupts held.

        Raises:
            ArchiveError: results cannot be written.
        """
        began_at, began_s = datetime.now(UTC), time.monotonic()
        for file in self._files:
            if interrupts.is_interrupted():
                break
            self._results.append(self._try(file))
        is_complete = not interrupts.is_interrupted()
        status = Status.COMPLETE if is_complete else Status.INTERRUPTED
        claims = [claim for each in self._results for claim in each.claims]
        return Reproduction(
            tier=self._tier,
            backend=self._setup.backend.name if self._setup else "",
            backend_reason=self._setup.backend_reason if self._setup else "",
            started_at=began_at.isoformat(timespec="seconds"),
            duration_s=round(time.monotonic() - began_s, 3),
            status=status,
            reason="" if is_complete else f"interrupted by {interrupts.signal_name()}",
            planned=[each.name for each in self._files],
            files=self._results,
            host=dict(self._environment),
            exit_code=exit_code(claims) if is_complete else INCOMPLETE_CODES[status],
        )

    def _try(self, file: ClaimFile) -> FileResult:
        began_s = time.monotonic()
        try:
            findings = self._measure(file)
            summary = findings.summary
            status, reason, claims = summary.status, summary.reason, list(findings.claims)
        except ArchiveError:
            raise
        except LabError as exc:
            status, reason, claims = Status.BROKEN, str(exc), []
        return FileResult(
            name=file.name,
            intent=file.scenario.intent,
            source=_source_text(file.scenario.source),
            status=status,
            reason=reason,
            duration_s=round(time.monotonic() - began_s, 3),
            claims=_with_reason(claims or not_measured(file.scenario.claims, NOT_MEASURED), reason),
        )

    def _measure(self, file: ClaimFile) -> Findings:
        setup, progress = self._tools.set_up(file), self._tools.follow(file)
        self._setup = setup
        with progress.shown():
            findings = Campaign(setup, progress).run()
        self._environment = self._environment or findings.environment
        self._tools.finish(setup, findings)
        return findings


def _with_reason(claims: Sequence[ClaimResult], reason: str) -> list[ClaimResult]:
    """Return ``claims``; one that was not measured has the ``reason`` why, if there is one."""
    return [
        each.model_copy(update={"reason": f"{NOT_MEASURED}: {reason}"})
        if reason and each.reason == NOT_MEASURED
        else each
        for each in claims
    ]


def _source_text(source: Source | None) -> SourceText:
    assert source is not None  # noqa: S101 a scenario with claims has a source
    return SourceText(
        author=source.author,
        title=source.title,
        year=source.year,
        place=source.place or "",
        reference=source.reference,
    )
