"""The machine under the bench: its cores, what processes use of it, and how quiet it is."""

import contextlib
import os
import platform
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
QUIET_LOAD = 0.7
TICKS_PER_S = os.sysconf("SC_CLK_TCK")

CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = CORES[0]
LOAD_CORE = CORES[-1]


@contextlib.contextmanager
def pinned(core: int) -> Iterator[None]:
    """Let this process, and those it starts meanwhile, run on ``core`` alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def allow_many_descriptors() -> int:
    """Raise the limit of open files as far as it goes, for processes started later too."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def resident_bytes(pid: int) -> int:
    """Return the resident memory of one process, VmRSS of proc_pid_status(5)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split(maxsplit=1)[0]) * 1024


def session_cpu_s(leader: int) -> float:
    """Return the CPU seconds of all processes in a session, and of those they have reaped."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(fields[3]) == leader:
                ticks += sum(int(field) for field in fields[11:15])
    return ticks / TICKS_PER_S


def waited_s(pid: int) -> float:
    """Return how long the first thread of a process was ready to run while others had its core.

    The second number of /proc/<pid>/schedstat, see sched-stats in the kernel's documentation.
    """
    stat = Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii")
    return int(stat.split()[1]) / 1e9


def describe() -> dict[str, object]:
    """Return the facts about the machine that are needed to read a figure."""
    revision = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607 git is wherever PATH says
        cwd=ROOT, capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip
    return {
        "revision": revision,
        "python": platform.python_version(),
        "kernel": platform.release(),
        "cores": len(CORES),
        "load_average": os.getloadavg()[0],
    }


def warnings() -> list[str]:
    """Return reasons to doubt figures from this machine at this moment."""
    doubts = []
    if len(CORES) == 1:
        doubts.append("one core: load and server take it from each other")
    if (load := os.getloadavg()[0]) > QUIET_LOAD:
        doubts.append(f"load average {load:.2f} before the start: others use these cores")
    return doubts
