"""Why no further process, thread or descriptor can be had: the limits, and the remedy."""

import errno
import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUPS = Path("/proc/self/cgroup")
REMEDY = "allow more processes and memory, or lower "  # and the variable


def start_failure(
    worker: int, workers: int, error: Exception, variable: str = "LAB_WORKERS"
) -> str:
    """Return in one line which worker could not be started, the limits, and what to do.

    ``variable``: the one that sets the number of workers.
    """
    failed = f"cannot start worker {worker} of {workers}"
    if lack := lack_of_descriptors(error):
        return f"{failed}: {lack}, or lower {variable}"
    why = getattr(error, "strerror", None) or str(error)
    limits = ", ".join(_limits()) or "no limit is set here"
    return f"{failed}: {why} ({limits}); {REMEDY}{variable}"


def lack_of_descriptors(error: BaseException) -> str:
    """Return in one line the limit and what to do if ``error`` is that no descriptor is left.

    Empty if it is another error.
    """
    if not isinstance(error, OSError) or error.errno not in (errno.EMFILE, errno.ENFILE):
        return ""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = f"ulimit -n {soft}" if error.errno == errno.EMFILE else "fs.file-max of the kernel"
    return f"{os.strerror(error.errno)} (limit of descriptors: {limit}); allow more descriptors"


def _limits() -> Iterator[str]:
    """Yield each limit on processes, threads or address space that is set for this process."""
    pids_max = _pids_max()
    if pids_max is not None:
        yield f"limit of the container or cgroup: pids.max {pids_max}"
    processes, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    if processes != resource.RLIM_INFINITY and os.geteuid():  # it does not bind root
        yield f"limit of the user: ulimit -u {processes}"
    size, _ = resource.getrlimit(resource.RLIMIT_AS)
    if size != resource.RLIM_INFINITY:
        yield f"limit of memory: ulimit -v {size >> 10}"


def _pids_max() -> int | None:
    """Return the smallest ``pids.max`` of this process's cgroup and those above it, if any."""
    limits = []
    for folder in _pids_cgroups():
        try:
            limits.append(int((folder / "pids.max").read_text()))
        except (OSError, ValueError):  # the root has none; ValueError: "max"
            continue
    return min(limits, default=None)


def _pids_cgroups() -> Iterator[Path]:
    """Yield the folders of this process's cgroup and those above it, of version 1 or 2."""
    try:
        lines = _OWN_CGROUPS.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "pids"):
            root = _CGROUPS / controllers
            yield root
            for part in Path(path.lstrip("/")).parts:
                root /= part
                yield root


class DescriptorWall(NamedTuple):
    """The number from which on a model cannot use descriptors, and the name of that limit."""

    end: int
    name: str

    def build(self) -> None:
        """Let this process open no descriptor from ``end`` on: ``accept`` fails with EMFILE."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft == resource.RLIM_INFINITY or soft > self.end:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.end, hard))

    @property
    def is_reached(self) -> bool:
        """Whether EMFILE means the wall, and not a lower limit of the system."""
        return resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= self.end

    def __str__(self) -> str:
        return f"every descriptor below {self.end} is in use ({self.name}, a limit of the model)"
