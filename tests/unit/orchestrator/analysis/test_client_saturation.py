import dataclasses
from typing import Any

import pytest

from orchestrator.analysis.client_saturation import MIN_LAGS, assess_clients
from orchestrator.analysis.statistics import Figures
from orchestrator.results.client_samples import Replica
from orchestrator.results.summary import Fitness
from tests.unit.orchestrator.analysis.evidence_fixtures import FIT, replica

MS = 1_000_000


def figures(p50_ms: float, p99_ms: float) -> dict[str, Figures]:
    return {"clients": {"response_time_p50": p50_ms / 1e3, "response_time_p99": p99_ms / 1e3}}


def with_health(**changes: Any) -> Replica:  # noqa: ANN401 any field
    return replica(4, [], health=dataclasses.replace(FIT, **changes))


def late(p99_ms: float, lags: int = MIN_LAGS) -> Replica:
    return with_health(lag_p99_ns=round(p99_ms * MS), lags=lags)


def test_a_client_that_idles_is_fit() -> None:
    found = assess_clients([with_health()], figures(10, 20))
    assert (found.fitness, found.reasons) == (Fitness.OK, [])


def test_a_full_core_is_the_bottleneck() -> None:
    found = assess_clients([with_health(), with_health(cpu_s=0.97)], figures(10, 20))
    assert found.fitness is Fitness.BOTTLENECK
    assert found.reasons == ["replica 4 used 97% of a core; its one thread can use no more"]


def test_a_burst_is_too_short_to_tell() -> None:
    assert (
        assess_clients([with_health(cpu_s=0.4, wall_s=0.4)], figures(10, 20)).fitness is Fitness.OK
    )


@pytest.mark.parametrize(
    ("lag_ms", "p50_ms", "p99_ms", "fitness"),
    [
        (0.9, 0.1, 0.2, Fitness.OK),  # less than anybody needs to know
        (2.0, 10, 100, Fitness.STRAINED),
        (2.0, 100, 200, Fitness.OK),  # nothing beside what was measured
        (30, 500, 1000, Fitness.OK),
        (30, 50, 100, Fitness.BOTTLENECK),
    ],
)
def test_lag_counts_beside_what_it_distorts(
    lag_ms: float, p50_ms: float, p99_ms: float, fitness: Fitness
) -> None:
    assert assess_clients([late(lag_ms)], figures(p50_ms, p99_ms)).fitness is fitness


def test_a_few_lags_tell_nothing() -> None:
    assert assess_clients([late(30, MIN_LAGS - 1)], figures(1, 2)).fitness is Fitness.OK


def test_the_worst_decides_and_each_has_its_reason() -> None:
    found = assess_clients([late(2), late(30), with_health()], figures(10, 100))
    assert found.fitness is Fitness.BOTTLENECK
    assert found.reasons == [
        "replica 4 had a schedule lag of 2.0 ms at the 99th percentile; the response time's median "
        "is 10.0 ms",
        "replica 4 had a schedule lag of 30.0 ms at the 99th percentile; the response time's is "
        "100.0 ms",
    ]


def test_health_without_a_clock_is_health() -> None:
    assert assess_clients([with_health(lags=5000)], figures(1, 2)).fitness is Fitness.OK
