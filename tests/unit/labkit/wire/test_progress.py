import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.wire.histogram import BUCKETS
from labkit.wire.progress import Pulse, sum_of
from labkit.wire.wire import WireError, decode, encode

COUNTS = st.integers(0, 10**12)
TIMES = st.lists(COUNTS, min_size=BUCKETS, max_size=BUCKETS).map(tuple)
PULSES = st.builds(Pulse, *[COUNTS] * 6, TIMES)


def test_no_replica_has_made_no_progress() -> None:
    assert sum_of([]) == Pulse(0, 0, 0, 0, 0, 0, (0,) * BUCKETS)


@given(st.lists(PULSES, max_size=3), st.lists(PULSES, max_size=3))
def test_the_sum_does_not_depend_on_how_replicas_are_grouped(
    some: list[Pulse], others: list[Pulse]
) -> None:
    total = sum_of([*some, *others])
    assert sum_of([sum_of(some), sum_of(others)]) == total
    assert sum_of(iter([*others, *some])) == total
    assert total.failed == sum(pulse.failed for pulse in [*some, *others])
    assert sum(total.times) == sum(sum(pulse.times) for pulse in [*some, *others])


@given(PULSES)
def test_a_pulse_is_read_as_it_was_sent(pulse: Pulse) -> None:
    assert Pulse.read(decode(encode("progress", **vars(pulse)))) == pulse


@pytest.mark.parametrize("times", [None, [], [0] * (BUCKETS - 1), ["1"] * BUCKETS, 7])
def test_a_histogram_of_another_shape_is_refused(times: object) -> None:
    message = {"type": "progress", **vars(Pulse()), "times": times}
    with pytest.raises(WireError, match="invalid Pulse: times is"):
        Pulse.read(message)
