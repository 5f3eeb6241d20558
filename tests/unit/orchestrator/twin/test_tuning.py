"""The think time that the twin finds, against formulas and in cases that have none."""

import math

import pytest

from labkit.protocol.parsing import parse_duration_s
from orchestrator.scenario.plan import plan_cases
from orchestrator.scenario.scenario import Scenario
from orchestrator.twin import tuning
from orchestrator.twin.parameters import TYPICAL, Kind
from orchestrator.twin.predict import predict
from orchestrator.twin.tuning import NoThinkTimeError, TuningError, think_time_s, tuned
from tests.unit.conftest import Load

TWINS = {
    "single": Kind.PROCESS,
    "prefork": Kind.PROCESSES,
    "epoll": Kind.LOOP,
    "threaded": Kind.LOOP_AND_POOL,
}
SHARE = "tuned(utilization=70%)"
SERVICE_S = 0.02


@pytest.fixture(autouse=True)
def _short_simulations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "MESSAGES", 5_000)


def scenario_of(load: Load, group: str, models: str = "prefork", more: str = "") -> Scenario:
    return load(f"""\
intent: How long must they think?
models: [{models}]
server: {{workers: 2}}
clients: [{{executor: closed, {group}}}{more}]
timeout: 60m
""")


def mean_s(scenario: Scenario) -> float:
    found = tuned(scenario, TWINS, 8.0)
    (case,) = plan_cases(found)
    return case.inputs()["think_time"]


def test_one_user_thinks_for_what_service_leaves(load: Load) -> None:
    """Its cycle is think time, service and overhead; the last message has no think time."""
    group = f"users: 1, messages: 500, demand: sleep=20ms, think_time: '{SHARE}'"
    found_s = mean_s(scenario_of(load, group, "single"))
    assert found_s == pytest.approx(SERVICE_S / 0.7 - SERVICE_S, rel=0.05)


def repairmen_utilization(users: int, workers: int, think_s: float) -> float:
    """Return the utilization of M/M/c//N (Kleinrock 1975, 3.8): exponential both."""
    weights = [1.0]
    for n in range(1, users + 1):
        arriving = (users - n + 1) / think_s
        weights.append(weights[-1] * arriving * SERVICE_S / min(n, workers))
    busy = sum(min(n, workers) * weight for n, weight in enumerate(weights))
    return busy / sum(weights) / workers


@pytest.mark.slow
@pytest.mark.parametrize("users", [4, 20])
def test_it_is_that_of_the_machine_repairmen(load: Load, users: int) -> None:
    """In a pool behind a loop a message needs a worker, and a user who thinks needs none.

    Overhead is 0.4 ms of a service of 20 ms.
    """
    group = (
        f"users: {users}, duration: 120s, demand: sleep=exponential(20ms), "
        f"think_time: 'exponential({SHARE})'"
    )
    found_s = mean_s(scenario_of(load, group, "threaded"))
    assert repairmen_utilization(users, 2, found_s) == pytest.approx(0.7, abs=0.02)


ONE_AFTER_ANOTHER = """\
intent: Do users wait as long as arrivals if the server is as busy?
models: [epoll]
server: {blocking_sleep: true}
clients:
  - {name: few, executor: closed, users: 5, duration: 100s, demand: sleep=exponential(10ms),
     think_time: exponential(tuned(utilization=80%))}
  - {name: many, executor: closed, users: 100, start: 102s, duration: 100s,
     demand: sleep=exponential(10ms), think_time: exponential(tuned(utilization=80%))}
  - {name: arrivals, executor: open, rate: 80/s, arrivals: poisson, start: 204s, duration: 100s,
     connections: 400, demand: sleep=exponential(10ms)}
timeout: 60m
"""


