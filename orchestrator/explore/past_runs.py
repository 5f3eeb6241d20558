"""The runs whose results are in a folder, each in one line: when, what, and the verdict.

Reads what is stored; a folder that cannot be read is listed with the reason.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from orchestrator.campaign.restore import read_summary
from orchestrator.campaign.stored_reproduction import read_reproduction
from orchestrator.campaign.summarise import Findings
from orchestrator.capacity.stored import read_capacity
from orchestrator.quiz.solution import QUIZ, counts_text
from orchestrator.report import text
from orchestrator.report.capacity import text as capacity_text
from orchestrator.report.html import shown_campaigns
from orchestrator.report.reproduction import text as reproduction_text
from orchestrator.results.capacity import CAPACITY, Capacity
from orchestrator.results.defect import describe
from orchestrator.results.exit_codes import LabError
from orchestrator.results.reproduction import REPRODUCTION, Reproduction
from orchestrator.results.summary import Summary

REPORT = "report.html"
SUMMARY = "summary.json"
RAW = "raw"
DOUBT = "doubt"
BY_HAND = "; with faults by hand"
_NAMED = re.compile(r"(.+)-([0-9]{8}T[0-9]{6}Z)-[0-9a-f]{8}")
"""The name of a folder of results: scenario, instant in UTC, and id."""


@dataclass(frozen=True)
class PastRun:
    """What one folder holds. ``tone`` is ``good``, ``bad`` or ``doubt``.

    ``folder`` and ``report``, which is empty if there is none, are paths in the folder of all;
    ``started_at`` is UTC, ISO 8601, empty if unknown. ``is_broken``: ``verdict`` says why the
    results cannot be read. ``is_campaign``: it can be put beside another one.
    """

    folder: str
    scenario: str
    started_at: str
    backend: str = ""
    verdict: str = ""
    tone: str = DOUBT
    report: str = ""
    is_broken: bool = False
    is_campaign: bool = False

    @property
    def started(self) -> str:
        """When it started, to the minute, as a person reads it."""
        return self.started_at[: len("2026-01-02T03:04")].replace("T", " ")


def past_runs(results: Path) -> list[PastRun]:
    """Return all runs in the folder ``results``, or one folder below it, the newest first.

    Raises:
        OSError: the folder cannot be read; one that does not exist has no runs.
    """
    found = list(_runs_in(results, results)) if results.exists() else []
    return sorted(found, key=lambda run: (run.started_at, run.folder), reverse=True)


def _runs_in(folder: Path, results: Path) -> Iterator[PastRun]:
    """Yield the runs in ``folder``; a folder in it that is no run may hold runs itself."""
    for entry in folder.iterdir():
        if entry.is_symlink() or not entry.is_dir():
            continue
        if _is_run(entry):
            yield _read(entry, results)
        elif folder == results:
            yield from _runs_in(entry, results)


def _is_run(folder: Path) -> bool:
    is_named = _NAMED.fullmatch(folder.name) is not None
    return is_named or any((folder / name).exists() for name in (*_READERS, RAW))


def _read(folder: Path, results: Path) -> PastRun:
    """Return what ``folder`` holds, or why that is unknown."""
    path = str(folder.relative_to(results))
    run = PastRun(path, *_by_name(folder.name))
    try:
        run = _completed(run, folder)
    except LabError as exc:
        return replace(run, verdict=str(exc), is_broken=True)
    except (OSError, ValueError, KeyError, TypeError) as exc:
        return replace(run, verdict=f"its results cannot be read: {describe(exc)}", is_broken=True)
    return replace(run, report=f"{path}/{REPORT}" if (folder / REPORT).is_file() else "")


def _by_name(name: str) -> tuple[str, str]:
    """Return the scenario and the instant in the name of a folder; the instant may be empty."""
    named = _NAMED.fullmatch(name)
    if named is None:
        return name, ""
    try:
        return named[1], datetime.strptime(named[2], "%Y%m%dT%H%M%S%z").isoformat()
    except ValueError:  # digits, but no date
        return named[1], ""


def _completed(run: PastRun, folder: Path) -> PastRun:
    for name, read in _READERS.items():
        if (folder / name).is_file():  # nothing else, such as a pipe, has an end
            return read(run, folder)
    wanted = "it has no results: its run has not ended, or was killed"
    return replace(run, verdict=wanted, is_broken=True)


def _campaign(run: PastRun, folder: Path) -> PastRun:
    summary = read_summary(folder)
    (shown,) = shown_campaigns([Findings(summary, {}, {})])
    about, verdict = _about(run, summary), text.verdict(summary)
    if text.faults_by_hand(summary):
        verdict += BY_HAND
    return replace(about, verdict=verdict, tone=shown.tone, is_campaign=True)


def _capacity(run: PastRun, folder: Path) -> PastRun:
    found = read_capacity(folder)
    verdict, tone = capacity_text.verdict(found), capacity_text.tone(found)
    return replace(_about(run, found), verdict=verdict, tone=tone)


def _reproduction(run: PastRun, folder: Path) -> PastRun:
    found = read_reproduction(folder)
    verdict, tone = reproduction_text.verdict(found), reproduction_text.tone(found)
    return replace(_about(run, found), verdict=verdict, tone=tone)


def _about(run: PastRun, found: Summary | Capacity | Reproduction) -> PastRun:
    return replace(run, scenario=found.scenario, backend=found.backend, started_at=found.started_at)


def _quiz(run: PastRun, folder: Path) -> PastRun:
    document = json.loads((folder / QUIZ).read_bytes())
    counts = {name: int(document["agreement"][name]) for name in ("agree", "differ", "undecided")}
    tone = "bad" if counts["differ"] else DOUBT if counts["undecided"] else "good"
    return replace(run, verdict=counts_text(counts), tone=tone)


_READERS: Mapping[str, Callable[[PastRun, Path], PastRun]] = {
    REPRODUCTION: _reproduction,
    CAPACITY: _capacity,
    SUMMARY: _campaign,
    QUIZ: _quiz,
}
"""What completes a run from a folder that has this file."""
