import math
import re

import pytest

from orchestrator.measures.percentiles import share_of
from orchestrator.measures.registry import (
    ALIASES,
    MEASURES,
    Measure,
    find_measure,
    full_name,
    percentile_problem,
    percentiles_in,
)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("makespan", "makespan_s"),
        ("throughput", "throughput_per_s"),
        ("peak_memory", "peak_memory_bytes"),
        ("failed", "failed"),
    ],
)
def test_a_key_carries_the_unit(name: str, key: str) -> None:
    assert MEASURES[name].key == key


def test_keys_are_unique() -> None:
    assert len({measure.key for measure in MEASURES.values()}) == len(MEASURES)


def test_an_alias_stands_for_a_measure_and_hides_none() -> None:
    assert set(ALIASES.values()) <= set(MEASURES)
    assert not set(ALIASES) & set(MEASURES)
    assert find_measure("p99") is MEASURES["response_time_p99"]
    assert find_measure("p100") is None


@pytest.mark.parametrize("measure", MEASURES.values(), ids=lambda measure: measure.name)
def test_each_measure_is_a_name_with_a_meaning(measure: Measure) -> None:
    assert measure.meaning
    assert re.fullmatch(r"[a-z][a-z0-9_]*", measure.name)


@pytest.mark.parametrize("family", ["response_time", "exchange_time", "accept_wait"])
def test_any_percentile_of_a_measure_that_has_some_can_be_looked_up(family: str) -> None:
    found = find_measure(f"slow.{family}_p95")
    assert found is not None
    assert (found.name, found.key) == (f"{family}_p95", f"{family}_p95_s")
    assert found.meaning.startswith("percentile 95 of the ")
    assert MEASURES[f"{family}_p95"] == found
    assert f"{family}_p95" not in list(MEASURES)


def test_a_short_percentile_is_of_response_times() -> None:
    assert full_name("p95") == "response_time_p95"
    assert full_name("slow.p99_5") == "slow.response_time_p99_5"
    assert full_name("exchange_time_p95") == "exchange_time_p95"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("p100", "p100 is not a percentile; a percentile is above 0 and below 100"),
        ("response_time_p0", "response_time_p0 is not a percentile"),
        ("service_time_p95", "service_time has no percentiles, since the scenario sets it; these"),
        ("waiting_time_p99", "waiting_time has no percentiles; these have: response_time, "),
        ("respons_time_p99", ""),
        ("service_time_p", ""),
        ("schedule_lag_p95", "reports schedule_lag_p50, _p99 and _max only"),
        ("makespan_p95", ""),
        ("makespan", ""),
    ],
)
def test_a_percentile_that_does_not_exist_has_a_reason(name: str, reason: str) -> None:
    assert find_measure(name) is None or name == "makespan"
    problem = percentile_problem(name)
    assert reason in problem if reason else problem == ""


def test_only_what_is_not_always_measured_is_computed_on_demand() -> None:
    names = ["p95", "slow.response_time_p95", "response_time_p99", "accept_wait_p99_5", "makespan"]
    found = percentiles_in(map(full_name, names))
    assert found == {"response_time": ["p95"], "accept_wait": ["p99_5"]}


def test_the_registered_percentiles_have_the_share_in_their_name() -> None:
    shares = {name: share_of(name.rpartition("_")[2]) for name in MEASURES if "_p" in name}
    assert math.isclose(shares["response_time_p999"] or 0, 0.999)
    assert shares["queue_wait_p50"] == 0.5
