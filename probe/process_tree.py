"""What a server's processes use: a process and all its descendants."""

import errno
import os
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from probe.proc_text import (
    Memory,
    ProcessTimes,
    read_context_switches,
    read_memory,
    read_run_delay_s,
    read_stat,
)

ENDED = frozenset("ZX")  # zombie, dead
UNREADABLE = (OSError, ValueError)
"""Raised for a file whose process has ended, or that this kernel does not have."""

Found = TypeVar("Found")


class Usage(NamedTuple):
    """Totals since the server started, and the current numbers of processes and threads."""

    user_s: float
    system_s: float
    voluntary: int
    involuntary: int
    processes: int
    threads: int


class Tree:
    """A process and its descendants, as they are at each sample.

    The CPU time of a process that has ended is counted by the parent that waited for it. The
    context switches and the run delay of a thread that has ended are those of its last sample.
    """

    def __init__(self, pid: int, proc: str = "/proc") -> None:
        self._proc = proc
        self._root = f"{proc}/{pid}"
        self._switches: dict[str, tuple[int, int]] = {}
        self._run_delays_s: dict[str, float] = {}

    @property
    def is_gone(self) -> bool:
        """Whether the first process has ended."""
        return not _is_alive(self._root)

    def usage(self) -> Usage:
        """Return CPU time, context switches, processes and threads.

        Raises:
            OSError, ValueError: the kernel does not report them.
        """
        times = list(self._each(_times_of))
        alive = [each for each in times if each.state not in ENDED]
        for switches in self._each(_switches_of):
            self._switches |= switches
        return Usage(
            user_s=sum(each.user_s for each in times),
            system_s=sum(each.system_s for each in times),
            voluntary=sum(voluntary for voluntary, _ in self._switches.values()),
            involuntary=sum(involuntary for _, involuntary in self._switches.values()),
            processes=len(alive),
            threads=sum(each.threads for each in alive),
        )

    def run_delay_s(self) -> float:
        """Return how long threads were ready and waited for a CPU, since the server started.

        Raises:
            OSError, ValueError: the kernel does not report it.
        """
        for delays_s in self._each(_run_delays_of):
            self._run_delays_s |= delays_s
        return sum(self._run_delays_s.values())

    def descriptors(self) -> int:
        """Return the number of open descriptors, counted for each process.

        Raises:
            OSError: no permission to read them.
        """
        return sum(self._each(_descriptors_of))

    def memory(self) -> Memory:
        """Return the memory in use; a page that processes share is divided among them.

        Raises:
            OSError, ValueError: the kernel does not report it.
        """
        each = list(self._each(_memory_of))
        return Memory(
            pss_bytes=sum(memory.pss_bytes for memory in each),
            anonymous_bytes=sum(memory.anonymous_bytes for memory in each),
        )

    def _each(self, read: Callable[[str], Found]) -> Iterator[Found]:
        """Yield the result of ``read`` for each process's directory; skip those that have ended."""
        for process in self._processes():
            try:
                yield read(process)
            except UNREADABLE:
                if _is_alive(process):
                    raise

    def _processes(self) -> Iterator[str]:
        """Yield the directory of each process, parents first.

        Raises:
            ProcessLookupError: the first process has ended.
        """
        if self.is_gone:
            raise ProcessLookupError(errno.ESRCH, "the process has ended")
        found = [self._root]
        for process in found:
            yield process
            try:
                found += [f"{self._proc}/{child}" for child in _children_of(process)]
            except UNREADABLE:
                if _is_alive(process):
                    raise


def read_text(path: str) -> str:
    """Return the text of a kernel file; takes two thirds of the time of `Path.read_text`."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        return file.read().decode("utf-8", errors="replace")


def _is_alive(process: str) -> bool:
    try:
        return _times_of(process).state not in ENDED
    except UNREADABLE:
        return False


def _times_of(process: str) -> ProcessTimes:
    return read_stat(read_text(f"{process}/stat"))


def _children_of(process: str) -> Iterator[str]:
    """Yield the children of each of its threads; proc_tid_children(5)."""
    for thread in os.listdir(f"{process}/task"):  # noqa: PTH208
        yield from read_text(f"{process}/task/{thread}/children").split()


def _switches_of(process: str) -> dict[str, tuple[int, int]]:
    """Return the context switches of each of its threads."""
    return {
        thread: read_context_switches(read_text(f"{process}/task/{thread}/status"))
        for thread in os.listdir(f"{process}/task")  # noqa: PTH208
    }


def _run_delays_of(process: str) -> dict[str, float]:
    """Return the run delay of each of its threads, in s."""
    return {
        thread: read_run_delay_s(read_text(f"{process}/task/{thread}/schedstat"))
        for thread in os.listdir(f"{process}/task")  # noqa: PTH208
    }


def _descriptors_of(process: str) -> int:
    """Return the number of open descriptors; since Linux 6.2 that is the directory's size."""
    directory = f"{process}/fd"
    return os.stat(directory).st_size or len(os.listdir(directory))  # noqa: PTH116, PTH208


def _memory_of(process: str) -> Memory:
    return read_memory(read_text(f"{process}/smaps_rollup"))
