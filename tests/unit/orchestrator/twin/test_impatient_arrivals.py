"""Time-outs and retries in the twin: worked out by hand, and the law of metastable overload.

Bronson et al. 2021, "Metastable Failures in Distributed Systems"; Huang et al. 2022, "Metastable
Failures in the Wild": an overload outlives its trigger if load x (1 + retry ratio) is 1 or more.
"""

import numpy as np
import pytest

from orchestrator.analysis.statistics import Figures
from orchestrator.twin.parameters import Kind
from orchestrator.twin.predict import predict
from tests.unit.orchestrator.twin.load_fixtures import CPUS, MS, case_of, simulated

HEAD = "executor: open, connections: each, demand: sleep=100ms, answer_timeout: LIMIT"
TWO = f"[{{{HEAD}, rate: 20/s, duration: 100ms, deadline: 300ms RETRY}}]"
"""Arrivals at 0 and 50 ms, of 100 ms each."""


def two(limit: str, retry: str = "") -> str:
    return TWO.replace("LIMIT", limit).replace(" RETRY", retry)


def figures(clients: str, kind: str = "process") -> Figures:
    return predict(case_of(clients), {"any": kind}, CPUS).figures


def test_what_is_acked_in_time_is_not_sent_again() -> None:
    """One of 100 ms after the other: acked 100 and 150 ms after they were due."""
    clients = two("151ms", ", retry: {attempts: 3}")
    found = figures(clients)
    assert (found["sent"], found["acked"], found["retries"], found["failed"]) == (2, 2, 0, 0)
    assert found["response_time_max"] == pytest.approx(0.15)
    assert found["goodput"] == found["throughput"] == pytest.approx(10)


def test_what_times_out_without_retries_has_failed_and_is_served_nevertheless() -> None:
    """Limit 120 ms: the second is given up at 170 ms, while it is served from 100 to 200 ms."""
    clients = two("120ms")
    found = figures(clients)
    assert (found["sent"], found["acked"], found["retries"], found["failed"]) == (2, 1, 0, 1)
    assert found["timed_out"] == 1
    assert found["unanswered"] == 0.5
    assert found["makespan"] == pytest.approx(0.17)
    assert found["utilization"] == pytest.approx(1)


def test_a_retry_waits_behind_its_own_first_attempt() -> None:
    """Given up at 170 ms, sent again at 190 ms, served from 200 to 300 ms: 250 ms after due."""
    clients = two("120ms", ", retry: {backoff: 20ms}")
    case = case_of(clients)
    rows = simulated(Kind.PROCESS, case)
    assert (rows.messages["started_ns"] / MS).tolist() == [0, 100, 200]
    assert (rows.messages["sent_ns"] / MS).tolist() == [0, 50, 190]
    assert (rows.messages["due_ns"] / MS).tolist() == [0, 50, 50]
    found = figures(clients)
    assert (found["sent"], found["acked"], found["retries"], found["failed"]) == (2, 2, 1, 0)
    assert found["response_time_max"] == pytest.approx(0.25)
    assert found["goodput"] == pytest.approx(2 / 0.3)
    assert figures(clients.replace("300ms", "240ms"))["goodput"] == pytest.approx(1 / 0.3)


@pytest.mark.parametrize("kind", ["process", "processes_split", "threads", "loop", "loop_and_pool"])
@pytest.mark.parametrize("budget", [0, 20, 100])
def test_every_kind_of_server_keeps_the_budget_and_the_books(kind: str, budget: int) -> None:
    clients = (
        "[{executor: open, connections: each, arrivals: poisson, rate: 150/s, duration: 2s, "
        f"demand: cpu=20ms, answer_timeout: 60ms, retry: {{budget: {budget}%, attempts: 4}}}}]"
    )
    found = figures(clients, kind)
    sent, retries = found["sent"] or 0, found["retries"] or 0
    assert sent == (found["acked"] or 0) + (found["failed"] or 0)
    assert found["timed_out"] == retries + (found["failed"] or 0)
    assert retries <= budget / 100 * sent
    assert bool(retries) == bool(budget)
    assert found["failed"]


TRIGGER_S, LATE_S, END_S = 5, 70, 90
METASTABLE = """[
  {{name: steady, executor: open, connections: each, arrivals: poisson, rate: 160/s,
    duration: {end}s, demand: sleep=5ms, answer_timeout: 250ms,
    retry: {{attempts: 2, {budget}}}}},
  {{name: trigger, executor: open, connections: each, rate: 200/s, start: {at}s, duration: 1s,
    demand: sleep=5ms, answer_timeout: 250ms}}]"""
"""One worker that serves 200/s: a load of 0.8, and of 1.8 for one second."""


def late_goodput(budget: str, seed: int = 1) -> float:
    """Return the share of the messages due after `LATE_S` that were acked within the deadline."""
    clients = METASTABLE.format(budget=budget, at=TRIGGER_S, end=END_S)
    found = simulated(Kind.PROCESS, case_of(clients, seed=seed))
    rows = found.messages
    conns = found.connections[rows["connection"]]
    last = (conns["group"] == 0) & (conns["is_retried"] == 0) & (rows["due_ns"] >= LATE_S * 1e9)
    return float(np.mean(conns["given_up_ns"][last] < 0))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("budget", "ends"),
    [
        ("budget: 0%", True),  # 0.8 x 1.00 = 0.80
        ("budget: 20%", True),  # 0.8 x 1.20 = 0.96
        ("budget: 35%", False),  # 0.8 x 1.35 = 1.08
        ("backoff: 10ms", False),  # 0.8 x 2.00 = 1.60
    ],
)
def test_an_overload_outlives_its_trigger_if_and_only_if_retries_keep_it_up(
    budget: str, ends: bool, seed: int
) -> None:
    share = late_goodput(budget, seed)
    assert share > 0.95 if ends else share < 0.3
