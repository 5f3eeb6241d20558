"""The key ``retry`` of a group: errors, and what its replicas are told."""

import pytest

from orchestrator.scenario.plan import plan_cases
from tests.unit.conftest import Load
from tests.unit.orchestrator.scenario.text_fixtures import Problems

ARRIVALS = """\
intent: x
models: [single]
clients:
  - {{executor: open, rate: 5/s, duration: 1s, connections: each, answer_timeout: 1s,
     retry: {}}}
"""
BACKOFF = "write 100ms, doubling(100ms) or doubling(100ms, most=2s)"


@pytest.mark.parametrize(
    ("retry", "problem"),
    [
        ("3", "5:13: retry: 3 is a number; write a map, e.g. {a: 1, b: 2}"),
        ("{attempt: 3}",
         "5:14: unknown key 'attempt'; did you mean 'attempts'? "
         "allowed: attempts, budget, backoff"),
        ("{attempts: 0}",
         "5:24: attempts: 0 is out of range; allowed: a whole number from 1 to 100"),
        ("{budget: 0.2}", "5:22: budget: 0.2 has no unit; write 0.2%, a number of percent"),
        ("{budget: 20}", "5:22: budget: 20 has no unit; write 20%, a number of percent"),
        ("{budget: many}", "5:22: budget: 'many'; write a share, e.g. 20%"),
        ("{budget: 10001%}", "5:22: budget: '10001%' is out of range; allowed: 0% to 10000%"),
        ("{backoff: 5}", f"5:23: backoff: 5 has no unit; {BACKOFF}"),
        ("{backoff: exponential(5ms)}", "5:23: backoff: 'exponential(5ms)' is not a pause before "
         f"a retry; {BACKOFF}"),
        ("{backoff: 61m}", "5:23: backoff: '61m' is out of range; allowed: at most 60m"),
    ],
)  # fmt: skip
def test_a_bad_retry_says_what_is_allowed(problems: Problems, retry: str, problem: str) -> None:
    assert problems(ARRIVALS.format(retry)) == [problem]


@pytest.mark.parametrize(
    ("retry", "terms"),
    [
        ("{}", (3, None, "0ms")),
        ("{attempts: 5, budget: 20%, backoff: 'doubling(50ms, most=2s)'}",
         (5, 0.2, "doubling(50ms, most=2s)")),
        ("{budget: 0%}", (3, 0.0, "0ms")),
    ],
)  # fmt: skip
def test_the_replicas_are_told_how_often_to_send(
    load: Load, retry: str, terms: tuple[int, float | None, str]
) -> None:
    scenario = load(ARRIVALS.format(retry))
    (order,) = plan_cases(scenario)[0].orders
    assert (order.attempts, order.retry_budget, order.backoff) == terms
    assert scenario.resolved()["clients"][0]["retry"]["attempts"] == terms[0]


def test_a_group_without_retries_sends_each_message_once(load: Load) -> None:
    (order,) = plan_cases(load(ARRIVALS.replace(",\n     retry: {}", "").format()))[0].orders
    assert order.attempts == 1


@pytest.mark.parametrize(("backoff", "is_random"), [("50ms", False), ("doubling(50ms)", True)])
def test_draws_vary_if_the_pauses_are_drawn(load: Load, backoff: str, is_random: bool) -> None:
    assert load(ARRIVALS.format(f"{{backoff: {backoff}}}")).draws_vary is is_random


def test_only_arrivals_that_time_out_are_sent_again(problems: Problems) -> None:
    impatient = ARRIVALS.format("{}")
    assert problems(impatient.replace(" answer_timeout: 1s,", "")) == [
        "5:13: retry: a message is sent again when it times out; write an answer_timeout"
    ]
    users = "executor: ramp, stages: [{duration: 1s, users: 1}]"
    ramp = impatient.replace("executor: open, rate: 5/s, duration: 1s, connections: each", users)
    assert problems(ramp) == ["5:13: retry: only arrivals are sent again; write stages with a rate"]
