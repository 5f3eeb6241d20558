"""Runs every case of a scenario, one after another, and keeps all results, however it ends."""

import errno
import secrets
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

import yaml

from orchestrator.campaign.evaluate_run import RunEvaluation, evaluate_run
from orchestrator.campaign.progress import Progress
from orchestrator.campaign.retries import is_disturbed, to_repeat
from orchestrator.campaign.summarise import Findings, planned_cases, summarise, summarise_case
from orchestrator.execution import interrupts
from orchestrator.execution.backend import Backend, Needs
from orchestrator.execution.conformance import NonconformingError, hold_to_contract
from orchestrator.execution.descriptors import provide_descriptors
from orchestrator.execution.host import describe_host
from orchestrator.execution.run_case import ProgressCallbacks, execute
from orchestrator.results.archive import Archive, ArchiveError
from orchestrator.results.defect import traced
from orchestrator.results.exit_codes import BROKEN, LabError
from orchestrator.results.summary import Status, Summary
from orchestrator.scenario.faults import are_proxied
from orchestrator.scenario.plan import Run, plan_cases, schedule
from orchestrator.scenario.scenario import Scenario

DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}


def new_campaign_id() -> str:
    """Return an id that no other campaign on this engine has."""
    return secrets.token_hex(4)


@dataclass(frozen=True)
class CampaignSettings:
    """What a campaign runs: a scenario and its name, on a backend, and why on that one.

    ``command`` is the shell command that runs the same campaign again; ``repeats_per_draw`` is that
    of `schedule`.
    """

    name: str
    scenario: Scenario
    backend: Backend
    backend_reason: str
    archive: Archive
    accept_invalid: bool = False
    command: str = ""
    repeats_per_draw: int = 1


class Campaign:
    """All runs of a scenario in order, and the evaluations of those that have ended."""

    def __init__(self, settings: CampaignSettings, progress: Progress) -> None:
        self._settings = settings
        self._progress = progress
        self._runs = schedule(settings.scenario, settings.repeats_per_draw)
        self._evaluations: list[RunEvaluation] = []
        self._hopeless: set[str] = set()  # the slugs of cases that were aborted: not repeated
        self._environment: Mapping[str, object] = {}

    def run(self) -> Findings:
        """Run all cases; a failure or an interrupt ends the campaign early. The backend is closed.

        Call it with interrupts held: it releases them during the runs, and reports one as findings.
        """
        settings, began_at, began_s = self._settings, datetime.now(UTC), time.monotonic()
        status, reason = self._run_to_end()
        summary = Summary(
            scenario=settings.name,
            intent=settings.scenario.intent,
            backend=settings.backend.name,
            backend_reason=settings.backend_reason,
            started_at=began_at.isoformat(timespec="seconds"),
            duration_s=round(time.monotonic() - began_s, 3),
            status=status,
            reason=reason,
            planned_cases=planned_cases(self._runs),
            planned_runs=len(self._runs),
            cases=[],
            accepts_invalid=settings.accept_invalid,
            exit_code=BROKEN,
        )
        folder = settings.archive.path.name
        findings = Findings(summary, self._environment, {}, self._resolved_scenario(), folder)
        return summarise(findings, settings.scenario, self._evaluations)

    def _run_to_end(self) -> tuple[Status, str]:
        """Run all cases; return how the campaign ended, and why if not as planned."""
        try:
            with (
                traced(self._settings.archive.path),
                closing(self._settings.backend),
                interrupts.released(),
            ):
                self._run_all()
        except LabError as exc:
            return self._end_of(exc)
        except KeyboardInterrupt:
            return Status.INTERRUPTED, f"interrupted by {interrupts.signal_name()}"
        return Status.COMPLETE, ""

    @staticmethod
    def _end_of(error: LabError) -> tuple[Status, str]:
        """Return how a failure ended the campaign; what fails after an interrupt is part of it."""
        if interrupts.is_interrupted():
            return Status.INTERRUPTED, f"interrupted by {interrupts.signal_name()}; {error}"
        is_target = isinstance(error, NonconformingError)
        return Status.NONCONFORMING if is_target else Status.BROKEN, str(error)

    def _run_all(self) -> None:
        settings = self._settings
        settings.archive.write("scenario.yaml", self._resolved_scenario())
        self._progress.preparing(settings.backend.name)
        provide_descriptors((run.case for run in self._runs), settings.backend.name)
        settings.backend.prepare(needs_of(settings.scenario))
        host = describe_host(settings.backend.describe())
        self._environment = {"command": settings.command, **host}
        settings.archive.write_json("environment.json", self._environment)
        self._progress.conforming(settings.scenario.target)
        hold_to_contract(settings.scenario, settings.backend, settings.archive)
        begun_s = time.monotonic()
        for number, run in enumerate(self._runs, start=1):
            if run.case.slug in self._hopeless:
                continue
            self._progress.run_begun(number, len(self._runs), run)
            self._take(run)
        self._repeat_disturbed(time.monotonic() - begun_s)

    def _repeat_disturbed(self, budget_s: float) -> None:
        """Repeat the runs that the host disturbed; none begins after ``budget_s``."""
        settings, begun_s = self._settings, time.monotonic()
        while not settings.accept_invalid and time.monotonic() - begun_s < budget_s:
            retries = to_repeat(settings.scenario, self._evaluations)
            if not retries:
                return
            done = len(self._evaluations)
            self._progress.run_begun(done + 1, done + len(retries), retries[0])
            self._take(retries[0])

    def _take(self, run: Run) -> None:
        """Execute ``run``, and print the result of its case by the runs that count so far."""
        scenario, evaluation = self._settings.scenario, self._execute(run)
        self._evaluations.append(evaluation)
        if evaluation.summary.aborted:
            self._hopeless.add(run.case.slug)
        if is_disturbed(scenario, evaluation) and not self._settings.accept_invalid:
            self._progress.run_disturbed(evaluation.summary)
            return
        of_case = [each for each in self._evaluations if each.run.case.slug == run.case.slug]
        valid = [each for each in of_case if not is_disturbed(scenario, each)]
        self._progress.run_ended(summarise_case(scenario, valid or of_case, accept_invalid=True))

    def _execute(self, run: Run) -> RunEvaluation:
        settings, progress = self._settings, self._progress
        folder = settings.archive.raw_folder(run.slug)
        callbacks = ProgressCallbacks(
            progress.step, progress.pulse, progress.fault, progress.waits_for
        )
        try:
            execute(settings.scenario, run.case, settings.backend, folder, callbacks)
            cases = planned_cases(self._runs)
            return evaluate_run(settings.scenario, run, settings.archive, cases)
        except OSError as exc:
            if exc.errno not in DISK_ERRORS and folder.is_dir():
                raise
            raise ArchiveError.of(folder, exc) from exc

    def _resolved_scenario(self) -> str:
        scenario = self._settings.scenario.resolved()
        return yaml.safe_dump(scenario, sort_keys=False, allow_unicode=True)


def needs_of(scenario: Scenario) -> Needs:
    """Return what the backend must prepare for the runs of ``scenario``."""
    target = scenario.target
    own = [model for model in scenario.models if target is None or model != target.name]
    cases = plan_cases(scenario)
    interpreters = [case.interpreter for case in cases if case.model in own]
    limits = [case.settings.limits for case in cases]
    proxied = are_proxied(scenario.faults)
    return Needs(own, target, proxied, list(dict.fromkeys(interpreters)), limits)
