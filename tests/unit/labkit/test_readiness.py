import os
import select
import signal
import time
from collections.abc import Iterator

import pytest

from labkit.readiness import SignalPipe, poll


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


@pytest.fixture
def handled() -> Iterator[signal.Signals]:
    """Give a signal with a handler in Python that does nothing."""
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    yield signal.SIGUSR1
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize(
    ("longest_s", "timer_s"), [(None, 5.0), (5.0, None), (5.0, 5.0), (5.0, 0.0), (None, None)]
)
def test_what_is_ready_is_returned_at_once(
    pipe: tuple[int, int], longest_s: float | None, timer_s: float | None
) -> None:
    os.write(pipe[1], b"x")
    with select.epoll() as epoll:
        epoll.register(pipe[0], select.EPOLLIN)
        assert poll(epoll, longest_s, timer_s) == [(pipe[0], select.EPOLLIN)]


@pytest.mark.parametrize(
    ("longest_s", "timer_s"), [(None, 0.0003), (5.0, 0.0003), (0.002, None), (0.002, 5.0)]
)
def test_a_poll_ends_with_the_shorter_wait_and_never_before_a_timer(
    longest_s: float | None, timer_s: float | None
) -> None:
    shorter_s = min(wait_s for wait_s in (longest_s, timer_s) if wait_s is not None)
    with select.epoll() as epoll:
        begun_s = time.monotonic()
        assert poll(epoll, longest_s, timer_s) == []
        assert shorter_s <= time.monotonic() - begun_s < 4


def test_a_timer_that_is_due_makes_a_poll_return_at_once() -> None:
    with select.epoll() as epoll:
        assert poll(epoll, None, 0.0) == []


def test_a_signal_ends_a_poll_until_it_is_cleared(handled: signal.Signals) -> None:
    with SignalPipe() as signals, select.epoll() as epoll:
        epoll.register(signals, select.EPOLLIN)
        assert poll(epoll, 0.0, None) == []
        for _ in range(2):
            signal.raise_signal(handled)
        assert poll(epoll, None, None) == [(signals.fileno(), select.EPOLLIN)]
        signals.clear()
        assert poll(epoll, 0.0, None) == []


def test_a_signal_pipe_restores_the_wakeup_descriptor() -> None:
    with SignalPipe() as outer:
        with SignalPipe():
            pass
        signal.raise_signal(signal.SIGWINCH)  # no handler in Python: not seen
        with select.epoll() as epoll:
            epoll.register(outer, select.EPOLLIN)
            assert poll(epoll, 0.0, None) == []
    assert signal.set_wakeup_fd(-1) == -1


def test_more_signals_than_the_pipe_holds_are_no_error(handled: signal.Signals) -> None:
    with SignalPipe() as signals:
        for _ in range(3000):
            signal.raise_signal(handled)
        signals.clear()
        assert select.select((signals,), (), (), 0)[0] == []


def test_a_signal_after_the_end_of_an_event_loop_writes_no_traceback(
    handled: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    before = signal.set_wakeup_fd(-1)
    SignalPipe()  # nobody closes it, and nobody refers to it
    signal.raise_signal(handled)
    signal.set_wakeup_fd(before)
    assert capfd.readouterr().err == ""
