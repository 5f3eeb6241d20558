import select
import signal
from collections.abc import Iterator

import pytest

from client.system import SIGNALS, raise_interrupt, readable_interrupts


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Restore the handlers of the signals after each test."""
    before = {each: signal.getsignal(each) for each in SIGNALS}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.mark.parametrize("signum", SIGNALS)
def test_the_first_signal_makes_the_descriptor_readable_and_the_second_raises(
    signum: signal.Signals,
) -> None:
    with readable_interrupts() as stop_fd:
        assert select.select([stop_fd], [], [], 0)[0] == []
        signal.raise_signal(signum)
        assert select.select([stop_fd], [], [], 0)[0] == [stop_fd]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signum)
    assert signal.getsignal(signum) is raise_interrupt


@pytest.mark.parametrize("signum", SIGNALS)
def test_after_the_event_loop_the_first_signal_raises(signum: signal.Signals) -> None:
    with readable_interrupts():
        pass
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signum)
