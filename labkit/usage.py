"""What a server process has used of the machine, from the kernel's own books."""

import resource
from pathlib import Path


def cpu_times_s() -> tuple[float, float]:
    """Return the user and system CPU seconds of this process and of its reaped children."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + children.ru_utime, own.ru_stime + children.ru_stime


def peak_memory_bytes() -> int:
    """Return this process's largest resident set, VmHWM of proc_pid_status(5).

    Not getrusage's ru_maxrss, which keeps that of the program that started us over its exec.
    """
    try:
        status = Path("/proc/self/status").read_bytes()
    except OSError:  # no descriptor is left
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return int(status.partition(b"VmHWM:")[2].split(maxsplit=1)[0]) * 1024
