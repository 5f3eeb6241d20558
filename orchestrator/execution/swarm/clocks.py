"""Which CLOCK_MONOTONIC the containers of each host have.

The analysis relates the clients' clocks to the server's by the messages between them. Instants of
faults it takes to be of this machine's clock: if a container has another one, a fault there begins
when it is told to, and its instant is that of the answer here.
"""

from collections.abc import Mapping, Sequence

from labkit.clock import BOOT_ID, OFFSETS, Clock, read_offset_ns
from orchestrator.execution.docker.engine import engine_failures
from orchestrator.execution.swarm.connection import HostEngine

READ = f"from pathlib import Path\nprint(Path({str(BOOT_ID)!r}).read_text().strip())\n"
READ += f"path = Path({str(OFFSETS)!r})\nprint(path.read_text() if path.exists() else '')"


def clocks_of(
    hosts: Sequence[HostEngine], image: str, labels: Mapping[str, str]
) -> dict[str, Clock | None]:
    """Return the clock that a container of ``image`` has on each host, None if it is unknown.

    ``labels`` are those of the containers, each of which is removed at once.
    """
    return {host.name: _clock_of(host, image, labels) for host in hosts}


def _clock_of(host: HostEngine, image: str, labels: Mapping[str, str]) -> Clock | None:
    with engine_failures():
        printed = host.client.containers.run(
            image,
            ["-I", "-S", "-c", READ],
            entrypoint="python3",
            network_mode="none",
            remove=True,
            labels=dict(labels),
        )
    return read_clock_text(bytes(printed).decode("ascii", errors="replace"))


def read_clock_text(printed: str) -> Clock | None:
    """Return the clock in what `READ` prints, None if there is none."""
    boot_id, _, offsets = printed.partition("\n")
    if not boot_id:
        return None
    try:
        return Clock(boot_id, read_offset_ns(offsets) if offsets.strip() else 0)
    except ValueError:
        return None


def other_clocks(clocks: Mapping[str, Clock | None], ours: Clock | None) -> list[str]:
    """Return the hosts whose containers have another clock than ``ours``, or an unknown one."""
    return [name for name, clock in clocks.items() if clock is None or clock != ours]


def is_this_machine(clocks: Mapping[str, Clock | None], ours: Clock | None) -> bool:
    """Whether all hosts run on this machine's kernel, so that they use its CPUs."""
    return ours is not None and all(
        clock is not None and clock.boot_id == ours.boot_id for clock in clocks.values()
    )
