"""CPU time above that of ``single``: which runs are compared, and why a run has no such time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import pytest

from orchestrator.campaign.evaluate_run import RunEvaluation
from orchestrator.campaign.summarise import Findings, summarise
from orchestrator.results.summary import (
    CaseSummary,
    Expectation,
    Outcome,
    Summary,
)
from orchestrator.scenario.plan import Run, schedule
from orchestrator.scenario.scenario import Scenario
from tests.unit.conftest import Load
from tests.unit.orchestrator.campaign.evaluation_fixtures import run_evaluation
from tests.unit.orchestrator.report.report_fixtures import findings, summary

SCENARIO = """\
intent: What does a process for each connection cost?
models: [$models]
clients: [{executor: open, rate: 100/s, duration: 1s, connections: each, arrivals: poisson}]
matrix: {backlog: [16, 32], workers: [2, 4]}
ignores: {single: [workers], prefork: [], threaded: [workers]}
repeats: 5
expect: {prefork: [process_control_cpu_time < 110ms with 90%]}
compare: [process_control_cpu_time(prefork) < process_control_cpu_time(threaded) / 5]
"""
PER_MESSAGE_S = {"single": 0.001, "prefork": 0.0012, "threaded": 0.0035}

Change = Callable[[Run], dict[str, float | None]]


@pytest.fixture
def scenario(load: Load) -> Scenario:
    return load(SCENARIO.replace("$models", "single, prefork, threaded"))


def evaluated(
    run: Run, values: Mapping[str, float | None] = MappingProxyType({}), invalid: Sequence[str] = ()
) -> RunEvaluation:
    """Return a run of 100 messages; in each round all CPU times are longer by the same factor."""
    figures: dict[str, float | None] = {
        "sent": 100.0,
        "acked": 100.0,
        "connected": 50.0,
        "cpu_time_per_message": PER_MESSAGE_S[run.case.model] * run.repeat,
        "process_control_cpu_time": None,
        "process_control_cpu_time_per_connection": None,
        "throughput": 1.0,
        "response_time_p99": 1.0,
        **values,
    }
    return run_evaluation(run, figures, invalid)


def summarised(scenario: Scenario, change: Change = lambda _: {}) -> Summary:
    runs = [evaluated(run, change(run)) for run in schedule(scenario)]
    return summarise(findings(summary()), scenario, runs).summary


def case_of(found: Summary, name: str) -> CaseSummary:
    return next(case for case in found.cases if case.name == name)


def test_it_is_the_difference_within_each_round(scenario: Scenario) -> None:
    found = summarised(scenario)
    case = case_of(found, "prefork,backlog=16,workers=4")
    above_s = [run.measures["process_control_cpu_time_s"] for run in case.runs]
    assert above_s == pytest.approx([0.02 * repeat for repeat in range(1, 6)])
    assert case.measures["process_control_cpu_time_s"] == pytest.approx(0.06)
    assert case.measures["process_control_cpu_time_per_connection_s"] == pytest.approx(0.0012)
    assert case.intervals["process_control_cpu_time_s"] == pytest.approx((0.02, 0.1))
    of_single = case_of(found, "single,backlog=16")
    assert of_single.measures["process_control_cpu_time_s"] == 0.0


def test_expectations_and_comparisons_may_name_it(scenario: Scenario) -> None:
    found = summarised(scenario)
    judged = [each for comparison in found.comparisons for each in comparison.expectations]
    assert {each.outcome for each in judged} == {Outcome.PASSED}
    (own, *_) = case_of(found, "prefork,backlog=32,workers=2").expectations
    assert own.outcome is Outcome.PASSED


def unknown(found: Summary) -> list[Expectation]:
    case = case_of(found, "prefork,backlog=16,workers=2")
    assert case.measures["process_control_cpu_time_s"] is None
    return [case.expectations[0], *found.comparisons[0].expectations]


def test_without_single_it_is_unknown_and_the_reason_is_said(load: Load) -> None:
    text = SCENARIO.replace("$models", "prefork, threaded")
    found = summarised(load(text.replace("single: [workers], ", "")))
    for each in unknown(found):
        assert each.outcome is Outcome.UNKNOWN
        assert each.reason.endswith("; single is not among the models")
    assert "process_control_cpu_time is unknown: single is not among the models" in (
        case_of(found, "prefork,backlog=16,workers=2").notes
    )


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"acked": 99.0}, "single had another load: 99 acked, and prefork 100"),
        ({"connected": None}, "another load: an unknown number of connected, and prefork 50"),
        ({"cpu_time_per_message": None}, "the CPU time of single is unknown"),
    ],
)
def test_another_load_or_an_unknown_time_is_named(
    scenario: Scenario, values: dict[str, float | None], reason: str
) -> None:
    found = summarised(
        scenario,
        lambda run: values if (run.case.model, run.repeat) == ("single", 3) else {},
    )
    for each in unknown(found):
        assert each.outcome is Outcome.UNKNOWN
        assert reason in each.reason


def test_a_run_of_single_that_is_invalid_or_was_not_taken_does_not_count(
    scenario: Scenario,
) -> None:
    def findings_of(runs: Sequence[RunEvaluation]) -> Findings:
        return summarise(findings(summary()), scenario, runs)

    runs = [evaluated(run) for run in schedule(scenario)]
    is_single = [each.run.case.name == "single,backlog=16" for each in runs]
    invalid = [
        evaluated(each.run, invalid=["lost"]) if single else each
        for each, single in zip(runs, is_single, strict=True)
    ]
    first, *_ = unknown(findings_of(invalid).summary)
    assert first.reason.endswith("single is invalid as a measurement")
    begun = [each for each, single in zip(runs, is_single, strict=True) if not single]
    case = case_of(findings_of(begun).summary, "prefork,backlog=16,workers=2")
    assert case.expectations[0].reason.endswith("single has no run beside it that counts")


def test_other_draws_are_another_load(scenario: Scenario) -> None:
    runs = [evaluated(run) for run in schedule(scenario)]
    runs = [
        replace(each, run=replace(each.run, case=replace(each.run.case, seed=9)))
        if each.run.case.model == "single"
        else each
        for each in runs
    ]
    found = summarise(findings(summary()), scenario, runs).summary
    assert unknown(found)[0].reason.endswith("single had other draws")


def test_several_cases_of_single_beside_one_leave_it_unknown(load: Load) -> None:
    text = SCENARIO.replace("$models", "single, prefork, threaded")
    found = summarised(load(text.replace("single: [workers]", "single: []")))
    case = case_of(found, "threaded,backlog=16")
    assert case.measures["process_control_cpu_time_s"] is None
    assert "single has several cases beside it" in case.notes[0]
    assert case_of(found, "prefork,backlog=16,workers=2").measures["process_control_cpu_time_s"]
