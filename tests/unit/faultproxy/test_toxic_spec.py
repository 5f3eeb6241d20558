"""Toxics in JSON: what is valid, and that every problem is reported."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faultproxy.toxic_spec import ToxicSpecError, read_toxic_specs

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
KINDS = st.sampled_from(["latency", "bandwidth", "slicer", "limit_data", "delay"])
ENTRIES = st.fixed_dictionaries(
    {"type": KINDS},
    optional={
        "name": JSON,
        "stream": JSON,
        "toxicity": JSON,
        "attributes": JSON
        | st.dictionaries(st.sampled_from(["latency", "rate", "bytes", "delay"]), JSON),
    },
)


def test_defaults_are_those_of_toxiproxy() -> None:
    (toxic,) = read_toxic_specs([{"type": "latency", "attributes": {"latency": "50ms"}}])
    assert (toxic.name, toxic.stream, toxic.toxicity) == ("latency_downstream", "downstream", 1)
    assert toxic.values == {"latency": 50_000_000, "jitter": 0}


@given(JSON | st.lists(ENTRIES | JSON, max_size=3))
def test_anything_is_read_or_refused_with_reasons(value: object) -> None:
    try:
        toxics = read_toxic_specs(value)
    except ToxicSpecError as exc:
        reasons = str(exc).splitlines()
    else:
        reasons = [toxic.name for toxic in toxics]
    assert all(reasons)


def test_all_problems_are_reported_at_once() -> None:
    value = [
        {"type": "latency", "stream": "sideways", "attributes": {"latency": 50, "jiter": "1ms"}},
        {"type": "latenzy"},
        {"type": "bandwidth", "toxicity": 2, "when": "now"},
        "reset_peer",
    ]
    with pytest.raises(ToxicSpecError) as caught:
        read_toxic_specs(value)
    assert str(caught.value).splitlines() == [
        "toxic 1 (latency): stream: 'sideways' is none of: upstream, downstream",
        "toxic 1 (latency): attributes: jiter: no such attribute; there is: latency, jitter",
        "toxic 1 (latency): attributes: latency: 50 is not a duration; "
        "write a number and a unit: us, ms, s, m",
        "toxic 2: type: 'latenzy' is none of: latency, bandwidth, slicer, reset_peer, timeout, "
        "slow_close, limit_data",
        "toxic 3 (bandwidth): when: no such key",
        "toxic 3 (bandwidth): toxicity: 2 is not a share from 0 to 1",
        "toxic 3 (bandwidth): attributes: rate is missing",
        "toxic 4: 'reset_peer' is not a map with a type",
    ]


def test_names_are_unique() -> None:
    twice = {"type": "limit_data", "attributes": {"bytes": 1}}
    with pytest.raises(ToxicSpecError, match="two toxics have the name 'limit_data_downstream'"):
        read_toxic_specs([twice, twice])


@pytest.mark.parametrize(
    ("kind", "attribute", "value"),
    [
        ("latency", "latency", "-1ms"),
        ("latency", "latency", "2000m"),
        ("bandwidth", "rate", 0),
        ("bandwidth", "rate", float("nan")),
        ("bandwidth", "rate", True),
        ("slicer", "average_size", 0),
        ("slicer", "average_size", 1.5),
        ("limit_data", "bytes", -1),
        ("limit_data", "bytes", 1 << 41),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(kind: str, attribute: str, value: object) -> None:
    with pytest.raises(ToxicSpecError, match=f"{attribute}: "):
        read_toxic_specs([{"type": kind, "attributes": {attribute: value}}])
