"""Runs every case of a scenario, one after another, and keeps all results, however it ends."""

import errno
import os
import secrets
import time
from collections.abc import Mapping

from orchestrator.campaign.evaluate_run import RunEvaluation, evaluate_run
from orchestrator.campaign.progress import Progress
from orchestrator.campaign.retries import is_disturbed, to_repeat
from orchestrator.campaign.setup import Setup
from orchestrator.campaign.summarise import Findings, planned_cases, summarise, summarise_case
from orchestrator.execution.run_case import ProgressCallbacks, execute
from orchestrator.results.archive import ArchiveError
from orchestrator.results.exit_codes import BROKEN
from orchestrator.results.summary import Summary
from orchestrator.scenario.plan import Run, schedule

DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}

CAMPAIGN_ID = "SERVER_MODELS_LAB_CAMPAIGN_ID"
"""The environment variable by which `explore` knows the folder of the run that it starts."""


def is_started_by_page() -> bool:
    """Whether `explore` starts this program, whose scenario is a file until it ends.

    Ask before `new_campaign_id`.
    """
    return CAMPAIGN_ID in os.environ


def new_campaign_id() -> str:
    """Return an id that no other campaign on this engine has, or the one that the starter gave."""
    return os.environ.pop(CAMPAIGN_ID, "") or secrets.token_hex(4)


class Campaign:
    """All runs of a scenario in order, and the evaluations of those that have ended.

    ``repeats_per_draw`` is that of `schedule`.
    """

    def __init__(
        self,
        setup: Setup,
        progress: Progress,
        *,
        accept_invalid: bool = False,
        repeats_per_draw: int = 1,
    ) -> None:
        self._setup = setup
        self._progress = progress
        self._accept_invalid = accept_invalid
        self._runs = schedule(setup.scenario, repeats_per_draw)
        self._evaluations: list[RunEvaluation] = []
        self._hopeless: set[str] = set()  # the slugs of cases that were aborted: not repeated
        self._environment: Mapping[str, object] = {}

    def run(self) -> Findings:
        """Run all cases; a failure or an interrupt ends the campaign early. The backend is closed.

        Call it with interrupts held: it releases them during the runs, and reports one as findings.
        """
        setup = self._setup
        ended = setup.run_to_end(self._run_all)
        summary = Summary(
            scenario=setup.name,
            intent=setup.scenario.intent,
            backend=setup.backend.name,
            backend_reason=setup.backend_reason,
            started_at=ended.started_at,
            duration_s=ended.duration_s,
            status=ended.status,
            reason=ended.reason,
            planned_cases=planned_cases(self._runs),
            planned_runs=len(self._runs),
            cases=[],
            accepts_invalid=self._accept_invalid,
            exit_code=BROKEN,
        )
        folder = setup.archive.path.name
        findings = Findings(summary, self._environment, {}, setup.resolved_scenario, folder)
        return summarise(findings, setup.scenario, self._evaluations)

    def _run_all(self) -> None:
        self._environment = self._setup.prepare(self._progress, [run.case for run in self._runs])
        self._setup.check_target(self._progress)
        begun_s = time.monotonic()
        for number, run in enumerate(self._runs, start=1):
            if run.case.slug in self._hopeless:
                continue
            self._progress.run_begun(number, len(self._runs), run)
            self._take(run)
        self._repeat_disturbed(time.monotonic() - begun_s)

    def _repeat_disturbed(self, budget_s: float) -> None:
        """Repeat the runs that the host disturbed; none begins after ``budget_s``."""
        begun_s = time.monotonic()
        while not self._accept_invalid and time.monotonic() - begun_s < budget_s:
            retries = to_repeat(self._setup.scenario, self._evaluations)
            if not retries:
                return
            done = len(self._evaluations)
            self._progress.run_begun(done + 1, done + len(retries), retries[0])
            self._take(retries[0])

    def _take(self, run: Run) -> None:
        """Execute ``run``, and print the result of its case by the runs that count so far."""
        scenario, evaluation = self._setup.scenario, self._execute(run)
        self._evaluations.append(evaluation)
        if evaluation.summary.aborted:
            self._hopeless.add(run.case.slug)
        if is_disturbed(scenario, evaluation) and not self._accept_invalid:
            self._progress.run_disturbed(evaluation.summary)
            return
        of_case = [each for each in self._evaluations if each.run.case.slug == run.case.slug]
        valid = [each for each in of_case if not is_disturbed(scenario, each)]
        self._progress.run_ended(summarise_case(scenario, valid or of_case, accept_invalid=True))

    def _execute(self, run: Run) -> RunEvaluation:
        setup, progress = self._setup, self._progress
        folder = setup.archive.raw_folder(run.slug)
        callbacks = ProgressCallbacks(
            progress.step, progress.pulse, progress.fault, progress.waits_for
        )
        try:
            execute(setup.scenario, run.case, setup.backend, folder, callbacks)
            cases = planned_cases(self._runs)
            return evaluate_run(setup.scenario, run, setup.archive, cases)
        except OSError as exc:
            if exc.errno not in DISK_ERRORS and folder.is_dir():
                raise
            raise ArchiveError.of(folder, exc) from exc
