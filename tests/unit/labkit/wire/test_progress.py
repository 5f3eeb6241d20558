from hypothesis import given
from hypothesis import strategies as st

from labkit.wire.progress import Pulse, sum_of

PULSES = st.builds(Pulse, *[st.integers(0, 10**12)] * 4)


def test_no_replica_has_made_no_progress() -> None:
    assert sum_of([]) == Pulse(0, 0, 0, 0)


@given(st.lists(PULSES, max_size=5), st.lists(PULSES, max_size=5))
def test_the_sum_does_not_depend_on_how_replicas_are_grouped(
    some: list[Pulse], others: list[Pulse]
) -> None:
    total = sum_of([*some, *others])
    assert sum_of([sum_of(some), sum_of(others)]) == total
    assert sum_of(iter([*others, *some])) == total
    assert total.failed == sum(pulse.failed for pulse in [*some, *others])
