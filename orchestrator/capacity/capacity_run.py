"""Searches all cases of a scenario, one after another, and keeps all bounds, however it ends."""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

import yaml

from orchestrator.campaign.campaign import needs_of
from orchestrator.campaign.cheapest import Candidate, cheapest
from orchestrator.capacity.answer import answer_of
from orchestrator.capacity.case_run import CaseRun, SearchTerms
from orchestrator.capacity.planning import AskedCase, judge_of, plan_case
from orchestrator.capacity.progress import SearchProgress
from orchestrator.capacity.trials import BackendTrials
from orchestrator.execution import interrupts
from orchestrator.execution.backend import Backend
from orchestrator.execution.conformance import NonconformingError, hold_to_contract
from orchestrator.execution.host import describe_host
from orchestrator.results.archive import Archive
from orchestrator.results.capacity import Capacity, CaseCapacity, Verdict
from orchestrator.results.defect import traced
from orchestrator.results.exit_codes import BROKEN, FAILS, HOLDS, INTERRUPTED, INVALID, LabError
from orchestrator.results.summary import Cheapest, Status
from orchestrator.scenario.scenario import Scenario

CONSTANT = "Arrivals came at constant intervals, as the scenario asks."

_OF_STATUS = {
    Status.BROKEN: BROKEN,
    Status.INTERRUPTED: INTERRUPTED,
    Status.NONCONFORMING: FAILS,
}


@dataclass(frozen=True)
class CapacitySettings:
    """What is searched: a scenario and its name, on a backend, and why on that one.

    ``cpus`` are those of the machine, for twins. ``is_any_enough``: one case that holds at the load
    asked about is enough.
    """

    name: str
    scenario: Scenario
    terms: SearchTerms
    backend: Backend
    backend_reason: str
    archive: Archive
    cpus: float
    is_any_enough: bool = False
    command: str = ""


class CapacityRun:
    """The searches of all cases in order, and the bounds of those that have begun."""

    def __init__(
        self, settings: CapacitySettings, asked: Sequence[AskedCase], progress: SearchProgress
    ) -> None:
        self._settings = settings
        self._asked = asked
        self._progress = progress
        self._cases: list[CaseCapacity] = []
        self._current: CaseRun | None = None
        self._environment: Mapping[str, object] = {}

    def run(self) -> Capacity:
        """Search all cases; a failure or an interrupt ends it early. The backend is closed.

        Call it with interrupts held: it releases them during trials, and reports one as a status.
        """
        settings, began_at, began_s = self._settings, datetime.now(UTC), time.monotonic()
        status, reason = self._run_to_end()
        if self._current is not None:
            self._cases.append(self._current.result(is_interrupted=True))
        terms, cases = settings.terms, self._cases
        is_constant = any(terms.group.is_constant(each.case) for each in self._asked)
        found = _cheapest(cases) if terms.at is not None else []
        objectives = dict.fromkeys(each.text for case in self._asked for each in case.objectives)
        capacity = Capacity(
            scenario=settings.name,
            intent=settings.scenario.intent,
            kind=terms.group.kind,
            group=terms.group.name,
            objectives=list(objectives),
            at=terms.at,
            is_any_enough=settings.is_any_enough,
            width=terms.width,
            confidence=terms.confidence,
            backend=settings.backend.name,
            backend_reason=settings.backend_reason,
            started_at=began_at.isoformat(timespec="seconds"),
            duration_s=round(time.monotonic() - began_s, 3),
            status=status,
            reason=reason,
            planned_cases=len(self._asked),
            cases=cases,
            cheapest=found,
            answer=[],
            host=dict(self._environment),
            exit_code=exit_code(status, cases, terms.at, is_any_enough=settings.is_any_enough),
        )
        answer = [*answer_of(capacity), *[CONSTANT] * is_constant]
        return capacity.model_copy(update={"answer": answer})

    def _run_to_end(self) -> tuple[Status, str]:
        """Search all cases; return how it ended, and why if not as planned."""
        try:
            with (
                traced(self._settings.archive.path),
                closing(self._settings.backend),
                interrupts.released(),
            ):
                self._prepare()
                self._run_all()
        except LabError as exc:
            if interrupts.is_interrupted():
                return Status.INTERRUPTED, f"interrupted by {interrupts.signal_name()}; {exc}"
            is_target = isinstance(exc, NonconformingError)
            return Status.NONCONFORMING if is_target else Status.BROKEN, str(exc)
        except KeyboardInterrupt:
            return Status.INTERRUPTED, f"interrupted by {interrupts.signal_name()}"
        return Status.COMPLETE, ""

    def _prepare(self) -> None:
        settings, scenario = self._settings, self._settings.scenario
        resolved = yaml.safe_dump(scenario.resolved(), sort_keys=False, allow_unicode=True)
        settings.archive.write("scenario.yaml", resolved)
        self._progress.preparing(settings.backend.name)
        settings.backend.prepare(needs_of(scenario))
        host = describe_host(settings.backend.describe())
        self._environment = {"command": settings.command, **host}
        settings.archive.write_json("environment.json", self._environment)
        self._progress.conforming(scenario.target)
        hold_to_contract(scenario, settings.backend, settings.archive)

    def _run_all(self) -> None:
        settings, progress = self._settings, self._progress
        trials = BackendTrials(
            settings.scenario,
            settings.terms.group,
            settings.backend,
            settings.archive,
            progress,
        )
        judge = judge_of(settings.terms)
        for asked in self._asked:
            progress.planning(asked.case)
            plan = plan_case(asked, settings.terms, settings.cpus)
            progress.case_begun(plan.case, plan.predicted)
            self._current = CaseRun(plan, settings.terms, trials, judge, progress.load_ended)
            self._current.run()
            self._cases.append(self._current.result())
            self._current = None
            progress.case_ended(self._cases[-1])


def _cheapest(cases: Sequence[CaseCapacity]) -> list[Cheapest]:
    """Return the cases with the fewest workers that hold at the load asked about."""
    return cheapest(
        Candidate(each.name, each.axes, each.workers, each.at is Verdict.HOLDS) for each in cases
    )


def exit_code(
    status: Status, cases: Sequence[CaseCapacity], at: float | None, *, is_any_enough: bool
) -> int:
    """Return 0, 1 if the load asked about does not hold, 4 if it, or a capacity, is not decided."""
    if status is not Status.COMPLETE:
        return _OF_STATUS[status]
    if at is None:
        return HOLDS if all(each.is_complete for each in cases) else INVALID
    verdicts = [each.at for each in cases]
    if is_any_enough and Verdict.HOLDS in verdicts:
        return HOLDS
    decided = (Verdict.HOLDS, Verdict.FAILS)
    if is_any_enough:
        return INVALID if any(each not in decided for each in verdicts) else FAILS
    if Verdict.FAILS in verdicts:
        return FAILS
    return HOLDS if all(each is Verdict.HOLDS for each in verdicts) else INVALID
