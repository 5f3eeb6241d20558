"""From evaluated runs to cases, comparisons, rankings and the exit code."""

import dataclasses
from collections.abc import Sequence

import pytest

from orchestrator.campaign.evaluate_run import RunEvaluation
from orchestrator.campaign.summarise import (
    Findings,
    planned_cases,
    summarise,
    summarise_case,
    with_status,
)
from orchestrator.results.summary import (
    Fitness,
    Instrument,
    Interpreter,
    Outcome,
    ReasonKind,
    Status,
)
from orchestrator.scenario.plan import Run, schedule
from orchestrator.scenario.scenario import Scenario
from tests.unit.conftest import Load
from tests.unit.orchestrator.campaign.evaluation_fixtures import run_evaluation
from tests.unit.orchestrator.report.report_fixtures import findings, summary

SCENARIO = """\
intent: Which is faster?
models: [single, epoll]
clients: [{executor: closed, users: $users, messages: 1, demand: sleep=1ms}]
variables: {users: 2}
matrix: {users: [2, 4]}
repeats: 5
expect: {all: [makespan < 3s]}
compare: [makespan(single) > makespan(epoll)]
"""
MAKESPAN_S = {"single": 2.0, "epoll": 1.0}


@pytest.fixture
def scenario(load: Load) -> Scenario:
    return load(SCENARIO)


def evaluation(run: Run, *, invalid: Sequence[str] = (), fitness: Fitness = Fitness.OK,
               makespan_s: float | None = None) -> RunEvaluation:  # fmt: skip
    """Return an evaluation in which each model takes its time and ends well."""
    makespan_s = makespan_s or MAKESPAN_S[run.case.model]
    values: dict[str, float | None] = {
        "makespan": makespan_s,
        "throughput": 1 / makespan_s,
        "response_time_p99": makespan_s,
    }
    return run_evaluation(
        run, values, invalid,
        invalid_kinds=[ReasonKind.DISTURBED_HOST] * len(invalid),
        instrument=Instrument(fitness=fitness, reasons=[]),
        notes=["no probe"],
        overhead_s=0.1 * run.repeat,
    )  # fmt: skip


def summarised(scenario: Scenario, runs: Sequence[RunEvaluation], **changes: object) -> Findings:
    header = findings(summary().model_copy(update={"exit_code": 3, **changes}))
    return summarise(header, scenario, runs)


def test_cases_are_in_the_order_of_the_plan_although_rounds_alternate(scenario: Scenario) -> None:
    found = summarised(scenario, [evaluation(run) for run in schedule(scenario)]).summary
    assert [case.name for case in found.cases] == [
        "single,users=2", "epoll,users=2", "single,users=4", "epoll,users=4",
    ]  # fmt: skip
    assert [run.slug[-2:] for run in found.cases[3].runs] == ["/1", "/2", "/3", "/4", "/5"]
    assert found.exit_code == 0


def test_a_case_has_medians_intervals_and_the_notes_of_its_runs(scenario: Scenario) -> None:
    runs = [run for run in schedule(scenario) if run.case.name == "epoll,users=4"]
    times_s = (1.0, 1.1, 1.2, 1.3, 9.0)
    case = summarise_case(
        scenario, [evaluation(run, makespan_s=s) for run, s in zip(runs, times_s, strict=True)]
    )
    assert case.measures["makespan_s"] == 1.2
    assert case.intervals["makespan_s"] == (1.0, 9.0)
    assert case.notes == ["no probe"]
    assert case.overhead_s == 0.3
    assert case.axes == {"users": 4}
    assert [each.outcome for each in case.expectations] == [Outcome.PASSED]


def test_the_reasons_of_repeats_are_numbered_and_the_worst_client_counts(
    scenario: Scenario,
) -> None:
    runs = [run for run in schedule(scenario) if run.case.name == "single,users=2"][:3]
    fitnesses = (Fitness.STRAINED, Fitness.BOTTLENECK, Fitness.OK)
    reasons: tuple[tuple[str, ...], ...] = ((), ("host busy",), ("lost", "late"))
    case = summarise_case(scenario, [
        evaluation(run, invalid=invalid, fitness=fitness)
        for run, invalid, fitness in zip(runs, reasons, fitnesses, strict=True)
    ])  # fmt: skip
    assert case.invalid == ["repeat 2: host busy", "repeat 3: lost", "repeat 3: late"]
    assert case.instrument.fitness is Fitness.BOTTLENECK


