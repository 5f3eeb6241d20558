"""A run that the host disturbed is repeated and does not count; a failure is never hidden so."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from orchestrator.campaign.evaluate_run import RunEvaluation
from orchestrator.campaign.retries import (
    counted,
    fewest,
    is_disturbed,
    to_repeat,
    with_retries,
)
from orchestrator.campaign.summarise import summarise, summarise_case
from orchestrator.results.summary import Outcome, ReasonKind
from orchestrator.scenario.plan import Run, schedule
from orchestrator.scenario.scenario import Scenario
from tests.unit.conftest import Load
from tests.unit.orchestrator.campaign.test_summarise import evaluation
from tests.unit.orchestrator.report.report_fixtures import findings, summary

TEXT = """\
intent: Which is faster?
models: [single, epoll]
clients: [{executor: closed, users: 2, messages: 1, demand: sleep=1ms}]
repeats: 7
expect: {all: [makespan < 3s, acked == users * messages]}
compare: [makespan(single) > makespan(epoll)]
"""
BUSY = "host_delay < 5% does not hold, 20% vs 5%"


@pytest.fixture
def scenario(load: Load) -> Scenario:
    return load(TEXT)


def ended(run: Run, *reasons: str, kind: ReasonKind = ReasonKind.DISTURBED_HOST,
          **values: float) -> RunEvaluation:  # fmt: skip
    """Return a run of which all messages were acknowledged, unless ``values`` say otherwise."""
    found = evaluation(run, invalid=reasons)
    kinds = [kind] * len(reasons)
    happened = {
        "acked": 2.0, "failed": 0.0, "errors": 0.0, "unsent": 0.0, "unanswered": 0.0,
        "timed_out": 0.0, "server_exit_code": 0.0, "users": 2.0, "messages": 1.0,
    }  # fmt: skip
    return replace(
        found,
        summary=found.summary.model_copy(update={"invalid_kinds": kinds, "repeat": run.repeat}),
        values={**found.values, **happened, **values},
    )


def of_model(scenario: Scenario, model: str = "epoll") -> list[Run]:
    return [run for run in schedule(scenario) if run.case.model == model]


def disturbed_in(runs: Sequence[Run], *repeats: int) -> list[RunEvaluation]:
    return [ended(run, *([BUSY] if run.repeat in repeats else [])) for run in runs]


def retry(run: Run) -> Run:
    return replace(run, attempt=run.attempt + 1)


def test_an_undisturbed_retry_counts_in_the_place_of_its_repeat(scenario: Scenario) -> None:
    runs = of_model(scenario)
    case = summarise_case(scenario, [*disturbed_in(runs, 3), ended(retry(runs[2]))])
    assert [run.slug for run in case.runs] == [
        "epoll/1", "epoll/2", "epoll/3+1", "epoll/4", "epoll/5", "epoll/6", "epoll/7",
    ]  # fmt: skip
    assert [(run.slug, run.invalid) for run in case.disturbed] == [("epoll/3", [BUSY])]
    assert case.invalid == []
    assert case.expectations[0].outcome is Outcome.PASSED


def test_figures_are_those_of_the_runs_that_count(scenario: Scenario) -> None:
    runs = of_model(scenario)
    slow = [
        replace(each, summary=each.summary.model_copy(update={"measures": {"makespan_s": 9.0}}))
        if each.summary.invalid
        else each
        for each in disturbed_in(runs, 1, 2)
    ]
    ends = summarise_case(scenario, slow).intervals
    assert ends["makespan_s"] == (1.0, 1.0)


@pytest.mark.parametrize(
    ("repeats", "least"), [(1, 1), (2, 2), (4, 4), (5, 5), (7, 5), (9, 5), (10, 6), (21, 11)]
)
def test_a_case_needs_the_repeats_of_a_confidence_and_more_than_half(
    repeats: int, least: int
) -> None:
    assert fewest(repeats) == least


def test_a_case_with_too_few_undisturbed_repeats_is_invalid(scenario: Scenario) -> None:
    runs = of_model(scenario)
    assert summarise_case(scenario, disturbed_in(runs, 1, 2)).invalid == []
    tries = [*disturbed_in(runs, 1, 2, 7), ended(retry(runs[0]), BUSY)]
    case = summarise_case(scenario, tries)
    assert case.invalid == [f"repeat {n}: {BUSY}" for n in (1, 2, 7)]
    assert [run.slug for run in case.runs][:2] == ["epoll/1+1", "epoll/2"]
    assert [run.slug for run in case.disturbed] == ["epoll/1"]


@pytest.mark.parametrize(
    "failure", [{"timed_out": 1.0}, {"server_exit_code": 1.0}, {"errors": 1.0}, {"acked": 1.0}]
)
def test_no_retry_hides_a_failure_in_a_disturbed_run(
    scenario: Scenario, failure: dict[str, float]
) -> None:
    """A wrong "passed" is the worst that a retry could do."""
    runs = of_model(scenario)
    failed = ended(runs[2], BUSY, kind=ReasonKind.DISTURBED_HOST, **failure)
    assert not is_disturbed(scenario, failed)
    others = [ended(run) for run in runs if run.repeat != 3]
    assert to_repeat(scenario, [*others, failed]) == []
    case = summarise_case(scenario, [*others, failed, ended(retry(runs[2]))])
    assert case.invalid == [f"repeat 3: {BUSY}"]
    assert case.disturbed[0].slug == "epoll/3+1"


def test_a_retry_that_fails_counts_as_well(scenario: Scenario) -> None:
    runs = of_model(scenario)
    tries = [*disturbed_in(runs, 3), ended(retry(runs[2]), timed_out=1.0)]
    case = summarise_case(scenario, tries)
    (failed,) = [each for each in case.expectations if each.outcome is Outcome.FAILED]
    assert failed.expression == "timed_out == 0"


def test_an_expectation_of_times_that_a_busy_host_explains_is_no_failure(
    scenario: Scenario,
) -> None:
    assert is_disturbed(scenario, ended(of_model(scenario)[0], BUSY, makespan=9.0))


def test_a_failure_counts_although_a_confidence_may_tolerate_it(load: Load) -> None:
    scenario = load(TEXT.replace("users * messages", "users * messages with 95%"))
    assert not is_disturbed(scenario, ended(of_model(scenario)[0], BUSY, acked=1.0))


@pytest.mark.parametrize("kind", [each for each in ReasonKind if each != "disturbed_host"])
def test_only_a_disturbed_host_is_a_reason_to_repeat(scenario: Scenario, kind: ReasonKind) -> None:
    run = of_model(scenario)[0]
    assert is_disturbed(scenario, ended(run, BUSY))
    assert not is_disturbed(scenario, ended(run, "a replica was lost", kind=kind))
    assert not is_disturbed(scenario, ended(run))


@pytest.mark.parametrize(
    "slow",
    ["client_bottlenecks == 0 does not hold, 1 vs 0", "makespan < 1s does not hold, 2 s vs 1 s"],
)
def test_a_run_that_is_too_slow_by_itself_is_not_repeated_until_it_is_fast(
    scenario: Scenario, slow: str
) -> None:
    run = of_model(scenario)[0]
    found = ended(run, slow, kind=ReasonKind.DISTURBED_RUN)
    assert not is_disturbed(scenario, found)
    kinds = [ReasonKind.DISTURBED_RUN, ReasonKind.DISTURBED_HOST]
    both = found.summary.model_copy(update={"invalid": [slow, BUSY], "invalid_kinds": kinds})
    assert is_disturbed(scenario, replace(found, summary=both))


def test_each_case_is_repeated_at_most_so_often_and_those_tried_least_first(load: Load) -> None:
    scenario = load(TEXT.replace("repeats: 7", "repeats: 7\nretries_of_invalid: 2"))
    runs = disturbed_in(of_model(scenario), 2, 5)
    first = to_repeat(scenario, runs)
    assert [run.slug for run in first] == ["epoll/2+1", "epoll/5+1"]
    assert first[0].name == "epoll (2 of 7), retry 1"
    assert first[0].case == runs[1].run.case  # the same draws
    again = [*runs, ended(first[0], BUSY)]
    assert [run.slug for run in to_repeat(scenario, again)] == ["epoll/5+1", "epoll/2+2"]
    assert to_repeat(scenario, [*again, ended(first[1], BUSY)]) == []
    assert to_repeat(load(TEXT + "retries_of_invalid: 0\n"), runs) == []


def test_by_default_there_are_as_many_retries_as_repeats(scenario: Scenario) -> None:
    assert scenario.most_retries == 7


def test_the_analysis_finds_the_retries_of_a_stored_campaign(scenario: Scenario) -> None:
    runs = of_model(scenario)[:2]
    slugs = {"epoll/1", "epoll/2", "epoll/2+1", "epoll/2+2"}
    found = [run.slug for run in with_retries(runs, slugs)]
    assert found == ["epoll/1", "epoll/2", "epoll/2+1", "epoll/2+2"]


def test_models_are_compared_in_the_rounds_that_count_for_all(scenario: Scenario) -> None:
    runs = [
        ended(run, *([BUSY] if (run.case.model, run.repeat) == ("epoll", 1) else []))
        for run in schedule(scenario)
    ]
    begun = summary(planned_cases=2, planned_runs=14)
    found = summarise(findings(begun), scenario, runs).summary
    assert [len(case.runs) for case in found.cases] == [7, 6]
    assert [each.outcome for each in found.comparisons[0].expectations] == [Outcome.PASSED]
    assert found.rankings[0].ranks == [["epoll"], ["single"]]
    left_out = "1 of 14 repeats was disturbed and not repeated, in epoll"
    assert left_out in found.answer.caveat
    assert found.exit_code == 0


def test_what_is_accepted_counts(scenario: Scenario) -> None:
    found = counted(scenario, disturbed_in(of_model(scenario), 1), accept_invalid=True)
    assert (len(found.runs), found.disturbed) == (7, [])


def test_an_interrupted_case_shows_what_it_has(scenario: Scenario) -> None:
    case = summarise_case(scenario, disturbed_in(of_model(scenario)[:2], 2))
    assert [run.slug for run in case.runs] == ["epoll/1", "epoll/2"]
    assert case.invalid == [f"repeat 2: {BUSY}"]
