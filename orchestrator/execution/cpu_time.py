"""CPU time of local programs, each with all processes of its session (setsid(2)).

A session contains what a program forks, even if the parent of it has ended. The kernel's clock of a
process counts nanoseconds; ``/proc/PID/stat`` counts ticks of 10 ms, so a hundred workers with 5 ms
each would have used none.
"""

import contextlib
import os
import resource
import time
from collections.abc import Iterable
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
SESSION, USER, SYSTEM, REAPED_USER, REAPED_SYSTEM = 3, 11, 12, 13, 14
"""Words of proc_pid_stat(5) after the name, which may contain spaces."""


def cpu_s_by_session(proc: Path = Path("/proc")) -> dict[int, float]:
    """Return the CPU time of each session on this machine, by its number, in s.

    It includes children that were waited for.
    """
    found: dict[int, float] = {}
    for name in os.listdir(proc):  # noqa: PTH208 a Path for each process takes as long as its file
        if name.isdecimal():
            with contextlib.suppress(OSError, ValueError, IndexError):  # it has ended
                text = (proc / name / "stat").read_text(errors="replace")
                words = text.rpartition(")")[2].split()
                session = int(words[SESSION])
                found[session] = found.get(session, 0.0) + _cpu_s(int(name), words)
    return found


def _cpu_s(pid: int, words: list[str]) -> float:
    reaped_s = (int(words[REAPED_USER]) + int(words[REAPED_SYSTEM])) / TICKS_PER_S
    with contextlib.suppress(OSError):
        return reaped_s + time.clock_gettime(_clock_of(pid))
    return reaped_s + (int(words[USER]) + int(words[SYSTEM])) / TICKS_PER_S


def _clock_of(pid: int) -> int:
    """Return the number of a process's CPU clock, as clock_getcpuclockid(3) makes it."""
    scheduler_clock = 2
    return (~pid << 3) | scheduler_clock


def cpu_s_of(sessions: Iterable[int], by_session: dict[int, float]) -> float:
    """Return the CPU time of some ``sessions``; one that has ended counts as 0."""
    return sum(by_session.get(session, 0.0) for session in sessions)


def cpu_s_of_ended_children() -> float:
    """Return the CPU time of all children of this process that were waited for, and of theirs."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime
