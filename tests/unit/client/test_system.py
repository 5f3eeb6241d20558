import select
import signal

import pytest

from client.system import SIGNALS, raise_interrupt, readable_interrupts


@pytest.mark.parametrize("signum", SIGNALS)
def test_the_first_signal_makes_the_descriptor_readable_and_the_second_raises(
    signum: signal.Signals,
) -> None:
    before = {each: signal.getsignal(each) for each in SIGNALS}
    try:
        with readable_interrupts() as stop_fd:
            assert select.select([stop_fd], [], [], 0)[0] == []
            signal.raise_signal(signum)
            assert select.select([stop_fd], [], [], 0)[0] == [stop_fd]
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signum)
        assert signal.getsignal(signum) is raise_interrupt
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
