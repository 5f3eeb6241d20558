"""When the next look is due: not before the interval, nor before its share of a core allows."""

from hypothesis import given
from hypothesis import strategies as st

from probe.rhythm import CPU_SHARE, Rhythm

NS = st.integers(min_value=0, max_value=10**12)


@given(st.integers(min_value=1, max_value=10**10), NS, NS)
def test_a_look_costs_no_more_than_its_share(every_ns: int, now_ns: int, cost_ns: int) -> None:
    rhythm = Rhythm(every_ns)
    assert rhythm.due_ns == 0
    rhythm.put_off(now_ns, cost_ns)
    pause_ns = rhythm.due_ns - now_ns
    assert pause_ns >= every_ns
    assert cost_ns <= CPU_SHARE * (pause_ns + 1)
