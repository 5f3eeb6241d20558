import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.protocol import work
from labkit.protocol.work import (
    CPU,
    MAX_PARTS,
    SLEEP,
    Demand,
    DemandError,
    burn,
    demand_of,
    parse_demand,
    perform,
)

parts_of_whole_us = st.lists(
    st.tuples(st.sampled_from([SLEEP, CPU]), st.integers(0, 60_000_000)),
    min_size=2,
    max_size=MAX_PARTS,
)


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


def test_a_demand_has_parts_in_order() -> None:
    demand = parse_demand("sleep=10ms+cpu=2ms+sleep=1s")
    assert demand is not None
    assert demand.steps == (Demand(SLEEP, 0.01), Demand(CPU, 0.002), Demand(SLEEP, 1.0))
    assert (demand.kind, demand.duration_s) == ("sleep+cpu+sleep", 1.012)
    assert str(demand) == "sleep=10ms+cpu=2ms+sleep=1000ms"


def test_a_demand_that_is_not_divided_is_its_own_step() -> None:
    assert parse_demand("cpu=2ms") == Demand(CPU, 0.002)
    assert Demand(CPU, 0.002).steps == (Demand(CPU, 0.002),)
    assert demand_of((Demand(CPU, 0.002),)) == Demand(CPU, 0.002)


@given(parts_of_whole_us)
def test_any_parts_are_read_in_order_and_their_sum_has_no_rounding_error(
    parts: list[tuple[str, int]],
) -> None:
    """100 ms and 200 ms are 0.30000000000000004 s in floating point, over a limit of 300 ms."""
    demand = parse_demand("+".join(f"{kind}={us}us" for kind, us in parts))
    assert demand is not None
    assert [(each.kind, round(each.duration_s * 1e6)) for each in demand.steps] == parts
    assert demand.duration_s == sum(us for _, us in parts) / 1e6


@given(st.text(st.sampled_from("sleepcpu=+0123.ms ")))
def test_any_word_is_a_demand_or_text_or_refused(text: str) -> None:
    for word in (text, f"sleep={text}", f"cpu=1ms+{text}"):
        try:
            demand = parse_demand(word)
        except DemandError:
            continue
        assert demand is None or parse_demand(word) == demand
        assert demand is None or len(demand.steps) == word.count("+") + 1


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("sleep=1ms+", "'' is not a part; write sleep= or cpu= and a duration"),
        ("sleep=1ms++cpu=1ms", "'' is not a part"),
        ("sleep=1ms+io=1ms", "'io=1ms' is not a part"),
        ("sleep=1ms+2ms", "'2ms' is not a part"),
        ("sleep=+cpu=1ms", "'' is not a duration"),
        ("sleep=1ms+cpu=2", "'2' is not a duration"),
        ("sleep=1ms+cpu=-2ms", "'-2ms' is not a duration"),
        ("+".join(["cpu=1ms"] * 9), "more than 8 parts; split it over several messages"),
        ("cpu=1ms" + "+" * 4000, "more than 8 parts"),
    ],
)
def test_parts_that_are_none_are_refused_with_the_reason(word: str, reason: str) -> None:
    with pytest.raises(DemandError) as raised:
        parse_demand(word)
    assert str(raised.value).startswith(f"demand {word[:40]!r}: ")
    assert reason in str(raised.value)


def test_the_most_parts_are_served() -> None:
    demand = parse_demand("+".join(["cpu=1ms"] * MAX_PARTS))
    assert demand is not None
    assert len(demand.steps) == MAX_PARTS


def test_parts_are_performed_in_order_and_empty_ones_take_no_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[tuple[str, float]] = []
    monkeypatch.setattr(time, "sleep", lambda duration_s: done.append((SLEEP, duration_s)))
    monkeypatch.setattr(work, "burn", lambda duration_s: done.append((CPU, duration_s)))
    demand = parse_demand("sleep=0.2s+cpu=1s+sleep=0ms+cpu=0ms+sleep=0.3s+sleep=0.4s")
    assert demand is not None
    perform(demand)
    assert done == [(SLEEP, 0.2), (CPU, 1.0), (SLEEP, 0.3), (SLEEP, 0.4)]


def test_a_long_sleep_is_divided_so_that_no_signal_waits_for_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now_s, slept_s = [100.0], list[float]()

    def sleep(duration_s: float) -> None:
        slept_s.append(duration_s)
        now_s[0] += duration_s + 0.125  # each sleep is late

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    work.sleep(3.0)
    assert slept_s == [1.0, 1.0, 0.75]
