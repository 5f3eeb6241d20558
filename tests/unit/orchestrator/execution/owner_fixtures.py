"""Owners of processes for tests, and processes with their marks."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from orchestrator.execution.owner import MARK, Owner, claim

CAMPAIGN = f"{os.getpid():08x}"  # tests in parallel must not find each other's processes


def gone_owner() -> Owner:
    """Return an owner that has ended: this process, with another start time."""
    owner = claim(CAMPAIGN, kept=False)
    return replace(owner, started=owner.started + 1)


@contextmanager
def sleeper(mark: str, name: bytes = b"") -> Iterator[subprocess.Popen[bytes]]:
    """Start a process with ``mark`` in its environment and ``name`` in its command line."""
    command = [os.fsencode(sys.executable), b"-c", b"input()", name]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, env={MARK: mark})
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
