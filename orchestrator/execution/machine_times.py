"""What the kernel of a machine has counted since boot: idle CPUs, waits, and CPU time of groups.

Idle time, steal and pressure are in ``/proc/stat`` (proc(5)) and ``/proc/pressure/cpu`` (PSI,
kernel documentation, accounting/psi.rst); a container sees those of its host. The CPU time of
containers is in the files of their control groups (cgroups(7)).

Standard library only, and no imports of the lab: a host of a swarm runs the source of this file,
see ``main``.
"""

import contextlib
import json
import os
import re
import sys
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

STAT, PRESSURE = Path("/proc/stat"), Path("/proc/pressure/cpu")
IRQ_PRESSURE = Path("/proc/pressure/irq")
"""Exists if the kernel keeps the time in interrupts apart from that of programs."""
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL = 3, 4, 5, 6, 7  # columns of a line ``cpu``, in ticks
NS_PER_S, US_PER_S = 1e9, 1e6
GROUPS = Path("/sys/fs/cgroup")
CONTAINER_ID = re.compile("[0-9a-f]{64}")
READY = "ready"


class KernelTimes(NamedTuple):
    """Totals in s of some CPUs, and of the machine's ``pressure_s``; None if one cannot be read.

    ``irq_s`` is the time in interrupts that the kernel books to no program, 0 if it books all of it
    to the program that was interrupted.
    """

    idle_s: float | None = None
    irq_s: float | None = None
    steal_s: float | None = None
    pressure_s: float | None = None


def kernel_times(cpus: Collection[int]) -> KernelTimes:
    """Return the current totals of the CPUs with these numbers."""
    found = KernelTimes()
    with contextlib.suppress(OSError, ValueError, IndexError):  # not Linux
        ticks = _ticks(STAT.read_text(encoding="ascii"), cpus)
        found = KernelTimes(
            idle_s=(ticks[IDLE] + ticks[IOWAIT]) / TICKS_PER_S,
            irq_s=(ticks[IRQ] + ticks[SOFTIRQ]) / TICKS_PER_S if IRQ_PRESSURE.exists() else 0.0,
            steal_s=ticks[STEAL] / TICKS_PER_S,
        )
    with contextlib.suppress(OSError, ValueError, IndexError):  # a kernel without PSI
        waited_us = int(PRESSURE.read_text().split("total=", 1)[1].split()[0])
        found = found._replace(pressure_s=waited_us / US_PER_S)
    return found


def _ticks(stat: str, numbers: Collection[int]) -> list[int]:
    """Return the columns of proc_stat(5), added up for the CPUs ``numbers``.

    Raises:
        ValueError: one of them has no line.
    """
    lines = {line.split()[0]: line.split()[1:] for line in stat.splitlines() if line[:3] == "cpu"}
    try:
        rows = [[int(word) for word in lines[f"cpu{number}"]] for number in numbers]
    except KeyError as exc:
        raise ValueError(f"no line {exc.args[0]}") from exc
    return [sum(column) for column in zip(*rows, strict=True)]


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


def total_cpu_s(
    meters: Mapping[str, Sequence[GroupMeter | None]],
) -> dict[str, float | None]:
    """Return the CPU time of each part of the lab, None if one of its groups is not visible."""
    found: dict[str, float | None] = {}
    for part, of_part in meters.items():
        known = [meter.cpu_s() for meter in of_part if meter is not None]
        found[part] = sum(known) if len(known) == len(of_part) else None
    return found


def meters_of_ids(
    parts: Mapping[str, Sequence[str]], groups: Path = GROUPS
) -> dict[str, list[GroupMeter | None]]:
    """Return the meters of running containers by their ids, None for one whose group is not there.

    The groups are searched for once, since a program in a container does not see in
    ``/proc/PID/cgroup`` where the groups of others are.
    """
    wanted = {each for ids in parts.values() for each in ids}
    files: dict[str, Path] = {}
    for root, file in _hierarchies(groups):
        for found, folder in _folders_of(root, wanted):
            with contextlib.suppress(OSError, ValueError):
                read_usage_s(folder / file)
                files.setdefault(found, folder / file)
    meters = {found: GroupMeter(file) for found, file in files.items()}
    return {part: [meters.get(each) for each in ids] for part, ids in parts.items()}


def _hierarchies(groups: Path) -> Iterator[tuple[Path, str]]:
    """Yield the roots of control groups that count CPU time, and the file in which they do."""
    if (groups / "cgroup.controllers").exists():
        yield groups, "cpu.stat"
        return
    for controllers in ("cpuacct", "cpu,cpuacct"):
        yield groups / controllers, "cpuacct.usage"
    yield groups / "unified", "cpu.stat"


def _folders_of(root: Path, wanted: Collection[str]) -> Iterator[tuple[str, Path]]:
    """Yield the ids of containers with their groups; what is within a group is not looked at."""
    for folder, names, _ in os.walk(root):
        for name in list(names):
            named = CONTAINER_ID.search(name)
            if named is not None:
                names.remove(name)
                if named[0] in wanted:
                    yield named[0], Path(folder, name)


def answer(meters: Mapping[str, Sequence[GroupMeter | None]]) -> dict[str, object]:
    """Return the totals of this machine now, for `orchestrator.execution.host.HostTimes.read`."""
    allowed = sorted(os.sched_getaffinity(0))
    return {
        "at_s": time.monotonic(),
        "allowed_cpus": allowed,
        "machine_cpus": max(os.cpu_count() or 1, len(allowed)),
        **kernel_times(allowed)._asdict(),
        "own_cpu_s": time.process_time(),
        "lab_s": total_cpu_s(meters),
    }


def main() -> None:
    """Read the ids of containers by part as a line of JSON; then answer each line with the totals.

    It prints `READY` before the first answer, and ends with its standard input.
    """
    meters = meters_of_ids(json.loads(sys.stdin.readline()))
    _print(READY)
    for _ in sys.stdin:
        _print(json.dumps(answer(meters)))


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
