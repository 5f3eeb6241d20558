"""Runs every case of a scenario, one after another, and keeps what there is, whatever happens."""

import errno
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import yaml

from orchestrator import interrupts
from orchestrator.archive import Archive, ArchiveError
from orchestrator.backends.base import Backend, BackendError
from orchestrator.conclude import Conclusion, conclude
from orchestrator.environment import describe_host
from orchestrator.execute import Steps, execute
from orchestrator.findings import Findings
from orchestrator.plan import Case, plan
from orchestrator.progress import Progress
from orchestrator.scenario import Scenario
from orchestrator.summary import Status, Summary
from orchestrator.verdict import exit_code

DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES}


def new_campaign_id() -> str:
    """Return an id that no other campaign on this engine has."""
    return secrets.token_hex(4)


@dataclass(frozen=True)
class Setting:
    """What a campaign runs and where: a scenario under its name, a backend and why that one."""

    name: str
    scenario: Scenario
    backend: Backend
    backend_reason: str
    archive: Archive


class Campaign:
    """One call of ``orchestrate.py``: cases in order, conclusions so far, and how it ended."""

    def __init__(self, setting: Setting, progress: Progress) -> None:
        self._setting = setting
        self._progress = progress
        self._cases = plan(setting.scenario)
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
                    self._run_cases()
            finally:
                self._setting.backend.close()
        except (BackendError, ArchiveError) as exc:
            status, reason = Status.BROKEN, str(exc)
        except KeyboardInterrupt:
            status, reason = Status.INTERRUPTED, f"interrupted by {interrupts.signal_name()}"
        cases = [each.summary for each in self._conclusions]
        summary = Summary(
            scenario=self._setting.name,
            intent=self._setting.scenario.intent,
            backend=self._setting.backend.name,
            backend_reason=self._setting.backend_reason,
            started_at=began_at.isoformat(timespec="seconds"),
            duration_s=round(time.monotonic() - began_s, 3),
            status=status,
            reason=reason,
            planned_cases=len(self._cases),
            cases=cases,
            exit_code=exit_code(status, cases),
        )
        excerpts = {each.summary.slug: each.excerpt for each in self._conclusions}
        return Findings(summary, self._environment, excerpts)

    def _run_cases(self) -> None:
        setting = self._setting
        resolved = yaml.safe_dump(setting.scenario.resolved(), sort_keys=False, allow_unicode=True)
        setting.archive.write("scenario.yaml", resolved)
        self._progress.preparing(setting.backend.name)
        setting.backend.prepare(setting.scenario.models)
        self._environment = describe_host(setting.backend.describe())
        setting.archive.write_json("environment.json", self._environment)
        for number, case in enumerate(self._cases, start=1):
            self._progress.case_begun(number, len(self._cases), case)
            self._conclusions.append(self._run_case(case))
            self._progress.case_ended(self._conclusions[-1].summary)

    def _run_case(self, case: Case) -> Conclusion:
        setting = self._setting
        folder = setting.archive.raw_folder(case.slug)
        steps = Steps(self._progress.step, self._progress.acked)
        try:
            execute(setting.scenario, case, setting.backend, folder, steps)
            return conclude(setting.scenario, case, setting.archive)
        except OSError as exc:
            if exc.errno not in DISK_ERRORS:
                raise
            raise ArchiveError.of(folder, exc) from exc
