"""Owners of processes for tests, and processes with their marks."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from orchestrator.execution.owner import MARK, Owner, claim

POLL_S = 0.001
CAMPAIGN = f"{os.getpid():08x}"  # tests in parallel must not find each other's processes


def gone_owner() -> Owner:
    """Return an owner that has ended: this process, with another start time."""
    owner = claim(CAMPAIGN, kept=False)
    return replace(owner, started=owner.started + 1)


@contextmanager
def sleeper(mark: str, name: bytes = b"") -> Iterator[subprocess.Popen[bytes]]:
    """Start a process with ``mark`` in its environment and ``name`` in its command line.

    It is yielded when ``/proc`` shows them: `subprocess` returns in the middle of execve(2), with
    the descriptors closed and the environment not yet in place.
    """
    command = [os.fsencode(sys.executable), b"-c", b"input()", name]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, env={MARK: mark})
    try:
        while not Path(f"/proc/{process.pid}/environ").read_bytes():
            time.sleep(POLL_S)
        yield process
    finally:
        process.kill()
        process.communicate()
