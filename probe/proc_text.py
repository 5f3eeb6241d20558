"""Parsers of the kernel's files under ``/proc`` and ``/sys/fs/cgroup``. They open no files.

Each function raises `ValueError` if the text does not have the expected form.
"""

import os
from collections.abc import Iterator
from typing import NamedTuple

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
LISTEN = "0A"  # TCP_LISTEN of linux/tcp_states.h, as /proc/net/tcp writes it
NS_PER_S, US_PER_S = 1e9, 1e6


class ProcessTimes(NamedTuple):
    """A line of ``/proc/PID/stat``; times in seconds, including children that were waited for.

    The kernel counts in clock ticks, usually of 10 ms.
    """

    state: str
    user_s: float
    system_s: float
    threads: int


class Throttling(NamedTuple):
    """How often a CPU quota was used up, in ``throttled`` of ``periods``, and for how long in all.

    ``throttled_s`` adds up the CPUs, so it may exceed the elapsed time.
    """

    periods: int
    throttled: int
    throttled_s: float


class Memory(NamedTuple):
    """Memory of a process in bytes; each page divided by how many processes map it.

    ``anonymous_bytes`` is what no file backs, also if it was swapped out. Only the process and its
    forks map it. How many map a library, and so ``pss_bytes``, depends on other programs, too.
    """

    pss_bytes: int
    anonymous_bytes: int


def read_stat(text: str) -> ProcessTimes:
    """Parse proc_pid_stat(5); a program's name may contain any character, even brackets."""
    words = text.rpartition(")")[2].split()
    try:
        user, system, reaped_user, reaped_system = map(int, words[11:15])
        return ProcessTimes(
            state=words[0],
            user_s=(user + reaped_user) / TICKS_PER_S,
            system_s=(system + reaped_system) / TICKS_PER_S,
            threads=int(words[17]),
        )
    except IndexError:
        raise ValueError(f"no line of /proc/PID/stat: {text[:80]!r}") from None


def read_context_switches(text: str) -> tuple[int, int]:
    """Return voluntary and involuntary context switches from a thread's proc_pid_status(5)."""
    return (
        int(_after(text, "\nvoluntary_ctxt_switches:")),
        int(_after(text, "\nnonvoluntary_ctxt_switches:")),
    )


def read_run_delay_s(text: str) -> float:
    """Return how long a thread was ready and waited for a CPU, from its ``schedstat``.

    Documentation/scheduler/sched-stats.rst of the kernel: time on the CPU, time in the run queue,
    both in ns, and the number of time slices.
    """
    words = text.split()
    if len(words) != 3:  # noqa: PLR2004 the format
        raise ValueError(f"no schedstat: {text[:80]!r}")
    return int(words[1]) / NS_PER_S


def read_memory(text: str) -> Memory:
    """Parse ``/proc/PID/smaps_rollup`` (proc_pid_smaps(5); ``Pss_Anon`` needs Linux 5.3)."""
    return Memory(
        pss_bytes=_kib(text, "\nPss:"),
        anonymous_bytes=_kib(text, "\nPss_Anon:") + _kib(text, "\nSwapPss:"),
    )


def read_counters(text: str) -> dict[str, int]:
    """Return the counters in ``/proc/net/netstat`` or ``snmp``, as in ``TcpExt.ListenDrops``."""
    found: dict[str, int] = {}
    lines = text.splitlines()
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        section, *keys = names.split()
        same, *numbers = values.split()
        if section != same:
            raise ValueError(f"{section} is followed by {same}")
        of_section = zip(keys, map(int, numbers), strict=True)
        found |= {f"{section[:-1]}.{key}": number for key, number in of_section}
    return found


def read_listeners(text: str, port: int) -> Iterator[int]:
    """Yield the length of each accept queue on ``port`` in ``/proc/net/tcp`` or ``tcp6``.

    Of a listener, ``rx_queue`` is the number of connections that wait to be accepted (get_tcp4_sock
    in net/ipv4/tcp_ipv4.c).
    """
    for line in text.splitlines()[1:]:
        words = line.split()
        try:
            local, state, queues = words[1], words[3], words[4]
        except IndexError:
            raise ValueError(f"no line of /proc/net/tcp: {line[:80]!r}") from None
        if state == LISTEN and int(local.rpartition(":")[2], 16) == port:
            yield int(queues.partition(":")[2], 16)


def read_throttling(text: str) -> Throttling:
    """Return the throttling in ``cpu.stat`` of a cgroup, version 1 (ns) or 2 (us).

    Raises:
        ValueError: it has no throttling, as at the root of version 2.
    """
    fields = dict(line.split() for line in text.splitlines())
    try:
        spent_s = (
            int(fields["throttled_time"]) / NS_PER_S
            if "throttled_time" in fields
            else int(fields["throttled_usec"]) / US_PER_S
        )
        return Throttling(int(fields["nr_periods"]), int(fields["nr_throttled"]), spent_s)
    except KeyError as exc:
        raise ValueError(f"cpu.stat has no {exc.args[0]}") from None


def cpu_cgroup_paths(text: str) -> list[str]:
    """Return the paths at which ``cpu.stat`` may be, for ``text`` of ``/proc/PID/cgroup``.

    The most likely path is first. A container may see its own cgroup at the root, at whatever path
    the host has it; cgroups(7).
    """
    paths: list[str] = []
    for line in sorted(text.splitlines(), key=lambda line: line.startswith("0::")):
        _, controllers, path = line.split(":", 2)
        if not controllers:
            paths += [f"/sys/fs/cgroup{path}", "/sys/fs/cgroup"]
        elif "cpu" in controllers.split(","):
            mounts = dict.fromkeys((controllers, "cpu,cpuacct", "cpu"))
            paths += [f"/sys/fs/cgroup/{mount}{path}" for mount in mounts]
            paths += [f"/sys/fs/cgroup/{mount}" for mount in mounts]
    return [f"{path.rstrip('/')}/cpu.stat" for path in paths]


def _kib(text: str, key: str) -> int:
    return int(_after(text, key)) * 1024


def _after(text: str, key: str) -> str:
    """Return the word after ``key``."""
    words = text.partition(key)[2].split(maxsplit=1)
    if not words:
        raise ValueError(f"no {key.strip()}")
    return words[0]
