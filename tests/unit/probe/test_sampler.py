"""The next sample is due after the interval, or later if its CPU share demands it."""

from hypothesis import given
from hypothesis import strategies as st

from probe.sampler import CPU_SHARE, Schedule

NS = st.integers(min_value=0, max_value=10**12)


@given(st.integers(min_value=1, max_value=10**10), NS, NS)
def test_a_sample_costs_no_more_than_its_share(every_ns: int, now_ns: int, cost_ns: int) -> None:
    schedule = Schedule(every_ns)
    assert schedule.due_ns == 0
    schedule.postpone(now_ns, cost_ns)
    pause_ns = schedule.due_ns - now_ns
    assert pause_ns >= every_ns
    assert cost_ns <= CPU_SHARE * (pause_ns + 1)
