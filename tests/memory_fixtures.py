"""The largest resident set of a program that a test starts.

It is read while the program runs, since the ``ru_maxrss`` of a child begins with that of its
parent: of a test runner, which may be larger.
"""

import threading
import time
from contextlib import suppress

from conformance.server_process import status_kib

POLL_S = 0.005


def watch_peaks(pid: int) -> list[int]:
    """Return a list that gets the largest resident set so far of process ``pid``, until it ends."""
    peaks_bytes: list[int] = []
    threading.Thread(target=_watch, args=(pid, peaks_bytes)).start()
    return peaks_bytes


def _watch(pid: int, peaks_bytes: list[int]) -> None:
    with suppress(FileNotFoundError, ProcessLookupError):  # it has been reaped
        while peak_kib := status_kib(pid, "VmHWM"):
            peaks_bytes.append(peak_kib * 1024)
            time.sleep(POLL_S)
