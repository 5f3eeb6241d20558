"""Writes the lines of the event log.

A slow reader of the log slows the server down: a log with missing lines would make the run
worthless, and unbounded memory could end the server. But no reader can prevent the server from
stopping. A write of up to 4096 bytes to a pipe is atomic (PIPE_BUF, pipe(7)), so the lines of
several writers are not mixed; a terminal or a full disk does not guarantee this.
"""

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterable

MAX_WRITE_BYTES = 4096
_STDERR = 2
_LOOK_MS = 100  # between two looks for a pending signal


def report(model: str, text: str) -> None:
    """Write one line to stderr, for a person; no error if that is closed or full."""
    with contextlib.suppress(OSError):
        os.write(_STDERR, f"{model}: {text}\n".encode(errors="backslashreplace"))


class Stream:
    """The output of one server's event log, and its format.

    ``anchor``: wall clock and monotonic clock at the same instant. ``deadline_ns``: monotonic;
    lines that cannot be written by then are lost. ``stop_signals`` are kept blocked by a process
    that takes them between its waits. As none can interrupt a write, a pending one sets the
    deadline, to ``stop_timeout_s`` from then.
    """

    def __init__(self, model: str, fd: int, as_text: bool, level: str) -> None:
        self.model, self.fd, self.as_text, self.level = model, fd, as_text, level
        self.anchor = time.time_ns(), time.monotonic_ns()
        self.deadline_ns: int | None = None
        self.stop_signals: frozenset[int] = frozenset()
        self.stop_timeout_s = 0.0
        self.ended = False

    def heed(self, stop_signals: Iterable[int], stop_timeout_s: float) -> None:
        """Let a pending one of ``stop_signals``, which are kept blocked, set the deadline."""
        self.stop_signals, self.stop_timeout_s = frozenset(stop_signals), stop_timeout_s

    def write(self, lines: bytes) -> None:
        """Write all of ``lines``; if that fails, logging ends and the server continues.

        Blocks while the pipe is full, until ``deadline_ns``.
        """
        while lines and not self.ended:
            try:
                is_free = self.deadline_ns is None and not self.stop_signals
                if is_free or self._await_room():
                    lines = lines[os.write(self.fd, lines) :]
            except BlockingIOError:  # another process that shares the pipe made it non-blocking
                self._await_room()
            except OSError:  # the reader has left, or the disk is full
                self.ended = True

    def _await_room(self) -> bool:
        """Wait until the stream takes a write, and return True; at the deadline end it."""
        poll = select.poll()
        poll.register(self.fd, select.POLLOUT)
        while not poll.poll(self._longest_wait_ms()):
            if self.deadline_ns is not None and time.monotonic_ns() >= self.deadline_ns:
                self.ended = True
                return False
        return True

    def _longest_wait_ms(self) -> float | None:
        """Return the time until the deadline, or until to look for a signal; None is no limit."""
        now_ns = time.monotonic_ns()
        if self.deadline_ns is None and signal.sigpending() & self.stop_signals:
            self.deadline_ns = now_ns + round(self.stop_timeout_s * 1e9)
        if self.deadline_ns is not None:
            return max(self.deadline_ns - now_ns, 0) / 1e6
        return _LOOK_MS if self.stop_signals else None

    def clock_text(self, t_ns: int) -> str:
        """Return the local time of day at ``t_ns``, to the millisecond."""
        wall_ns = self.anchor[0] + t_ns - self.anchor[1]
        day = time.strftime("%H:%M:%S", time.localtime(wall_ns // 1_000_000_000))
        return f"{day}.{wall_ns // 1_000_000 % 1000:03d}"
