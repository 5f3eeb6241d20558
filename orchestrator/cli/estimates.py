"""How long the runs of a scenario will take: by the twin of each case, else from its load alone."""

from collections.abc import Callable
from functools import partial

from orchestrator.execution.cpus import Cpus
from orchestrator.scenario.estimate import Estimate, estimate
from orchestrator.scenario.models import discover_twins
from orchestrator.scenario.plan import Case, plan_cases, schedule
from orchestrator.scenario.scenario import Scenario
from orchestrator.twin.parameters import TYPICAL
from orchestrator.twin.predict import NoTwinError, predict

MAX_MESSAGES, MAX_MESSAGES_OF_SCENARIO = 50_000, 500_000
"""Of a simulation, and of all: an estimate takes seconds."""

Asked = Callable[[Case], float | None]
"""Returns how long the load of a case takes, in s, None if that is not known."""


def nobody(_: Case) -> float | None:
    """Return None: nobody is asked."""
    return None


def twin_of(scenario: Scenario) -> Asked:
    """Return what asks the twin of each case of ``scenario``."""
    most = MAX_MESSAGES_OF_SCENARIO // len(plan_cases(scenario))
    return partial(_simulated_s, max_messages=min(most, MAX_MESSAGES))


def estimates_of(scenario: Scenario, ask: Asked) -> list[Estimate]:
    """Return the estimate for each run in order; ``ask`` is called once for each case."""
    of_case = {case.slug: _estimate(case, scenario.timeout_s, ask) for case in plan_cases(scenario)}
    return [of_case[run.case.slug] for run in schedule(scenario)]


def _estimate(case: Case, timeout_s: float, ask: Asked) -> Estimate:
    """Return what ``ask`` knows of ``case``, else an estimate from its load alone."""
    asked_s = ask(case)
    if asked_s is None:
        return estimate(case, timeout_s)
    within_s = min(asked_s, timeout_s)
    return Estimate(within_s, within_s, within_s)


def _simulated_s(case: Case, max_messages: int) -> float | None:
    """Return how long the load of the twin of ``case`` takes, from its start, not from warm-up on.

    None if there is no twin, or it takes too long.
    """
    try:
        found = predict(
            case, discover_twins(), Cpus.of_this_process().usable, TYPICAL, max_messages
        )
    except NoTwinError:
        return None
    measured_s = found.figures["makespan"]
    return None if measured_s is None else case.warmup_s + measured_s
