"""The standard streams of the program, made so that nothing about them ends a command.

A closed pipe, a full disk, a terminal that is gone or a descriptor that was never open: what cannot
be written is discarded, and the command goes on to its exit code. A character that the encoding
lacks is replaced by an escape. Text that a CI runner would obey as a workflow command is written so
that it does not; `Stream.write_command` is for our own commands.

This module imports nothing that is slow to load.
"""

import contextlib
import errno
import io
import os
import select
import sys
from collections.abc import Iterator
from typing import TextIO

from orchestrator.report.escape import without_commands

STDIN, STDOUT, STDERR = 0, 1, 2
PATIENCE_S = 1.0
READER_LEFT = {errno.EPIPE, errno.EIO}
"""A closed pipe, and a terminal that is gone: nobody is left who misses the output."""


class Sink(io.RawIOBase):
    """Writes to a descriptor until that fails once, and discards everything afterwards.

    With ``patience_s``, what a reader does not take within that time is discarded too.
    """

    def __init__(self, descriptor: int, patience_s: float | None = None) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._patience_s = patience_s
        self._is_read = True
        self.error: OSError | None = None

    def writable(self) -> bool:
        """Return True."""
        return True

    def fileno(self) -> int:
        """Return the descriptor, which stays open when this is closed."""
        return self._descriptor

    def isatty(self) -> bool:
        """Whether the descriptor is a terminal."""
        return os.isatty(self._descriptor)

    def write(self, content: bytes | memoryview) -> int:  # type: ignore[override]
        """Write some of ``content``; return how much of it is dealt with."""
        if self.error is None and self._is_ready():
            try:
                most = len(content) if self._patience_s is None else select.PIPE_BUF
                return os.write(self._descriptor, content[:most])
            except BlockingIOError:  # the reader has made the pipe non-blocking
                select.select([], [self._descriptor], [], PATIENCE_S)
                return 0
            except OSError as exc:
                self.error = exc
        return len(content)

    def _is_ready(self) -> bool:
        """Whether to write; with ``patience_s``, a write of PIPE_BUF bytes then does not block."""
        if self._patience_s is None:
            return True
        patience_s = self._patience_s if self._is_read else 0.0
        self._is_read = bool(select.select([], [self._descriptor], [], patience_s)[1])
        return self._is_read


class Stream(io.TextIOWrapper):
    """Text to a `Sink`, without workflow commands, in an encoding that may lack characters."""

    def __init__(self, sink: Sink, encoding: str) -> None:
        super().__init__(
            io.BufferedWriter(sink),  # type: ignore[type-var]  # its stub asks for a file
            encoding,
            errors="backslashreplace",
            line_buffering=True,
        )
        self.sink = sink

    def write(self, text: str) -> int:
        """Write ``text``."""
        super().write(without_commands(text))
        return len(text)

    def write_command(self, command: str) -> None:
        """Write a workflow command of our own, on a line of its own."""
        super().write(command + "\n")


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Make the standard streams safe for the whole program, and flush them at the end.

    A closed descriptor is opened on the null device first: otherwise the next file that is opened
    would get its number, and everything printed.
    """
    for descriptor in (STDIN, STDOUT, STDERR):
        _fill(descriptor)
    sys.stdout = Stream(Sink(STDOUT), _encoding(sys.stdout))
    sys.stderr = Stream(Sink(STDERR), _encoding(sys.stderr))
    out = sys.stdout.sink
    try:
        yield
    finally:
        sys.stdout.flush()
        if out.error is not None and out.error.errno not in READER_LEFT:
            reason = (out.error.strerror or str(out.error)).lower()
            sys.stderr.write(f"orchestrate.py: standard output is incomplete: {reason}\n")
        sys.stderr.flush()


def _fill(descriptor: int) -> None:
    try:
        os.fstat(descriptor)
    except OSError:
        os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free, which is this one


def _encoding(stream: TextIO | None) -> str:
    return (stream.encoding if stream else None) or "utf-8"


def progress_stream() -> TextIO:
    """Return standard error for progress: a reader that stops reading does not hold up a run."""
    if isinstance(sys.stderr, Stream):
        return Stream(Sink(STDERR, PATIENCE_S), sys.stderr.encoding)
    return sys.stderr
