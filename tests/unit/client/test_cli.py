from client.cli import HINTS
from labkit.wire.samples import FAILURES


def test_every_failure_has_a_hint() -> None:
    assert set(HINTS) == set(FAILURES)
