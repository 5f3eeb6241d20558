import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.protocol.work import Demand, DemandError, burn, parse_demand, perform


@given(st.text(min_size=1))
def test_an_error_is_short_whatever_was_sent(text: str) -> None:
    with pytest.raises(DemandError) as raised:
        parse_demand("sleep=x" + text * 50)
    assert len(str(raised.value)) < 1200


def test_what_begins_as_no_demand_is_text() -> None:
    for word in ("", "1", "=1s", "sleep", "SLEEP=1s", "io=1s", "sleep:1s"):
        assert parse_demand(word) is None


def test_a_sleep_takes_its_time_and_a_demand_of_nothing_none() -> None:
    before_ns = time.monotonic_ns()
    perform(Demand("sleep", 0.005))
    assert time.monotonic_ns() - before_ns >= 5e6
    perform(Demand("sleep", 0.0))
    perform(Demand("cpu", 0.0))


def test_burning_counts_the_cpu_time_of_the_thread() -> None:
    before_ns = time.thread_time_ns()
    burn(0.005)
    assert time.thread_time_ns() - before_ns >= 5e6
