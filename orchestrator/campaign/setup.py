"""How a campaign and a capacity search begin and end: what both do before and after their runs."""

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

import yaml

from orchestrator.execution import interrupts
from orchestrator.execution.backend import Backend, Needs
from orchestrator.execution.conformance import NonconformingError, hold_to_contract
from orchestrator.execution.descriptors import provide_descriptors
from orchestrator.execution.host import describe_host
from orchestrator.results.archive import Archive
from orchestrator.results.defect import traced
from orchestrator.results.exit_codes import LabError
from orchestrator.results.summary import Status
from orchestrator.scenario.faults import are_proxied
from orchestrator.scenario.plan import Case, plan_cases
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.server import Target


class PreparationProgress(Protocol):
    """What shows the steps before the first run."""

    def preparing(self, backend: str) -> None:
        """Show that ``backend`` is being prepared."""

    def conforming(self, target: Target | None) -> None:
        """Show that the conformance suite tests the target, unless it is skipped."""


class Ending(NamedTuple):
    """How it ended, and why if not as planned; when it began, in UTC, and how long it took."""

    status: Status
    reason: str
    started_at: str
    duration_s: float


@dataclass(frozen=True)
class Setup:
    """A scenario and its name, on a backend, and why on that one; all results are in ``archive``.

    ``command`` is the shell command that does the same again.
    """

    name: str
    scenario: Scenario
    backend: Backend
    backend_reason: str
    archive: Archive
    command: str = ""

    @property
    def resolved_scenario(self) -> str:
        """The text of ``scenario.yaml``."""
        return yaml.safe_dump(self.scenario.resolved(), sort_keys=False, allow_unicode=True)

    def prepare(
        self, progress: PreparationProgress, cases: Iterable[Case] = ()
    ) -> dict[str, object]:
        """Store the scenario, prepare the backend, and return and store where it runs.

        The programs of ``cases`` get enough file descriptors.

        Raises:
            BackendError: the backend cannot run the scenario.
            ArchiveError: a file cannot be written.
        """
        self.archive.write("scenario.yaml", self.resolved_scenario)
        progress.preparing(self.backend.name)
        provide_descriptors(cases, self.backend.name)
        self.backend.prepare(_needs(self.scenario))
        environment = {"command": self.command, **describe_host(self.backend.describe())}
        self.archive.write_json("environment.json", environment)
        return environment

    def check_target(self, progress: PreparationProgress) -> None:
        """Run the conformance suite on the target of the scenario, if it has one.

        Raises:
            NonconformingError: it violates the contract.
            BackendError: it did not start, or the suite could not run.
        """
        progress.conforming(self.scenario.target)
        hold_to_contract(self.scenario, self.backend, self.archive)

    def run_to_end(self, work: Callable[[], None]) -> Ending:
        """Do ``work``, which a failure or an interrupt ends early, and close the backend.

        Call it with interrupts held: it releases them during ``work``.
        """
        began_at, began_s = datetime.now(UTC), time.monotonic()
        status, reason = self._status_after(work)
        duration_s = round(time.monotonic() - began_s, 3)
        return Ending(status, reason, began_at.isoformat(timespec="seconds"), duration_s)

    def _status_after(self, work: Callable[[], None]) -> tuple[Status, str]:
        try:
            with traced(self.archive.path), closing(self.backend), interrupts.released():
                work()
        except LabError as exc:
            return _end_of(exc)
        except KeyboardInterrupt:
            return Status.INTERRUPTED, interrupts.cause()
        return Status.COMPLETE, ""


def _end_of(error: LabError) -> tuple[Status, str]:
    """Return how a failure ended it; what fails after an interrupt is part of that."""
    if interrupts.is_interrupted():
        return Status.INTERRUPTED, f"{interrupts.cause()}; {error}"
    is_target = isinstance(error, NonconformingError)
    return Status.NONCONFORMING if is_target else Status.BROKEN, str(error)


def _needs(scenario: Scenario) -> Needs:
    """Return what the backend must prepare for the runs of ``scenario``."""
    target = scenario.target
    own = [model for model in scenario.models if target is None or model != target.name]
    cases = plan_cases(scenario)
    interpreters = [case.interpreter for case in cases if case.model in own]
    limits = [case.settings.limits for case in cases]
    proxied = are_proxied(scenario.faults)
    return Needs(own, target, proxied, list(dict.fromkeys(interpreters)), limits)
