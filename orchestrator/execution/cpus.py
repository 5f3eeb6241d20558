"""The CPUs that the lab may use, which may be fewer than the machine has.

Two settings limit them, and children inherit both: the affinity (sched_setaffinity(2), ``taskset``)
and the CPU quota of a control group, version 1 or 2 (cgroups(7)), or of a group around it.
"""

import contextlib
import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

OWN_GROUPS, MOUNT = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
V2_MOUNTS = ("", "unified")


@dataclass(frozen=True)
class Cpus:
    """The CPUs of a machine, and those that programs may use.

    ``allowed`` are the numbers of the CPUs that they may run on; ``quota``, unless None, is how
    many they may use at a time, which may be a fraction.
    """

    machine: int
    allowed: tuple[int, ...]
    quota: float | None = None

    @classmethod
    def of_this_process(cls) -> "Cpus":
        """Return the CPUs that this process and its children may use."""
        allowed = tuple(sorted(os.sched_getaffinity(0)))
        return cls(max(os.cpu_count() or 1, len(allowed)), allowed, cpu_quota())

    @classmethod
    def all_of(cls, machine: int) -> "Cpus":
        """Return the CPUs of a machine without limits."""
        return cls(machine, tuple(range(machine)))

    @property
    def usable(self) -> float:
        """The number of CPUs that can be used at a time."""
        return min(float(len(self.allowed)), self.quota or float("inf"))

    def describe(self) -> dict[str, object]:
        """Return them for `environment.json`; a quota of null means none."""
        return {
            "cpus": round(self.usable, 3),
            "machine_cpus": self.machine,
            "cpu_affinity": list(self.allowed),
            "cpu_quota": self.quota,
        }


@contextlib.contextmanager
def running_on(cpus: Collection[int] | None) -> Iterator[None]:
    """Bind the calling thread to ``cpus`` meanwhile; None leaves it where it is.

    A program that it starts inherits that from its first instruction on, with all that it forks.
    Other threads of this process are not bound, and nothing has to run between fork and exec.
    """
    if cpus is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_quota(own_groups: Path = OWN_GROUPS, mount: Path = MOUNT) -> float | None:
    """Return the smallest CPU quota of our control group and those around it, None without one.

    A container may see its own group at the root, so the root is read even if the path is another.
    """
    try:
        text = own_groups.read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return min(_quotas(text, mount), default=None)


def _quotas(groups: str, mount: Path) -> Iterator[float]:
    for line in groups.splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            for place in V2_MOUNTS:
                yield from _quotas_above(mount / place, path, ("cpu.max",))
        elif "cpu" in controllers.split(","):
            for place in dict.fromkeys((controllers, "cpu,cpuacct", "cpu")):
                files = ("cpu.cfs_quota_us", "cpu.cfs_period_us")
                yield from _quotas_above(mount / place, path, files)


def _quotas_above(root: Path, path: str, files: tuple[str, ...]) -> Iterator[float]:
    """Yield the quota of the group at ``path`` and of each one around it, up to ``root``."""
    group = root / path.lstrip("/")
    for folder in (group, *group.parents):
        with contextlib.suppress(OSError, ValueError):  # "max", or no such group or controller
            words = " ".join((folder / file).read_text(encoding="ascii") for file in files).split()
            quota_us, period_us = (int(word) for word in words)
            if quota_us > 0 and period_us > 0:
                yield quota_us / period_us
        if folder == root:
            return
