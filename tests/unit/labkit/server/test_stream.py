import contextlib
import errno
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.server.stream import Stream


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    os.set_blocking(ends[0], False)
    yield ends
    for end in ends:
        os.close(end)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EPIPE, errno.EIO, errno.EBADF])
def test_a_write_that_fails_ends_logging_only(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def fail(_fd: int, _lines: bytes) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "write", fail)
    stream = Stream("m", 1, False, "trace")
    stream.write(b"lost\n")
    assert stream.ended
    stream.write(b"not tried\n")


def test_a_partial_write_is_completed(monkeypatch: pytest.MonkeyPatch) -> None:
    written = bytearray()

    def write_a_little(_fd: int, lines: bytes) -> int:
        written.extend(lines[:3])
        return min(3, len(lines))

    monkeypatch.setattr(os, "write", write_a_little)
    Stream("m", 1, False, "trace").write(b"a longer line\n")
    assert written == b"a longer line\n"


def test_a_full_pipe_is_waited_for_until_the_deadline(pipe: tuple[int, int]) -> None:
    os.set_blocking(pipe[1], False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(pipe[1], b"x" * 4096)
    stream = Stream("m", pipe[1], False, "trace")
    stream.deadline_ns = time.monotonic_ns() + 2_000_000
    stream.write(b"given up\n")
    assert stream.ended


def test_a_blocked_signal_that_is_pending_sets_the_deadline(pipe: tuple[int, int]) -> None:
    """It cannot interrupt a write, so a reader that stalls would keep the process from stopping."""
    stream = Stream("m", pipe[1], False, "trace")
    stream.heed({signal.SIGTERM}, 0.02)
    os.set_blocking(pipe[1], False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(pipe[1], bytes(4096))
    os.set_blocking(pipe[1], True)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        signal.raise_signal(signal.SIGTERM)
        stream.write(b"lost\n")
        assert stream.ended
        assert signal.sigtimedwait({signal.SIGTERM}, 0), "it is still to be taken"
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def test_a_full_disk_is_survived() -> None:
    with Path("/dev/full").open("wb") as full:
        stream = Stream("m", full.fileno(), False, "trace")
        stream.write(b"x\n")
    assert stream.ended


def test_a_full_pipe_that_is_read_loses_no_line(pipe: tuple[int, int]) -> None:
    """Another process that shares the pipe may make it non-blocking."""
    os.set_blocking(pipe[1], False)
    filled = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            filled += os.write(pipe[1], b"x" * 4096)
    os.set_blocking(pipe[0], True)
    received = bytearray()

    def read() -> None:
        while not received.endswith(b"end\n"):
            received.extend(os.read(pipe[0], 1 << 16))

    reader = threading.Thread(target=read)
    reader.start()
    stream = Stream("m", pipe[1], False, "trace")
    stream.write(b"a line\n" * 1000 + b"end\n")
    reader.join()
    assert not stream.ended
    assert received == b"x" * filled + b"a line\n" * 1000 + b"end\n"


@pytest.mark.parametrize(
    ("later_ns", "seconds"),
    [(0, "20.999"), (999_999, "20.999"), (1_000_000, "21.000"), (-999_000_000, "20.000")],
)
def test_a_monotonic_instant_is_shown_as_time_of_day(later_ns: int, seconds: str) -> None:
    anchor = (1_700_000_000_999_000_000, 5_000_000_000)  # 20.999 s after a full minute
    stream = Stream("m", 1, True, "trace")
    stream.anchor = anchor
    hours, minutes, shown = stream.clock_text(anchor[1] + later_ns).split(":")
    assert shown == seconds
    assert 0 <= int(hours) < 24
    assert 0 <= int(minutes) < 60