@pytest.mark.slow
def test_groups_that_run_one_after_another_are_tuned_each_for_its_own_time(load: Load) -> None:
    """By M/M/1//N 40.1 ms and 1206 ms; overhead is 3% of a service, and queues settle slowly."""
    found = tuned(load(ONE_AFTER_ANOTHER), TWINS, 8.0).tuned["epoll"]
    think_s = {name: parse_duration_s(mean) for name, mean in found.items()}
    assert think_s["few"] == pytest.approx(0.0401, rel=0.1)
    assert think_s["many"] == pytest.approx(1.206, rel=0.1)


def test_a_worker_that_keeps_its_connection_is_idle_while_its_user_thinks(load: Load) -> None:
    """So the number of users does not matter, but for their last messages."""
    group = "users: 12, messages: 200, demand: sleep=20ms, think_time: '{SHARE}'"
    found_s = mean_s(scenario_of(load, group.replace("{SHARE}", SHARE)))
    assert found_s == pytest.approx(SERVICE_S / 0.7 - SERVICE_S, rel=0.1)


@pytest.mark.slow
def test_the_twin_predicts_the_utilization_that_was_asked_for(load: Load) -> None:
    group = f"users: 8, messages: 400, demand: cpu=5ms, think_time: '{SHARE}'"
    scenario = tuned(scenario_of(load, group, "single, prefork, epoll"), TWINS, 8.0)
    for case in plan_cases(scenario):
        figures = predict(case, TWINS, 8.0, TYPICAL).figures
        assert figures["utilization"] == pytest.approx(0.7, abs=0.01)
    assert set(scenario.tuned) == {"single", "prefork", "epoll"}
    assert tuned(scenario, {}, 8.0) == scenario  # what was found is not searched again


@pytest.mark.slow
@pytest.mark.parametrize(
    ("group", "models", "more", "reason"),
    [
        (f"users: 1, messages: 50, demand: sleep=20ms, think_time: '{SHARE}'", "prefork", "",
         "without any thinking they are busy 4"),
        (f"users: 1, messages: 50, demand: sleep=0ms, think_time: '{SHARE}'", "prefork", "",
         "without any thinking they are busy 0"),
        (f"name: a, users: 4, duration: 20s, demand: sleep=20ms, think_time: '{SHARE}'",
         "threaded", ", {name: b, executor: closed, users: 4, duration: 20s, demand: sleep=20ms}",
         "other groups keep them busy"),
        (f"users: 9, messages: 5, demand: sleep=2ms, think_time: '{SHARE}', behaviour: "
         "no-goodbye", "prefork", "", "polite clients only"),
    ],
)  # fmt: skip
def test_where_there_is_none_the_reason_is_said(
    load: Load, group: str, models: str, more: str, reason: str
) -> None:
    with pytest.raises(TuningError, match=f"^{models}: no think_time .* 70% .*{reason}"):
        tuned(scenario_of(load, group, models, more), TWINS, 8.0)


def test_a_model_without_a_twin_is_refused(load: Load) -> None:
    group = f"users: 9, messages: 5, demand: sleep=20ms, think_time: '{SHARE}'"
    with pytest.raises(TuningError, match=r"^prefork: no think_time .*: prefork has no twin: "):
        tuned(scenario_of(load, group), {}, 8.0)


def test_the_search_needs_few_simulations() -> None:
    tried: list[float] = []

    def utilization(think_s: float) -> float:
        tried.append(think_s)
        return min(1.0, 12 * SERVICE_S / (4 * (SERVICE_S + think_s)))

    assert think_time_s(utilization, 0.6, 0.5) == pytest.approx(0.08, rel=0.01)
    assert len(tried) <= 8
    assert think_time_s(lambda _: 0.6, 0.6, 0.5) == 0.0


def test_a_utilization_that_is_skipped_is_given_up() -> None:
    with pytest.raises(NoThinkTimeError, match=r"from 90\.0% it falls to 40\.0% at 1"):
        think_time_s(lambda s: 0.9 if s < 0.1 else 0.4, 0.7, 1.0)
    with pytest.raises(NoThinkTimeError, match="other groups"):
        think_time_s(lambda s: 0.8 + math.exp(-s) / 10, 0.7, 1.0)
