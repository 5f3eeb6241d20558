"""Prints results on standard output, and everything else on standard error.

If the reader closes standard output early, as ``| head`` does, the command keeps its exit code.
This module imports nothing of the lab, so that it loads fast.
"""

import os
import sys


def write_out(text: str) -> None:
    """Write ``text`` to standard output for a program: as UTF-8 in every locale."""
    try:
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        discard_output()


def discard_output() -> None:
    """Discard what is written to standard output from now on, because its reader has closed it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(text: str) -> None:
    """Write a line for a person to standard error."""
    sys.stderr.write(text + "\n")
