"""Runs a server where no process or thread can be had: ``ALLOWED REFUSED PROGRAM``.

The first ALLOWED starts succeed, the next REFUSED fail, and all others succeed.
"""

import errno
import os
import runpy
import sys
import threading
from collections.abc import Callable
from itertools import count
from typing import TypeVar

Result = TypeVar("Result")


def scarce(start: Callable[..., Result], refused: range, error: Exception) -> Callable[..., Result]:
    """Return ``start``, except that the calls with a number in ``refused`` raise ``error``."""
    numbers = count()

    def start_or_fail(*arguments: object) -> Result:
        if next(numbers) in refused:
            raise error
        return start(*arguments)

    return start_or_fail


if __name__ == "__main__":
    allowed, more = int(sys.argv[1]), int(sys.argv[2])
    numbers_refused = range(allowed, allowed + more)
    no_process = OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    no_thread = RuntimeError("can't start new thread")
    setattr(os, "fork", scarce(os.fork, numbers_refused, no_process))  # noqa: B010
    start_thread = scarce(threading.Thread.start, numbers_refused, no_thread)
    setattr(threading.Thread, "start", start_thread)  # noqa: B010
    runpy.run_module(sys.argv[3], run_name="__main__")
