"""Searches all cases of a scenario, one after another, and keeps all bounds, however it ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.campaign.cheapest import Candidate, cheapest
from orchestrator.campaign.setup import Ending, Setup
from orchestrator.campaign.verdict import INCOMPLETE_CODES
from orchestrator.capacity.answer import answer_of
from orchestrator.capacity.case_run import CaseRun, SearchTerms
from orchestrator.capacity.planning import AskedCase, judge_of, plan_case
from orchestrator.capacity.progress import SearchProgress
from orchestrator.capacity.trials import BackendTrials
from orchestrator.results.capacity import Capacity, CaseCapacity, Verdict
from orchestrator.results.exit_codes import FAILS, HOLDS, INVALID
from orchestrator.results.summary import Cheapest, Status

CONSTANT = "Arrivals came at constant intervals, as the scenario asks."


@dataclass(frozen=True)
class CapacitySettings:
    """How all cases are searched: with ``terms``, and with ``cpus`` of the machine, for twins.

    ``is_any_enough``: one case that holds at the load asked about is enough.
    """

    terms: SearchTerms
    cpus: float
    is_any_enough: bool = False


class CapacityRun:
    """The searches of all cases in order, and the bounds of those that have begun."""

    def __init__(
        self,
        setup: Setup,
        settings: CapacitySettings,
        asked: Sequence[AskedCase],
        progress: SearchProgress,
    ) -> None:
        self._setup = setup
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
        ended = self._setup.run_to_end(self._run_all)
        if self._current is not None:
            self._cases.append(self._current.result(is_interrupted=True))
        capacity = self._capacity(ended)
        group = self._settings.terms.group
        is_constant = any(group.is_constant(each.case) for each in self._asked)
        answer = [*answer_of(capacity), *[CONSTANT] * is_constant]
        return capacity.model_copy(update={"answer": answer})

    def _capacity(self, ended: Ending) -> Capacity:
        """Return the result without its answer."""
        setup, terms, cases = self._setup, self._settings.terms, self._cases
        is_any_enough = self._settings.is_any_enough
        objectives = dict.fromkeys(each.text for case in self._asked for each in case.objectives)
        return Capacity(
            scenario=setup.name,
            intent=setup.scenario.intent,
            kind=terms.group.kind,
            group=terms.group.name,
            objectives=list(objectives),
            at=terms.at,
            is_any_enough=is_any_enough,
            width=terms.width,
            confidence=terms.confidence,
            backend=setup.backend.name,
            backend_reason=setup.backend_reason,
            started_at=ended.started_at,
            duration_s=ended.duration_s,
            status=ended.status,
            reason=ended.reason,
            planned_cases=len(self._asked),
            cases=cases,
            cheapest=_cheapest(cases) if terms.at is not None else [],
            answer=[],
            host=dict(self._environment),
            exit_code=exit_code(ended.status, cases, terms.at, is_any_enough=is_any_enough),
        )

    def _run_all(self) -> None:
        setup, settings, progress = self._setup, self._settings, self._progress
        self._environment = setup.prepare(progress)
        setup.check_target(progress)
        group = settings.terms.group
        trials = BackendTrials(setup.scenario, group, setup.backend, setup.archive, progress)
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
        return INCOMPLETE_CODES[status]
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
