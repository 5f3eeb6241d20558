"""CPU time of containers, from the files of their control groups on this machine.

The files are there only if the engine runs on this machine and its groups are visible from here;
otherwise the CPU time is unknown.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from docker.models.containers import Container

PROC, MOUNT = Path("/proc"), Path("/sys/fs/cgroup")
V2_MOUNTS = ("", "unified")
NS_PER_S, US_PER_S = 1e9, 1e6


class GroupMeter:
    """The CPU time of a control group; it goes on when a restart of the container resets it.

    A group that has gone keeps the last time that was read.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._ended_s = self._last_s = 0.0

    def cpu_s(self) -> float:
        """Return the CPU time so far."""
        with contextlib.suppress(OSError, ValueError):
            now_s = read_usage_s(self._file)
            if now_s < self._last_s:
                self._ended_s += self._last_s
            self._last_s = now_s
        return self._ended_s + self._last_s


def read_usage_s(file: Path) -> float:
    """Return the CPU time in ``cpu.stat`` (cgroup 2) or ``cpuacct.usage`` (cgroup 1).

    Raises:
        OSError, ValueError: there is none.
    """
    text = file.read_text(encoding="ascii")
    if file.name != "cpu.stat":
        return int(text) / NS_PER_S
    _, found, rest = text.partition("usage_usec ")
    if not found:
        raise ValueError(f"{file} has no usage_usec")
    return int(rest.split(maxsplit=1)[0]) / US_PER_S


def meter_of(container: Container, proc: Path = PROC, mount: Path = MOUNT) -> GroupMeter | None:
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
        found: dict[str, float | None] = {}
        for part, meters in self._meters.items():
            known = [meter.cpu_s() for meter in meters if meter is not None]
            found[part] = sum(known) if len(known) == len(meters) else None
        return found
