"""Ctrl-C and SIGTERM, once, and never in the middle of what must not be left half done.

The first signal raises KeyboardInterrupt in the main thread, at once or where the section that is
`held` ends; later ones are ignored, for the clean-up that follows takes seconds at most.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Interrupts:
    """What has been received, and how many sections hold it back."""

    def __init__(self) -> None:
        self.received: int | None = None
        self.raised = False
        self.holding = 0

    def on_signal(self, signum: int, _frame: FrameType | None) -> None:
        if self.received is None:
            self.received = signum
        self.deliver()

    def deliver(self) -> None:
        if self.received is not None and not self.holding and not self.raised:
            self.raised = True
            raise KeyboardInterrupt


_interrupts = _Interrupts()


def install() -> None:
    """Take the signals over, in the main thread."""
    for signum in SIGNALS:
        if signal.getsignal(signum) is not signal.SIG_IGN:  # as under nohup
            signal.signal(signum, _interrupts.on_signal)


@contextmanager
def held() -> Iterator[None]:
    """Hold an interrupt back until the section ends; it is raised there, nothing else was lost."""
    _interrupts.holding += 1
    try:
        yield
    finally:
        _interrupts.holding -= 1
        _interrupts.deliver()


@contextmanager
def released() -> Iterator[None]:
    """Let an interrupt into a part of a section that is `held`, where somebody catches it."""
    holding, _interrupts.holding = _interrupts.holding, 0
    try:
        _interrupts.deliver()
        yield
    finally:
        _interrupts.holding = holding


def is_interrupted() -> bool:
    """Tell whether a signal came, whether or not it is held back."""
    return _interrupts.received is not None


def signal_name() -> str:
    """Return the name of the signal that came, empty if none did."""
    return signal.Signals(_interrupts.received).name if _interrupts.received else ""
