"""Signals that end the program: raised once, never inside a section that must be completed.

They are SIGINT (Ctrl-C), SIGTERM, SIGHUP (a closed terminal) and SIGQUIT. The first one raises
KeyboardInterrupt in the main thread, at once or at the end of a `held` section. Later signals are
ignored, since the clean-up that follows takes seconds at most.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from labkit.signals import set_signals

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class _Interrupts:
    """The signal received, and how many sections defer it."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.received: int | None = None
        self.raised = False
        self.holding = 0
        self.is_over = False

    def on_signal(self, signum: int, _frame: FrameType | None) -> None:
        if self.received is None and not self.is_over:
            self.received = signum
        self.deliver()

    def deliver(self) -> None:
        if self.received is None or self.holding or self.raised:
            return
        if threading.current_thread() is not threading.main_thread():
            signal.pthread_kill(_main_ident(), self.received)  # comes back as `on_signal` there
            return
        self.raised = True
        raise KeyboardInterrupt


def _main_ident() -> int:
    ident = threading.main_thread().ident
    assert ident is not None  # noqa: S101 it runs
    return ident


_interrupts = _Interrupts()
_causes: dict[int, str] = {}


def install() -> None:
    """Set the signals of this program, whatever it has inherited; call this in the main thread.

    An ignored SIGHUP stays ignored, as under nohup.
    """
    _interrupts.reset()
    handled = set(SIGNALS)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        handled.remove(signal.SIGHUP)
    set_signals(dict.fromkeys(handled, _interrupts.on_signal))


@contextmanager
def held() -> Iterator[None]:
    """Defer an interrupt until the section ends, and raise it there."""
    _interrupts.holding += 1
    try:
        yield
    finally:
        _interrupts.holding -= 1
        _interrupts.deliver()


@contextmanager
def released() -> Iterator[None]:
    """Let an interrupt into a part of a `held` section, which must catch it."""
    holding, _interrupts.holding = _interrupts.holding, 0
    try:
        _interrupts.deliver()
        yield
    finally:
        _interrupts.holding = holding


def is_interrupted() -> bool:
    """Whether a signal has been received, deferred or not."""
    return _interrupts.received is not None


def finish() -> bool:
    """Ignore signals from now on; return whether one was received before."""
    _interrupts.is_over = True
    return is_interrupted()


def signal_name() -> str:
    """Return the name of the received signal, empty if there is none."""
    return signal.Signals(_interrupts.received).name if _interrupts.received else ""


def set_cause(signum: int, text: str) -> None:
    """Let `cause` be ``text`` for a signal that only the program which started this one sends."""
    _causes[signum] = text


def cause() -> str:
    """Return why this program was interrupted, as results and messages say it."""
    return _causes.get(_interrupts.received or 0) or f"interrupted by {signal_name()}"
