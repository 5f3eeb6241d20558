"""Whether containers of all hosts share one CLOCK_MONOTONIC with this machine.

They do on one kernel without time namespaces. Only then can an instant of the client's log be
compared with one of the server's.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.engine import engine_failures
from orchestrator.execution.swarm.connection import HostEngine

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
OFFSETS = Path("/proc/self/timens_offsets")
"""time_namespaces(7): the offsets of this process's clocks; missing on a kernel without them."""

READ = f"from pathlib import Path\nfor p in ({str(BOOT_ID)!r}, {str(OFFSETS)!r}):\n"
READ += "    print(*(Path(p).read_text() if Path(p).exists() else '').split())"


def check_clocks(hosts: Sequence[HostEngine], image: str, labels: Mapping[str, str]) -> None:
    """Compare the clocks that containers of ``image`` have on each host with this machine's.

    ``labels`` are those of the containers, each of which is removed at once.

    Raises:
        BackendError: one is another clock.
    """
    ours = clock_here()
    different = [host.name for host in hosts if clock_of(host, image, labels) != ours]
    if different:
        raise BackendError(
            f"{', '.join(different)}: CLOCK_MONOTONIC is not this machine's there (another kernel, "
            "or a time namespace), and the lab cannot relate two clocks yet; use engines of this "
            "machine only"
        )


def clock_here() -> str:
    """Return what identifies the clock of this process."""
    return "\n".join(_identity())


def _identity() -> Iterator[str]:
    for path in (BOOT_ID, OFFSETS):
        text = ""
        with contextlib.suppress(OSError):
            text = path.read_text(encoding="ascii")
        yield " ".join(text.split())


def clock_of(host: HostEngine, image: str, labels: Mapping[str, str]) -> str:
    """Return the same of a container of ``image`` on ``host``."""
    with engine_failures():
        printed = host.client.containers.run(
            image,
            ["-I", "-S", "-c", READ],
            entrypoint="python3",
            network_mode="none",
            remove=True,
            labels=dict(labels),
        )
    return bytes(printed).decode("ascii").strip("\n")
