"""How each case is searched: its objectives, what its twin says, and how its trials are judged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestrator.capacity.case_run import CasePlan, Judge, SearchTerms, times_as_long
from orchestrator.capacity.classify import Classified, LoadTest, classify
from orchestrator.capacity.long_run import (
    LEAST_SETTLING_S,
    Budget,
    CaseTwin,
    LongRun,
    long_run,
    predicted_capacity,
    settling_s,
)
from orchestrator.capacity.objectives import Objective, parse_objectives
from orchestrator.capacity.searched_group import TrialLoad, service_time_s
from orchestrator.capacity.trial import Trial
from orchestrator.results.capacity import LoadKind
from orchestrator.results.exit_codes import MisuseError
from orchestrator.scenario.fields import RUN_LOAD
from orchestrator.scenario.models import discover_twins
from orchestrator.scenario.plan import Case, plan_cases
from orchestrator.scenario.scenario import Scenario
from orchestrator.twin.parameters import TYPICAL, WITH_WORKERS, Discipline, Kind, Overhead
from orchestrator.twin.predict import NoTwinError

NEAR_CAPACITY = 0.9
"""Of what the workers can serve: the load for which the simulations of a twin settle."""

CPU_S, CPU_OF_WIDE_S = 2.0, 0.4
"""CPU time of a prediction, and of one and a long run in a wide search, which needs no more."""


@dataclass(frozen=True)
class AskedCase:
    """A case of the scenario, and what must hold of it."""

    case: Case
    objectives: tuple[Objective, ...]


def asked_cases(scenario: Scenario, texts: Sequence[str]) -> list[AskedCase]:
    """Return all cases; ``texts`` are their objectives, else what the scenario expects of them.

    Raises:
        MisuseError: a case has no objective, or one that cannot be judged at a load.
    """
    cases = plan_cases(scenario)
    objectives = {case.model: objectives_of(scenario, case.model, texts) for case in cases}
    return [AskedCase(case, objectives[case.model]) for case in cases]


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


def plan_case(asked: AskedCase, terms: SearchTerms, cpus: float) -> CasePlan:
    """Return how a case is searched, on a machine with ``cpus`` CPUs; its twin is simulated."""
    case, group = asked.case, terms.group
    label = discover_twins().get(case.model, "")
    workers = _workers_of(case, label, cpus)
    plan = CasePlan(case, label, workers, asked.objectives)
    guess, service_s = group.guess(case, workers), service_time_s(group, case)

    def settled_s(load: float) -> float:
        per_s = group.throughput_per_s(case, load, workers)
        if workers is not None and per_s * service_s >= workers:
            return LEAST_SETTLING_S  # it grows from the first message on, and never settles
        return settling_s(service_s, per_s, workers)

    plan = replace(plan, warmup_s=settled_s)
    twin = _twin_of(plan, terms, cpus, settled_s(NEAR_CAPACITY * guess))
    cpu_s = CPU_OF_WIDE_S if terms.settings.is_wide else CPU_S
    try:
        predicted = predicted_capacity(twin, guess, cpu_s, is_whole=group.kind is LoadKind.USERS)
    except NoTwinError as exc:
        return replace(plan, prediction=str(exc))
    if predicted is None:
        prediction = "no load was found that its twin bears, and a greater one that it does not"
        return replace(plan, prediction=prediction)
    return replace(plan, predicted=predicted, twin=twin)


def _twin_of(plan: CasePlan, terms: SearchTerms, cpus: float, settling: float) -> CaseTwin:
    group, case = terms.group, plan.case

    def at(load: float, duration_s: float, seed: int) -> Case:
        if load > RUN_LOAD.users and not group.has_rate:
            raise NoTwinError(f"its twin bears {RUN_LOAD.users} users, the most that a run has")
        return group.at(case, TrialLoad(load, duration_s, settling, seed), {})

    def per_s(load: float) -> float:
        return group.throughput_per_s(case, load, plan.workers)

    return CaseTwin(at, per_s, plan.objectives, discover_twins(), cpus, TYPICAL, settling)


def _workers_of(case: Case, label: str, cpus: float) -> int | None:
    """Return how many workers serve one message at a time each, None if none do."""
    return Discipline.of(Kind(label), case, cpus).workers if label in WITH_WORKERS else None


def judge_of(terms: SearchTerms) -> Judge:
    """Return what classifies the loads of all cases.

    The twin is simulated once for each load and its confirmation, as soon as a verdict may follow,
    with draws of its own and the mean overhead of the trials: those that the trials' twins have.
    """
    is_wide = terms.settings.is_wide
    test = LoadTest(terms.confidence, is_quick=is_wide)
    budget = Budget(CPU_OF_WIDE_S) if is_wide else Budget().times(times_as_long(terms.width))
    known: dict[tuple[str, float, int], LongRun | None] = {}

    def judge(plan: CasePlan, load: float, trials: Sequence[Trial]) -> Classified:
        key = (plan.case.name, load, trials[0].seed)
        is_due = len(trials) >= test.min_trials and not any(trial.broken for trial in trials)
        overheads = [trial.overhead for trial in trials if trial.overhead is not None]
        if plan.twin is not None and overheads and is_due and key not in known:
            twin = replace(plan.twin, overhead=Overhead.mean_of(overheads))
            known[key] = long_run(twin, load, budget, seed=trials[0].seed)
        return classify(plan.objectives, trials, test, known.get(key))

    return judge
