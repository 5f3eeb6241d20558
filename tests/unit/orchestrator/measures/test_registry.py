import re

import pytest

from orchestrator.measures.registry import ALIASES, MEASURES, Measure, find_measure


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
    assert find_measure("p98") is None


@pytest.mark.parametrize("measure", MEASURES.values(), ids=lambda measure: measure.name)
def test_each_measure_is_a_name_with_a_meaning(measure: Measure) -> None:
    assert measure.meaning
    assert re.fullmatch(r"[a-z][a-z0-9_]*", measure.name)
