"""The kernel's evidence of one case, taken beside its server: `labkit.probe`, started and ended.

What the probe says goes to a file as it comes, so nothing of it costs the orchestrator time while
a case runs. A probe that fails fails no case: the file then says what there is, and why no more.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from docker.models.containers import Container
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from orchestrator.archive import KERNEL
from orchestrator.backends.base import listening_event
from orchestrator.backends.container import read_log
from orchestrator.backends.program import ROOT
from orchestrator.interrupts import held

FIRST_LOOK_DEADLINE_S = 5.0
LAST_LOOK_DEADLINE_S = 5.0
POLL_S = 0.005
FIRST_LOOK = b'"looked"'
PROBE = ("-S", "-E", "-m", "labkit.probe")  # without what it does not use, it starts sooner


class KernelProbe:
    """A probe that looks at a server from ``python``, a command that is run where the server is."""

    def __init__(self, python: Sequence[str], arguments: Sequence[str], folder: Path) -> None:
        self._told = folder / KERNEL
        with self._told.open("wb") as out, self._told.with_suffix(".stderr").open("wb") as err:
            self._process = subprocess.Popen(  # noqa: S603 our own program
                [*python, *PROBE, *arguments],
                cwd=ROOT,
                env={key: value for key, value in os.environ.items() if not key.startswith("LAB_")},
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )

    def await_first_look(self) -> None:
        """Wait until it has looked once, for a while, unless it has ended; then load may come."""
        waiting = Retrying(
            retry=retry_if_result(lambda is_over: not is_over),
            stop=stop_after_delay(FIRST_LOOK_DEADLINE_S),
            wait=wait_fixed(POLL_S),
            retry_error_callback=lambda _state: False,
        )
        waiting(lambda: self._process.poll() is not None or FIRST_LOOK in self._told.read_bytes())

    def end(self) -> None:
        """Have it look once more, and wait until it has ended."""
        self._close_stdin()
        try:
            self._process.wait(LAST_LOOK_DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once; nothing happens where it has ended."""
        self._process.kill()
        self._process.wait()
        self._close_stdin()

    def _close_stdin(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()


def probe_process(pid: int, port: int, folder: Path) -> KernelProbe:
    """Look at a local process, whose network is the host's."""
    return KernelProbe([sys.executable], [str(pid), str(port), "--shared-network"], folder)


def probe_container(server: Container, folder: Path) -> KernelProbe:
    """Look from within the server's container, at what its kernel namespaces hold."""
    listening = listening_event(read_log(server)) or {}
    python = ["docker", "exec", "--interactive", str(server.id), "python3"]
    with held():
        return KernelProbe(python, [str(listening.get(key)) for key in ("pid", "port")], folder)
