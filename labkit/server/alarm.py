"""A descriptor that becomes readable at an instant: timerfd_create(2). Linux only.

For a poll whose own time-out counts whole milliseconds. Python has a function for it since 3.13
only, so the C library is called.
"""

import ctypes
import os
import time

_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC  # the same numbers as TFD_NONBLOCK and TFD_CLOEXEC
_S_NS = 1_000_000_000
_libc = ctypes.CDLL(None, use_errno=True)


class _Setting(ctypes.Structure):
    """An itimerspec of timerfd_settime(2): an interval of 0, so once, and the time until then."""

    _fields_ = tuple((name, ctypes.c_long) for name in ("every_s", "every_ns", "s", "ns"))


class Alarm:
    """One alarm, which replaces the one that was set before; `fileno` is to be polled.

    Raises:
        OSError: no descriptor is left.
    """

    def __init__(self) -> None:
        self._fd = _libc.timerfd_create(time.CLOCK_MONOTONIC, _FLAGS)
        if self._fd == -1:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        self._is_set = False

    def fileno(self) -> int:
        """Return the descriptor to register for reading."""
        return int(self._fd)

    def set(self, wait_s: float | None) -> None:
        """Make the descriptor readable in ``wait_s``, and not before; None is never."""
        if wait_s is None and not self._is_set:
            return
        self._is_set = wait_s is not None
        wait_ns = 0 if wait_s is None else max(round(wait_s * _S_NS), 1)  # 0 means never
        setting = _Setting(0, 0, *divmod(wait_ns, _S_NS))
        _libc.timerfd_settime(self._fd, 0, ctypes.byref(setting), None)

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._fd)
