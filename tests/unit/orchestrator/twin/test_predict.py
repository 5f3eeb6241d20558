"""Predictions of cases whose figures can be worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from orchestrator.results.client_samples import ACKED
from orchestrator.scenario.fields import PREDICTION_LOAD
from orchestrator.scenario.plan import Case
from orchestrator.twin.core import MESSAGE_COLUMNS
from orchestrator.twin.parameters import TYPICAL
from orchestrator.twin.predict import (
    MAX_MESSAGES,
    NoTwinError,
    Prediction,
    load_figures,
    predict,
)
from tests.unit.orchestrator.twin.load_fixtures import CPUS, MS, case_of

COLUMNS = [(column, "<i8") for column in (*MESSAGE_COLUMNS, "outcome")]
TWO = "[{executor: closed, users: 2, messages: 1, demand: sleep=100ms}]"


def predicted(case: Case, kind: str = "process") -> Prediction:
    return predict(case, {"any": kind}, CPUS)


def test_figures_of_two_users_of_one_worker() -> None:
    """Both connect at 0 and take 100 ms; the second waits for the first, unaccepted."""
    found = predicted(case_of(TWO)).figures
    expected = {
        "makespan": 0.2,
        "throughput": 10.0,  # 2 in 0.2 s
        "acked": 2,
        "utilization": 1.0,
        "response_time_mean": 0.15,  # of 0.1 and 0.2
        "response_time_p50": 0.1,
        "response_time_max": 0.2,
        "waiting_time_mean": 0.05,  # of 0 and 0.1
        "waiting_mean": 0.5,  # one waits in the first half
        "in_system_mean": 1.5,  # 0.3 s in 0.2 s
        "accept_queue_mean": 0.5,
        "accept_queue_max": 1,
        "peak_in_service": 1,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_a_loop_serves_both_at_once() -> None:
    found = predicted(case_of(TWO), "loop").figures
    assert found["makespan"] == pytest.approx(0.1)
    assert found["peak_in_service"] == 2
    assert found["accept_queue_max"] == 0
    assert found["utilization"] == pytest.approx(2.0)  # two sleeps in one loop


def test_figures_are_named_as_predicted_beside_the_inputs() -> None:
    values = predicted(case_of(TWO)).values
    assert values["predicted.makespan"] == pytest.approx(0.2)
    assert values["users"] == 2
    assert "makespan" not in values


def test_the_load_is_measured_from_the_end_of_the_warm_up() -> None:
    messages = np.zeros(2, COLUMNS)
    messages["outcome"] = ACKED
    messages["started_ns"], messages["finished_ns"] = [100 * MS, 300 * MS], [200 * MS, 450 * MS]
    messages["ended_ns"] = [210 * MS, 500 * MS]
    # 0.5 s less 0.1 s; busy for 0.1 + 0.15 of 2 workers
    found = load_figures(messages, 100 * MS, workers=2)
    assert found["makespan"] == pytest.approx(0.4)
    assert found["throughput"] == pytest.approx(5.0)
    assert found["utilization"] == pytest.approx(0.25 / 0.8)


def test_no_messages_have_no_rate() -> None:
    found = load_figures(np.zeros(0, COLUMNS), 5, workers=2)
    assert found == {"makespan": 0.0, "throughput": None, "acked": 0, "utilization": None}


@pytest.mark.parametrize(
    ("rate", "formula", "response_s"),
    [
        (50, "M/M/1", 0.02),
        (100, None, None),
    ],  # S / (1 - rho) = 0.01 / 0.5; at rho = 1 there is none
)
def test_a_stable_queue_has_a_formula_and_one_that_grows_a_remark(
    rate: int, formula: str | None, response_s: float | None
) -> None:
    case = case_of(
        f"[{{executor: open, rate: {rate}/s, duration: 1s, arrivals: poisson, connections: each, "
        "demand: sleep=exponential(10ms)}]"
    )
    found = predicted(case)
    assert (found.steady and found.steady.formula) == formula
    assert (found.steady and found.steady.response_time_s) == pytest.approx(response_s)
    assert bool(found.remarks) is (formula is None)


def test_a_queue_longer_than_the_backlog_is_remarked() -> None:
    """One of 5 is served; the kernel keeps one connection more than the backlog."""
    five = TWO.replace("users: 2", "users: 5")
    (remark,) = predicted(case_of(five, server="{backlog: 2}")).remarks
    assert remark.startswith("4 connections wait to be accepted, and the backlog holds 2")
    assert predicted(case_of(five, server="{backlog: 3}")).remarks == ()


def test_time_outs_of_clients_are_remarked_as_ignored() -> None:
    impatient = TWO.replace("users: 2", "users: 1, answer_timeout: 50ms")
    assert list(predicted(case_of(impatient)).remarks) == [
        "answer_timeout is ignored, except of arrivals with a connection each:"
        " the twin's other clients never give up"
    ]


@pytest.mark.parametrize(
    ("twins", "behaviour", "reason"),
    [
        ({}, "polite", "any has no twin"),
        ({"any": "coroutines"}, "polite", "any has no twin"),
        ({"any": "loop"}, "vanish", "polite clients only, not vanish"),
    ],
)
def test_a_case_without_a_twin_is_refused_with_the_reason(
    twins: dict[str, str], behaviour: str, reason: str
) -> None:
    case = case_of(f"[{{executor: closed, users: 1, messages: 1, behaviour: {behaviour}}}]")
    with pytest.raises(NoTwinError, match=reason):
        predict(case, twins, CPUS)


@pytest.mark.parametrize(
    ("group", "messages"),
    [
        ("{executor: closed, users: 1000, messages: 11}", "about 11000"),
        ("{executor: open, rate: 1000/s, duration: 11s, connections: each}", "about 11000"),
        # how many it has is not known before: it stops there
        ("{executor: closed, users: 3, duration: 1000s, demand: sleep=1ms}", "more than 500"),
    ],
)
def test_a_prediction_that_would_take_too_long_is_refused(group: str, messages: str) -> None:
    case = case_of(f"[{group}]")
    with pytest.raises(NoTwinError) as refused:
        predict(case, {"any": "process"}, CPUS, max_messages=500)
    assert str(refused.value) == (
        f"it has {messages} messages, and a prediction at most 500; "
        "use fewer users, fewer messages or a shorter duration"
    )


def test_the_largest_prediction_is_within_what_a_scenario_may_ask_for() -> None:
    assert PREDICTION_LOAD.users <= MAX_MESSAGES == PREDICTION_LOAD.arrivals


@pytest.mark.parametrize(
    ("kind", "group", "share"),
    [
        # a wait behind other messages is for overhead if they have no demand
        ("loop", "{executor: closed, users: 64, messages: 50, demand: sleep=0ms}", "100%"),
        ("loop", "{executor: closed, users: 1, messages: 5, demand: sleep=1ms}", "29%"),
        ("process", "{executor: closed, users: 3, messages: 5, demand: sleep=1ms}", "29%"),
        ("process", "{executor: closed, users: 3, messages: 5, demand: sleep=5ms}", ""),
        ("loop", "{executor: closed, users: 7, messages: 5, demand: cpu=5ms}", ""),
    ],
)
def test_a_prediction_says_if_overhead_is_more_than_a_fifth(
    kind: str, group: str, share: str
) -> None:
    remarks = predict(case_of(f"[{group}]"), {"any": kind}, CPUS, TYPICAL).remarks
    expected = f"overhead is {share} of the response time, more than a fifth: the twin does not"
    assert any(each.startswith(expected) for each in remarks) == bool(share), remarks
    assert bool(share) or not any("overhead" in each for each in remarks)


def test_the_values_have_the_names_of_a_run_and_those_of_groups() -> None:
    two = (
        "[{name: a, executor: closed, users: 1, messages: 1, demand: sleep=100ms},"
        " {name: b, executor: closed, users: 1, messages: 1, demand: sleep=50ms, start: 10ms}]"
    )
    values = predicted(case_of(two, server="{workers: 3}"), "processes").as_measured
    assert values["makespan"] == pytest.approx(0.1)
    assert values["a.response_time_max"] == pytest.approx(0.1)
    assert values["b.response_time_max"] == pytest.approx(0.05)
    assert values["first_service_wait_max"] == pytest.approx(0)
    assert values["time_in_service"] == pytest.approx(0.075)
    assert values["workers"] == 3
    assert values["unanswered"] is None
    assert predicted(case_of(two, server="{workers: 3}"), "loop").as_measured["workers"] == 1


def test_messages_of_the_warm_up_do_not_count() -> None:
    """Three messages of 100 ms, due one after the other; the first is due before 50 ms."""
    one = case_of("[{executor: closed, users: 1, messages: 3, demand: sleep=100ms}]")
    warmed = predicted(replace(one, warmup_s=0.05)).figures
    assert warmed["acked"] == 2
    assert warmed["makespan"] == pytest.approx(0.25)
    assert predicted(one).figures["acked"] == 3


def test_a_percentile_that_the_scenario_names_is_predicted() -> None:
    many = case_of("[{executor: closed, users: 1, messages: 20, demand: sleep=10ms}]")
    asked = replace(many, percentiles={"response_time": ["p95"], "exchange_time": ["p95"]})
    found = predicted(asked).figures
    assert found["response_time_p95"] == pytest.approx(0.01)
    assert found["exchange_time_p95"] == pytest.approx(0.01)


def test_what_other_draws_of_the_kernel_s_hash_come_to_is_a_remark() -> None:
    """Two users and two workers: 100 ms each, or 100 and 200 ms in the same queue."""
    (remark,) = predicted(case_of(TWO, server="{workers: 2}"), "processes_split").remarks
    assert remark == (
        "the kernel's hash decides which worker a connection waits for; the prediction draws it, "
        "and with 19 other draws the mean response is 100.0 ms to 150.0 ms"
    )


def test_a_load_of_which_five_draws_are_too_many_messages_is_drawn_once() -> None:
    case = case_of(TWO, server="{workers: 2}")
    once, again = (
        predict(case, {"any": "processes_split"}, CPUS, max_messages=most).remarks
        for most in (9, 10)
    )
    assert once == (again[0].split(", and with 5 other draws")[0],)
    assert once != again


def test_one_worker_with_its_own_listener_needs_no_draw() -> None:
    assert predicted(case_of(TWO, server="{workers: 1}"), "processes_split").remarks == ()