def test_models_are_compared_and_ranked_at_each_load_point(scenario: Scenario) -> None:
    found = summarised(scenario, [evaluation(run) for run in schedule(scenario)]).summary
    assert [each.axes for each in found.comparisons] == [{"users": 2}, {"users": 4}]
    assert {e.outcome for each in found.comparisons for e in each.expectations} == {Outcome.PASSED}
    assert [(each.measure, each.axes["users"]) for each in found.rankings] == [
        ("throughput_per_s", 2), ("response_time_p99_s", 2),
        ("throughput_per_s", 4), ("response_time_p99_s", 4),
    ]  # fmt: skip
    assert all(each.ranks == [["epoll"], ["single"]] for each in found.rankings)


def test_a_model_that_ignores_an_axis_is_compared_at_each_of_its_values(load: Load) -> None:
    """The one case of single is compared with both of epoll; `workers` is that of the point."""
    text = SCENARIO.replace("matrix: {users: [2, 4]}", "matrix: {workers: [2, 4]}")
    text = text.replace("> makespan(epoll)]", "> makespan(epoll), workers >= 4]")
    ignoring = load(text + "ignores: {single: [workers]}\n")
    found = summarised(ignoring, [evaluation(run) for run in schedule(ignoring)]).summary
    assert [case.name for case in found.cases] == ["single", "epoll,workers=2", "epoll,workers=4"]
    assert [each.axes for each in found.comparisons] == [{"workers": 2}, {"workers": 4}]
    passed = [
        [e.outcome is Outcome.PASSED for e in each.expectations] for each in found.comparisons
    ]
    assert passed == [[True, False], [True, True]]
    assert len(found.rankings) == 4


def test_a_load_point_that_was_not_reached_is_not_compared(scenario: Scenario) -> None:
    """Three runs of the first round: the second load point lacks a model."""
    runs = [evaluation(run) for run in schedule(scenario)[:3]]
    found = summarised(scenario, runs, status=Status.INTERRUPTED).summary
    assert len(found.cases) == 3
    assert [each.axes for each in found.comparisons] == [{"users": 2}]
    assert found.rankings == []  # one repeat ranks nothing
    assert found.exit_code == 130


@pytest.mark.parametrize(
    ("is_accepted", "outcome", "code"), [(False, Outcome.UNKNOWN, 4), (True, Outcome.PASSED, 0)]
)
def test_an_invalid_model_is_not_compared_unless_accepted(
    scenario: Scenario, is_accepted: bool, outcome: Outcome, code: int
) -> None:
    def invalid(run: Run) -> list[str]:
        return ["host busy"] if (run.case.model, run.repeat) == ("epoll", 2) else []

    runs = [evaluation(run, invalid=invalid(run)) for run in schedule(scenario)]
    found = summarised(scenario, runs, accepts_invalid=is_accepted).summary
    (judged,) = found.comparisons[0].expectations
    assert judged.outcome is outcome
    assert judged.reason == ("" if is_accepted else "epoll: invalid as a measurement")
    assert found.exit_code == code


def test_charts_show_the_first_repeat(scenario: Scenario) -> None:
    runs = [evaluation(run) for run in schedule(scenario)]
    shown = summarised(scenario, runs).exhibits
    firsts = {each.run.case.slug: each.exhibit for each in runs if each.run.repeat == 1}
    assert all(shown[slug] is first for slug, first in firsts.items())
    assert len(shown) == 4


def test_a_case_is_counted_once(scenario: Scenario) -> None:
    assert len(schedule(scenario)) == 20
    assert planned_cases(schedule(scenario)) == 4


ANSWER = 'answer: "{fastest(makespan)} is done first, {ratio} times sooner than {slowest}."\n'


