import os
import select
import time
from collections.abc import Iterator

import pytest

from labkit.server.alarm import Alarm
from tests.unit.labkit.server.program_fixtures import no_descriptor_is_left


@pytest.fixture
def alarm() -> Iterator[Alarm]:
    made = Alarm()
    yield made
    made.close()


def _is_readable(alarm: Alarm, wait_s: float) -> bool:
    return bool(select.select((alarm,), (), (), wait_s)[0])


@pytest.mark.parametrize("wait_s", [0.0, 1e-9, 0.0003, 0.02])
def test_it_is_readable_at_its_instant_and_not_before(alarm: Alarm, wait_s: float) -> None:
    begun_ns = time.monotonic_ns()
    alarm.set(wait_s)
    assert _is_readable(alarm, 5)
    assert time.monotonic_ns() - begun_ns >= round(wait_s * 1e9)


def test_it_stays_readable_until_it_is_set_again(alarm: Alarm) -> None:
    alarm.set(0.0)
    for _ in range(2):
        assert _is_readable(alarm, 5)
    alarm.set(60.5)
    assert not _is_readable(alarm, 0)


def test_it_can_be_set_to_never(alarm: Alarm) -> None:
    alarm.set(None)
    alarm.set(0.0)
    assert _is_readable(alarm, 5)
    alarm.set(None)
    assert not _is_readable(alarm, 0.001)


def test_a_child_does_not_inherit_it(alarm: Alarm) -> None:
    assert not os.get_inheritable(alarm.fileno())
    assert not os.get_blocking(alarm.fileno())


def test_without_a_descriptor_it_is_an_error() -> None:
    with no_descriptor_is_left(), pytest.raises(OSError, match="Too many open files"):
        Alarm()
