import select
import signal
import socket
import time

import pytest

from client.system import SIGNALS, poll_precisely, raise_interrupt, readable_interrupts


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


def test_a_poll_of_less_than_a_millisecond_ends_after_that_time_without_events() -> None:
    with select.epoll() as epoll:
        begun_ns = time.monotonic_ns()
        assert poll_precisely(epoll, 0.0003) == []
        assert time.monotonic_ns() - begun_ns >= 300_000


@pytest.mark.parametrize("wait_s", [0.0, 20.0])
def test_a_poll_returns_what_is_ready(wait_s: float) -> None:
    with select.epoll() as epoll, socket.socket() as sock:
        epoll.register(sock, select.EPOLLOUT)
        ((fd, event),) = poll_precisely(epoll, wait_s)
        assert fd == sock.fileno()
        assert event & select.EPOLLOUT
