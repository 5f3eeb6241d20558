"""Runs every case of a scenario, one after another, and keeps what there is, whatever happens."""

import errno
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import yaml

from orchestrator.campaign.evaluate_run import Conclusion, conclude
from orchestrator.campaign.progress import Progress
from orchestrator.campaign.summarise import Findings, aggregate, compare, first_exhibits
from orchestrator.campaign.verdict import exit_code
from orchestrator.execution import interrupts
from orchestrator.execution.backend import Backend, BackendError, Needs
from orchestrator.execution.conformance import NonconformingError, hold_to_contract
from orchestrator.execution.host import describe_host
from orchestrator.execution.run_case import ProgressCallbacks, execute
from orchestrator.results.archive import Archive, ArchiveError
from orchestrator.results.summary import Status, Summary
from orchestrator.scenario.faults import are_proxied
from orchestrator.scenario.plan import Run, plan_cases, schedule
from orchestrator.scenario.scenario import Scenario

DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}


def new_campaign_id() -> str:
    """Return an id that no other campaign on this engine has."""
    return secrets.token_hex(4)


@dataclass(frozen=True)
class Setting:
    """What a campaign runs and where: a scenario under its name, a backend and why that one.

    ``command`` is what runs the same again, typed into a shell.
    """

    name: str
    scenario: Scenario
    backend: Backend
    backend_reason: str
    archive: Archive
    accept_invalid: bool = False
    command: str = ""


class Campaign:
    """One call of ``orchestrate.py``: cases in order, conclusions so far, and how it ended."""

    def __init__(self, setting: Setting, progress: Progress) -> None:
        self._setting = setting
        self._progress = progress
        self._schedule = schedule(setting.scenario)
        self._conclusions: list[Conclusion] = []
        self._environment: Mapping[str, object] = {}

    def run(self) -> Findings:
        """Run all cases; a failure or an interruption ends the campaign early, and nothing stays.

        To be called with interrupts held: only here is one turned into findings.
        """
        began_at, began_s = datetime.now(UTC), time.monotonic()
        status, reason = Status.COMPLETE, ""
        try:
            try:
                with interrupts.released():
                    self._run_all()
            finally:
                self._setting.backend.close()
        except (BackendError, ArchiveError) as exc:
            status, reason = Status.BROKEN, str(exc)
        except NonconformingError as exc:
            status, reason = Status.NONCONFORMING, str(exc)
        except KeyboardInterrupt:
            status, reason = Status.INTERRUPTED, f"interrupted by {interrupts.signal_name()}"
        scenario = self._setting.scenario
        cases, accept = aggregate(scenario, self._conclusions), self._setting.accept_invalid
        comparisons, rankings = compare(scenario, self._conclusions, accept_invalid=accept)
        summary = Summary(
            scenario=self._setting.name,
            intent=self._setting.scenario.intent,
            backend=self._setting.backend.name,
            backend_reason=self._setting.backend_reason,
            started_at=began_at.isoformat(timespec="seconds"),
            duration_s=round(time.monotonic() - began_s, 3),
            status=status,
            reason=reason,
            planned_cases=len(plan_cases(scenario)),
            cases=cases,
            comparisons=comparisons,
            rankings=rankings,
            accepts_invalid=accept,
            exit_code=exit_code(status, cases, comparisons, accept_invalid=accept),
        )
        exhibits, folder = first_exhibits(self._conclusions), self._setting.archive.path.name
        return Findings(summary, self._environment, exhibits, self._resolved(), folder)

    def _run_all(self) -> None:
        setting = self._setting
        setting.archive.write("scenario.yaml", self._resolved())
        self._progress.preparing(setting.backend.name)
        setting.backend.prepare(_needs(setting.scenario))
        host = describe_host(setting.backend.describe())
        self._environment = {"command": setting.command, **host}
        setting.archive.write_json("environment.json", self._environment)
        self._progress.conforming(setting.scenario.target)
        hold_to_contract(setting.scenario, setting.backend, setting.archive)
        for number, run in enumerate(self._schedule, start=1):
            self._progress.run_begun(number, len(self._schedule), run)
            self._conclusions.append(self._run(run))
            so_far = [each for each in self._conclusions if each.run.case == run.case]
            self._progress.run_ended(*aggregate(setting.scenario, so_far))

    def _resolved(self) -> str:
        scenario = self._setting.scenario.resolved()
        return yaml.safe_dump(scenario, sort_keys=False, allow_unicode=True)

    def _run(self, run: Run) -> Conclusion:
        setting = self._setting
        folder = setting.archive.raw_folder(run.slug)
        steps = ProgressCallbacks(self._progress.step, self._progress.pulse, self._progress.fault)
        try:
            execute(setting.scenario, run.case, setting.backend, folder, steps)
            return conclude(setting.scenario, run, setting.archive)
        except OSError as exc:
            if exc.errno not in DISK_ERRORS:
                raise
            raise ArchiveError.of(folder, exc) from exc


def _needs(scenario: Scenario) -> Needs:
    target = scenario.target
    own = [model for model in scenario.models if target is None or model != target.name]
    return Needs(own, target, are_proxied(scenario.faults))