def test_the_question_is_answered_with_the_values_of_the_campaign(load: Load) -> None:
    scenario = load(SCENARIO + ANSWER)
    found = summarised(scenario, [evaluation(run) for run in schedule(scenario)]).summary
    assert found.answer.sentences == ["epoll is done first, 2 times sooner than single."]
    assert found.answer.caveat == ""
    assert found.shown == ["makespan"]


def test_a_case_that_did_not_run_takes_no_part_in_the_answer_and_an_interrupt_is_its_caveat(
    load: Load,
) -> None:
    scenario = load(SCENARIO + ANSWER)
    found = summarised(
        scenario, [evaluation(schedule(scenario)[0])], status=Status.INTERRUPTED, planned_runs=20
    )
    assert found.summary.answer.sentences == ["Only single with 2 users has a value: makespan 2 s."]
    assert found.summary.answer.caveat.startswith("Caution: the campaign was interrupted after 1")


def test_what_breaks_off_the_campaign_afterwards_is_a_caveat_too(load: Load) -> None:
    scenario = load(SCENARIO + ANSWER)
    found = summarised(scenario, [evaluation(run) for run in schedule(scenario)], planned_runs=20)
    broken = with_status(found, Status.BROKEN, "no space").summary
    assert broken.answer.caveat == "Caution: the campaign broke off after 20 of 20 runs."


BETWEEN = """\
compare:
  - makespan(single, users=2) > 1.5 * makespan(epoll, users=4) with 90%
  - makespan(single) > makespan(epoll)
"""


def test_cases_of_different_load_points_are_compared_with_confidence(load: Load) -> None:
    """A round has a run of each of both; `users` of the point is no input then."""
    scenario = load(SCENARIO[: SCENARIO.index("compare:")] + BETWEEN)
    runs = [evaluation(run) for run in schedule(scenario)]
    found = summarised(scenario, runs).summary
    assert [each.axes for each in found.comparisons] == [{"users": 2}, {"users": 4}, {}]
    (judged,) = found.comparisons[-1].expectations
    assert (judged.outcome, judged.left, judged.right) == (Outcome.PASSED, "2.000 s", "1.500 s")
    assert judged.reason == "confidence that it holds: 96.9%"
    slower = [
        evaluation(run, makespan_s=9.0) if run.case.name == "epoll,users=4" else evaluation(run)
        for run in schedule(scenario)
    ]
    assert summarised(scenario, slower).summary.comparisons[-1].expectations[0].outcome is (
        Outcome.FAILED
    )


def test_a_comparison_between_points_is_judged_at_each_value_of_the_other_axes(load: Load) -> None:
    text = SCENARIO.replace("[2, 4]}", "[2, 4], workers: [1, 8]}")
    between = "compare: ['makespan(single, users=2) > makespan(epoll, users=4)']\n"
    scenario = load(text[: text.index("compare:")] + between)
    runs = [evaluation(run) for run in schedule(scenario)]
    found = summarised(scenario, runs).summary
    assert [each.axes for each in found.comparisons] == [{"workers": 1}, {"workers": 8}]
    invalid = [
        evaluation(run, invalid=["late"] if run.case.name == "epoll,users=4,workers=8" else [])
        for run in schedule(scenario)
    ]
    outcomes = [
        (each.expectations[0].outcome, each.expectations[0].reason)
        for each in summarised(scenario, invalid).summary.comparisons
    ]
    assert outcomes == [
        (Outcome.PASSED, ""),
        (Outcome.UNKNOWN, "epoll, users=4: invalid as a measurement"),
    ]


def test_a_case_names_the_interpreter_that_all_of_its_runs_have(scenario: Scenario) -> None:
    runs = [run for run in schedule(scenario) if run.case.name == "epoll,users=4"][:2]

    def case_of(*locks: bool) -> Interpreter | None:
        found = [
            dataclasses.replace(each, summary=each.summary.model_copy(update={
                "interpreter": Interpreter(version="3.13.5", lock=lock)}))
            for each, lock in zip(map(evaluation, runs), locks, strict=True)
        ]  # fmt: skip
        return summarise_case(scenario, found).interpreter

    assert case_of(False, False) == Interpreter(version="3.13.5", lock=False)
    assert case_of(False, True) is None
