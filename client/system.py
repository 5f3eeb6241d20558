"""What the client needs of the operating system: signals as input, and sleeps that end on time."""

import ctypes
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from labkit.readiness import SignalPipe

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PR_SET_TIMERSLACK = 29  # <linux/prctl.h>
SLACK_NS = 1


def raise_interrupt(_signum: int, _frame: FrameType | None) -> None:
    """Handle a signal while an exception at any line does no harm."""
    raise KeyboardInterrupt


@contextmanager
def readable_interrupts() -> Iterator[int]:
    """Yield a descriptor that becomes readable at the first SIGINT or SIGTERM; the second raises.

    An event loop can then end between two events. An exception between two lines of bookkeeping
    would leave counts that do not add up.
    """
    with SignalPipe() as pipe:
        for signum in SIGNALS:
            signal.signal(signum, _raise_at_the_next)
        try:
            yield pipe.fileno()
        finally:
            _raise_from_now_on()


def _raise_at_the_next(_signum: int, _frame: FrameType | None) -> None:
    _raise_from_now_on()


def _raise_from_now_on() -> None:
    for signum in SIGNALS:
        signal.signal(signum, raise_interrupt)


def minimize_timer_slack() -> None:
    """End this thread's sleeps on time, without the 50 µs that the kernel may add (prctl(2)).

    If the kernel refuses, the sleeps stay less precise.
    """
    ctypes.CDLL(None).prctl(PR_SET_TIMERSLACK, SLACK_NS, 0, 0, 0)
