"""The kernel's evidence of one case, taken beside its server: `probe`, started and ended.

What the probe says goes to a file as it comes, so nothing of it costs the orchestrator time while
a case runs. A probe that fails fails no case: the file then says what there is, and why no more.
"""

import base64
import contextlib
import functools
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

from docker.models.containers import Container

from orchestrator.execution.backend import events
from orchestrator.execution.docker.container import read_log
from orchestrator.execution.interrupts import held
from orchestrator.execution.program_log import await_true
from orchestrator.results.archive import KERNEL
from orchestrator.scenario.models import ROOT

FIRST_LOOK_DEADLINE_S = 5.0
LAST_LOOK_DEADLINE_S = 5.0
FIRST_LOOK = b'"looked"'
SOONER = ("-S", "-E")  # without what the probe does not use, it starts sooner
UNPACK = """\
import base64, os, runpy, sys
packed = os.memfd_create("probe")
os.write(packed, base64.b64decode(sys.argv.pop(1)))
sys.path.insert(0, f"/proc/self/fd/{packed}")
runpy.run_module("probe", run_name="__main__")
"""
"""Runs a zip archive from memory: nothing of the probe is in a server's image, nor on its disk."""


class KernelProbes:
    """Looks at a case's server, with a probe after each start of it; all write to one file."""

    def __init__(self, folder: Path) -> None:
        self._told = folder / KERNEL
        self._probes: list[subprocess.Popen[bytes]] = []

    def look_at_process(self, pid: int, port: int) -> None:
        """Look from now on at a local process, whose network is the host's."""
        python = [sys.executable, *SOONER, "-m", "probe"]
        self._look([*python, str(pid), str(port), "--shared-network"])

    def look_at_container(self, server: Container, port: int) -> None:
        """Look from within the server's container, at its own network, processes and cgroup.

        At the process that says that it listens, with its children; where none does, at all from
        the container's first one on.
        """
        *_, listening = [{}, *events(read_log(server), "listening")]
        inside = ["docker", "exec", "--interactive", str(server.id)]
        python = ["python3", *SOONER, "-c", UNPACK, packed_probe()]
        self._look([*inside, *python, str(listening.get("pid", 1)), str(port)])

    def _look(self, command: Sequence[str]) -> None:
        """Run a probe."""
        self.end()  # it looks at a server that is gone
        errors = self._told.with_suffix(".stderr")
        with held(), self._told.open("ab") as out, errors.open("ab") as err:
            probe = subprocess.Popen(  # noqa: S603 our own program
                command,
                cwd=ROOT,
                env={key: value for key, value in os.environ.items() if not key.startswith("LAB_")},
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
            self._probes.append(probe)

    def await_first_look(self) -> None:
        """Wait until the server was looked at once, or no probe is there; then load may come."""
        await_true(self._is_looking_or_over, FIRST_LOOK_DEADLINE_S)

    def _is_looking_or_over(self) -> bool:
        is_over = all(probe.poll() is not None for probe in self._probes[-1:])
        return is_over or FIRST_LOOK in self._told.read_bytes()

    def end(self) -> None:
        """Have the last one look once more, and wait until it has ended."""
        for probe in self._probes[-1:]:
            with contextlib.suppress(subprocess.TimeoutExpired, OSError):
                probe.communicate(timeout=LAST_LOOK_DEADLINE_S)
        self.kill()

    def kill(self) -> None:
        """End all at once; nothing happens to one that has ended."""
        for probe in self._probes:
            probe.kill()
            probe.wait()
            if probe.stdin is not None:
                probe.stdin.close()


@functools.cache
def packed_probe() -> str:
    """Return the probe's modules as a zip archive in base64: an argument, 32 kB of 128 at most.

    Stored, not deflated: zlib is not in every Python.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for module in sorted((ROOT / "probe").glob("*.py")):
            archive.write(module, f"probe/{module.name}")
    return base64.b64encode(packed.getvalue()).decode("ascii")
