"""Ctrl-C and SIGTERM as something that an event loop can wait for."""
# MERGED: Sleeps that end when they should: without the 50 µs that the kernel may add to each.

import ctypes
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def raise_interrupt(_signum: int, _frame: FrameType | None) -> None:
    """Handle a signal where breaking off at any line does no harm."""
    raise KeyboardInterrupt


@contextmanager
def readable_interrupts() -> Iterator[int]:
    """Give a descriptor that becomes readable at the first signal; the second one raises.

    An exception between two lines of bookkeeping would leave books that do not balance.
    """
    incoming, outgoing = socket.socketpair()
    with incoming, outgoing:
        outgoing.setblocking(False)
        before = signal.set_wakeup_fd(outgoing.fileno(), warn_on_full_buffer=False)
        for signum in SIGNALS:
            signal.signal(signum, _give_notice)
        try:
            yield incoming.fileno()
        finally:
            _raise_from_now_on()
            signal.set_wakeup_fd(before)


def _give_notice(_signum: int, _frame: FrameType | None) -> None:
    _raise_from_now_on()


def _raise_from_now_on() -> None:
    for signum in SIGNALS:
        signal.signal(signum, raise_interrupt)


PR_SET_TIMERSLACK = 29  # <linux/prctl.h>
SLACK_NS = 1


def sharpen_sleeps() -> None:
    """Have this thread's sleeps end on time (prctl(2)); where that is refused, they end later."""
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, SLACK_NS, 0, 0, 0)
