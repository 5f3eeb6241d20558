"""The simulation against the closed formulas, at a confidence of 99.9%.

Ten loads, each of its own seed, give ten means; the formula's must lie within the interval of
Student's t with nine degrees of freedom (4.781 at 99.9%, two-sided). The seeds are fixed, so the
verdict is the same at every run.
"""

import numpy as np
import pytest

from orchestrator.twin.formulas import steady_state
from orchestrator.twin.parameters import Discipline, Kind
from tests.unit.orchestrator.twin.load_fixtures import CPUS, case_of, simulated

T_9 = 4.781
SEEDS = range(10)
SETTLING = 0.1  # of the messages, left out: an empty queue is not the steady state


def load(rate_per_s: int, demand: str) -> str:
    return (
        f"[{{executor: open, rate: {rate_per_s}/s, duration: 60s, arrivals: poisson, "
        f"connections: each, demand: {demand!r}}}]"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "formula", "clients", "workers"),
    [
        (Kind.PROCESS, "M/M/1", load(140, "sleep=exponential(5ms)"), 1),
        (Kind.PROCESS, "M/M/1", load(140, "cpu=exponential(5ms)"), 1),
        (Kind.PROCESS, "M/D/1", load(140, "sleep=5ms"), 1),
        (Kind.PROCESS, "M/G/1", load(140, "sleep=bimodal(2ms, 14ms, share=0.75)"), 1),
        (Kind.PROCESSES, "M/M/3", load(420, "sleep=exponential(5ms)"), 3),
        (Kind.THREADS, "M/M/5", load(700, "sleep=exponential(5ms)"), 5),
        (Kind.LOOP, "M/M/1", load(140, "cpu=exponential(5ms)"), 1),
        (Kind.LOOP, "M/G/inf", load(140, "sleep=exponential(5ms)"), 1),
        (Kind.PROCESSES_SPLIT, "4 x M/M/1", load(160, "sleep=exponential(15ms)"), 4),
        (Kind.PROCESSES_SPLIT, "2 x M/D/1", load(80, "sleep=15ms"), 2),
        (Kind.PROCESSES_EACH, "M/G/inf", load(80, "sleep=5ms"), 40),
        (Kind.LOOPS, "M/G/inf", load(40, "sleep=exponential(5ms)"), 2),
        (Kind.LOOP_AND_POOL, "M/M/3", load(140, "sleep=exponential(15ms)"), 3),
    ],
)
def test_the_simulation_comes_to_the_formula(
    kind: Kind, formula: str, clients: str, workers: int
) -> None:
    means_s = []
    for seed in SEEDS:
        case = case_of(clients, server=f"{{workers: {workers}}}", seed=seed)
        found = simulated(kind, case).messages
        response_ns = (found["ended_ns"] - found["due_ns"])[round(SETTLING * len(found)) :]
        means_s.append(response_ns.mean() / 1e9)
    steady = steady_state(case, Discipline.of(kind, case, CPUS))
    assert steady is not None
    assert steady.formula == formula
    half_s = T_9 * np.std(means_s, ddof=1) / np.sqrt(len(means_s))
    assert abs(np.mean(means_s) - steady.response_time_s) < half_s
    assert half_s < 0.15 * steady.response_time_s  # narrow enough to refuse a wrong formula
