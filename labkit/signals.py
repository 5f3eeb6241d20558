"""The signals of a program at its start: set here, not inherited from the program that started it.

An ignored signal stays ignored across exec(2), and so does the mask of blocked signals (signal(7)).
Some shells, cron, CI agents and threads of other programs start their children that way. Used by
the servers and the client, before they start a thread or a process.
"""

import signal
from collections.abc import Callable, Mapping
from types import FrameType
from typing import TypeAlias

Handler: TypeAlias = Callable[[int, FrameType | None], object] | signal.Handlers


def set_signals(handlers: Mapping[signal.Signals, Handler]) -> None:
    """Set ``handlers``, SIGCHLD and SIGPIPE, and block no signal. For the main thread.

    - ``handlers``: also for a signal that was ignored, as SIGINT is for a background job of ``sh``.
    - SIGCHLD has its default. If it is ignored, the kernel reaps the children, and nobody learns
      their exit codes (wait(2)).
    - SIGPIPE is ignored, as Python does it: a write to a closed pipe raises `BrokenPipeError`.
    - The mask is emptied last, so that a signal which is pending meets its handler.

    An ignored SIGHUP stays ignored: that is how nohup(1) asks a program to outlive its terminal,
    and no program of the lab needs SIGHUP to stop. A server with worker processes waits for SIGHUP
    with the signal blocked, so it gets it all the same, and replaces them (docs/protocol.md). No
    other signal is changed.
    """
    for signum, handler in handlers.items():
        signal.signal(signum, handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
