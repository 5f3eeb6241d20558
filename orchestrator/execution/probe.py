"""The probes of one case: started beside its server, they record what the kernel knows of it.

A probe writes to a file by itself, so it costs the orchestrator no time during a load. A probe that
fails does not fail the case: the file then has what was recorded until then, and the reason.
"""

import base64
import contextlib
import functools
import io
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from docker.models.containers import Container

from orchestrator.execution.docker.compose import docker_environment
from orchestrator.execution.docker.container import read_log
from orchestrator.execution.docker.engine import PROJECT_LABEL, SERVICE_LABEL
from orchestrator.execution.interrupts import held
from orchestrator.execution.owner import LABEL
from orchestrator.execution.program_log import MOST_PID, events, wait_for
from orchestrator.results.archive import KERNEL, open_log
from orchestrator.results.event_schema import is_whole
from orchestrator.scenario.models import ROOT

FIRST_LOOK_DEADLINE_S = 5.0
LAST_LOOK_DEADLINE_S = 5.0
PROBE = "probe"
"""The service of a probe's container; it has none in compose.yaml."""

FIRST_LOOK = b'"looked"'
PYTHON_OPTIONS = ("-S", "-E")  # the probe needs no site-packages; without them it starts sooner
UNPACK = """\
import base64, os, runpy, sys
packed = os.memfd_create("probe")
os.write(packed, base64.b64decode(sys.argv.pop(1)))
sys.path.insert(0, f"/proc/self/fd/{packed}")
runpy.run_module("probe", run_name="__main__")
"""
"""Runs a zip archive from memory: the probe is not in a server's image, nor on its disk."""


class KernelProbes:
    """The probes of a case, one for each start of its server; all write to one file."""

    def __init__(self, folder: Path, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        """Write into ``folder``; ``environment`` makes the docker command reach the engine."""
        self._file = folder / KERNEL
        self._environment = environment
        self._probes: list[subprocess.Popen[bytes]] = []

    def look_at_process(self, pid: int, port: int) -> None:
        """Start a probe of a local process, whose network is the host's."""
        python = [sys.executable, *PYTHON_OPTIONS, "-m", "probe"]
        self._start([*python, str(pid), str(port), "--shared-network"])

    def look_at_container(self, server: Container, port: int, image: str | None = None) -> None:
        """Start a probe within the server's container, of its network, processes and cgroup.

        It observes the process that logged ``listening``, with its children; if none did, all
        processes from the container's first. With an ``image`` it is a container of its own, in
        the network and among the processes of the server's: its memory is not the server's.
        """
        *_, listening = [{}, *events(read_log(server), "listening")]
        logged = listening.get("pid")
        pid = logged if is_whole(logged, MOST_PID) else 1
        inside = ["docker", "exec", "--interactive", str(server.id), "python3"]
        place = inside if image is None else _container_beside(server, image)
        python = [*PYTHON_OPTIONS, "-c", UNPACK, packed_probe()]
        self._start([*place, *python, str(pid), str(port)])

    def _start(self, command: Sequence[str]) -> None:
        self.end()  # the one before observes a server that has ended
        errors = self._file.with_suffix(".stderr")
        with held(), open_log(self._file) as out, open_log(errors) as err:
            probe = subprocess.Popen(  # noqa: S603 the lab's own program
                command,
                cwd=ROOT,
                env=docker_environment() | dict(self._environment),
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
            self._probes.append(probe)

    @property
    def pids(self) -> list[int]:
        """The process of each probe, which is also its session."""
        return [probe.pid for probe in self._probes]

    def await_first_look(self) -> None:
        """Wait until the probe has looked once, or has ended; then the load may start."""
        wait_for(self._is_looking_or_over, FIRST_LOOK_DEADLINE_S)

    def _is_looking_or_over(self) -> bool:
        is_over = all(probe.poll() is not None for probe in self._probes[-1:])
        return is_over or FIRST_LOOK in self._file.read_bytes()

    def end(self) -> None:
        """Make the last probe look once more, and wait until it has ended."""
        for probe in self._probes[-1:]:
            with contextlib.suppress(subprocess.TimeoutExpired, OSError):
                probe.communicate(timeout=LAST_LOOK_DEADLINE_S)
        self.kill()

    def kill(self) -> None:
        """Kill all that still run."""
        for probe in self._probes:
            probe.kill()
            probe.wait()
            if probe.stdin is not None:
                probe.stdin.close()


def _container_beside(server: Container, image: str) -> list[str]:
    """Return the command that runs Python in a container beside the server's, as the same user.

    It has the host's cgroups, read-only, since its own are not those of the server. It belongs to
    the server's project, so it is removed with it.
    """
    labels = {
        **{name: server.labels[name] for name in (PROJECT_LABEL, LABEL)},
        SERVICE_LABEL: PROBE,
    }
    return [
        *("docker", "run", "--rm", "--interactive", "--read-only", "--log-driver", "none"),
        *("--pid", f"container:{server.id}", "--network", f"container:{server.id}"),
        *("--cgroupns", "host", "--volume", "/sys/fs/cgroup:/sys/fs/cgroup:ro"),
        *("--user", server.attrs["Config"]["User"] or "0:0"),
        *("--security-opt", "no-new-privileges"),
        *(word for name, value in labels.items() for word in ("--label", f"{name}={value}")),
        *("--entrypoint", "python3", image),
    ]


@functools.cache
def packed_probe() -> str:
    """Return the probe's modules as a zip archive in base64, for an argument: 32 kB of at most 128.

    Stored, not deflated: not every Python has zlib.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for module in sorted((ROOT / "probe").glob("*.py")):
            archive.write(module, f"probe/{module.name}")
    return base64.b64encode(packed.getvalue()).decode("ascii")
