"""How each case is searched, before anything runs: its objectives, and what its twin says."""

from collections.abc import Sequence

from orchestrator.capacity.case_run import CasePlan, Judge, SearchTerms
from orchestrator.capacity.classify import Classified, LoadTest, classify
from orchestrator.capacity.objectives import Objective, parse_objectives
from orchestrator.capacity.searched_group import service_time_s
from orchestrator.capacity.trial import Trial
from orchestrator.results.exit_codes import MisuseError
from orchestrator.scenario.models import discover_twins
from orchestrator.scenario.plan import Case, plan_cases
from orchestrator.scenario.scenario import Scenario
from orchestrator.twin.parameters import WITH_WORKERS, Discipline, Kind

SETTLED = 10.0
"""Without a twin, the warm-up in mean demands."""

LEAST_WARMUP_S, MOST_WARMUP_S = 0.5, 10.0


def plan_searches(
    scenario: Scenario, terms: SearchTerms, texts: Sequence[str], cpus: float
) -> list[CasePlan]:
    """Return how each case of ``scenario`` is searched, on a machine with ``cpus`` CPUs.

    ``texts`` are the objectives; without any, they are the expectations of the scenario.

    Raises:
        MisuseError: a case has no objective, or one that cannot be judged.
    """
    cases = plan_cases(scenario)
    objectives = {case.model: objectives_of(scenario, case.model, texts) for case in cases}
    return [_plan(case, terms, objectives[case.model], cpus) for case in cases]


def objectives_of(scenario: Scenario, model: str, texts: Sequence[str]) -> tuple[Objective, ...]:
    """Return the objectives of a model: ``texts``, else what the scenario expects of it."""
    groups = [group.name for group in scenario.clients]
    expected = texts or [each.text for each in scenario.expectations(model)]
    if not expected:
        raise MisuseError(
            f"capacity: no objective, and the scenario expects nothing of {model}; write e.g. "
            '--slo "p99 < 50ms"'
        )
    return parse_objectives(expected, groups)


def _plan(case: Case, terms: SearchTerms, objectives: Sequence[Objective], cpus: float) -> CasePlan:
    label = discover_twins().get(case.model, "")
    settled_s = SETTLED * service_time_s(terms.group, case)
    return CasePlan(
        case=case,
        label=label,
        workers=_workers_of(case, label, cpus),
        objectives=objectives,
        predicted=None,
        prediction="",
        warmup_s=min(max(settled_s, LEAST_WARMUP_S), MOST_WARMUP_S),
    )


def _workers_of(case: Case, label: str, cpus: float) -> int | None:
    """Return how many workers serve one message at a time each, None if none do."""
    return Discipline.of(Kind(label), case, cpus).workers if label in WITH_WORKERS else None


def judge_of(terms: SearchTerms) -> Judge:
    """Return what classifies the loads of all cases."""
    test = LoadTest(terms.confidence, is_quick=terms.is_wide)

    def judge(plan: CasePlan, load: float, trials: Sequence[Trial]) -> Classified:
        return classify(plan.objectives, trials, test, None)

    return judge
