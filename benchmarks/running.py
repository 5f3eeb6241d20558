"""Runs a contestant on the core of the servers, from its start to its end."""

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.contestants import Contestant
from benchmarks.machine import SERVER_CORE, pinned

START_DEADLINE_S = 10.0
POLL_S = 0.0005
LISTENING = re.compile(rb'"event":"listening".*"port":(\d+)')


class StartError(Exception):
    """A contestant ended or was silent instead of listening."""


@dataclass(frozen=True)
class Running:
    """A server that listens: its pid, which leads its session; its port; how long it took."""

    pid: int
    port: int
    start_s: float


@contextlib.contextmanager
def running(contestant: Contestant) -> Iterator[Running]:
    """Start ``contestant``, wait until it listens, and end it with all that it started.

    Its stdout is a file, unlinked, as with the `process` backend of the orchestrator.
    """
    inherited = {name: v for name, v in os.environ.items() if not name.startswith("LAB_")}
    with tempfile.TemporaryFile() as out:
        begun_s = time.monotonic()
        with pinned(SERVER_CORE):
            process = subprocess.Popen(  # noqa: S603 the project's own programs
                contestant.command,
                cwd=contestant.root,
                env=inherited | dict(contestant.settings),
                stdout=out,
                start_new_session=True,
            )
        try:
            port = _await_listening(process, out.fileno(), contestant.name)
            yield Running(process.pid, port, time.monotonic() - begun_s)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _await_listening(process: "subprocess.Popen[bytes]", out: int, name: str) -> int:
    """Return the port that the server reports."""
    end_s = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < end_s and process.poll() is None:
        if found := LISTENING.search(os.pread(out, 65_536, 0)):
            return int(found[1])
        time.sleep(POLL_S)
    raise StartError(f"{name} does not listen; exit code {process.poll()}")
