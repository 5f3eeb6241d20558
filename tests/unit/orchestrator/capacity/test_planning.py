"""What is known of a case before it runs."""

import pytest

from orchestrator.capacity.long_run import LEAST_SETTLING_S
from orchestrator.capacity.objectives import ObjectiveError
from orchestrator.capacity.planning import asked_cases, plan_case
from orchestrator.results.exit_codes import MisuseError
from tests.unit.orchestrator.capacity.trial_fixtures import asked, scenario_of


def test_the_twin_gives_the_capacity_and_how_long_a_queue_takes_to_settle() -> None:
    case, terms = asked(width=0.5)
    plan = plan_case(case, terms, cpus=2.0)
    assert plan.workers == 4
    assert plan.predicted is not None
    assert 120 < plan.predicted < 200
    near, below, above = (plan.warmup_s(times * plan.predicted) for times in (1.0, 0.5, 2.0))
    assert near > below
    assert above == LEAST_SETTLING_S  # such a queue never settles
    assert plan.twin is not None


def test_a_case_without_a_twin_says_why() -> None:
    silent = "{executor: closed, users: 7, messages: 5, behaviour: reset, demand: sleep=20ms}"
    case, terms = asked(silent)
    plan = plan_case(case, terms, cpus=2.0)
    assert plan.predicted is None
    assert plan.twin is None
    assert "polite clients only" in plan.prediction


def test_without_objectives_the_expectations_of_the_scenario_count() -> None:
    (found,) = asked_cases(scenario_of(more="expect: {all: [p95 < 1s, failed == 0]}\n"), [])
    assert [each.text for each in found.objectives] == ["p95 < 1s", "failed == 0"]
    with pytest.raises(MisuseError, match="no objective, and the scenario expects nothing"):
        asked_cases(scenario_of(), [])
    with pytest.raises(ObjectiveError):
        asked_cases(scenario_of(), ["nonsense < 1s"])
