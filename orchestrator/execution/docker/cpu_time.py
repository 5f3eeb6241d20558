"""CPU time of containers, from the files of their control groups on this machine.

The files are there only if the engine runs on this machine and its groups are visible from here;
otherwise the CPU time is unknown.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from docker.models.containers import Container

from orchestrator.execution.machine_times import GROUPS, GroupMeter, read_usage_s, total_cpu_s

PROC = Path("/proc")
V2_MOUNTS = ("", "unified")


def meter_of(container: Container, proc: Path = PROC, mount: Path = GROUPS) -> GroupMeter | None:
    """Return the meter of a running container, None if its group is not visible from here."""
    try:
        groups = (proc / str(container.attrs["State"]["Pid"]) / "cgroup").read_text()
    except (OSError, KeyError):
        return None
    for file in _usage_files(groups, str(container.id), mount):
        with contextlib.suppress(OSError, ValueError):
            read_usage_s(file)
            return GroupMeter(file)
    return None


def _usage_files(groups: str, container_id: str, mount: Path) -> Iterator[Path]:
    """Yield where the usage may be; only a group of this container, not of another machine's."""
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        if container_id not in path:
            continue
        if not controllers:
            yield from (mount / place / path[1:] / "cpu.stat" for place in V2_MOUNTS)
        elif "cpuacct" in controllers.split(","):
            for place in dict.fromkeys((controllers, "cpu,cpuacct", "cpuacct")):
                yield mount / place / path[1:] / "cpuacct.usage"


class StageMeters:
    """The meters of a stage's containers, by the part of the lab that they are."""

    def __init__(self, parts: Mapping[str, Iterable[Container]]) -> None:
        self._meters = {
            part: [meter_of(container) for container in containers]
            for part, containers in parts.items()
        }

    def cpu_s(self) -> dict[str, float | None]:
        """Return the CPU time of each part, None if one of its groups is not visible."""
        return total_cpu_s(self._meters)
