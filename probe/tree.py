"""What a server's processes and threads use together: a process and all that descend from it."""

import errno
import os
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

from probe.proc_text import (
    ProcessTimes,
    read_context_switches,
    read_pss_bytes,
    read_stat,
)

ENDED = frozenset("ZX")  # zombie, dead
UNTOLD = (OSError, ValueError)
"""What a file raises whose process has ended meanwhile, or that this kernel does not have."""

Found = TypeVar("Found")


class Usage(NamedTuple):
    """Totals since the server started, and how many processes and threads there are now."""

    user_s: float
    system_s: float
    voluntary: int
    involuntary: int
    processes: int
    threads: int


class Tree:
    """A process and its descendants, whoever is there at each look.

    CPU time of a process that has ended is kept by the parent that waited for it. The context
    switches of a thread that has ended are those that it had when it was last seen.
    """

    def __init__(self, pid: int, proc: str = "/proc") -> None:
        self._proc = proc
        self._root = f"{proc}/{pid}"
        self._switches: dict[str, tuple[int, int]] = {}

    @property
    def is_gone(self) -> bool:
        """Whether the first of them has ended."""
        return not _is_alive(self._root)

    def usage(self) -> Usage:
        """Return what they use.

        Raises:
            OSError, ValueError: the kernel does not tell.
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

    def descriptors(self) -> int:
        """Return how many descriptors they have open, each process's own counted.

        Raises:
            OSError: they may not be looked at.
        """
        return sum(self._each(_descriptors_of))

    def pss_bytes(self) -> int:
        """Return the memory that they hold, a page that several share divided among them.

        Raises:
            OSError, ValueError: the kernel does not tell.
        """
        return sum(self._each(_pss_bytes_of))

    def _each(self, look: Callable[[str], Found]) -> Iterator[Found]:
        """Yield what ``look`` finds in each process's directory, but of one that has ended."""
        for process in self._processes():
            try:
                yield look(process)
            except UNTOLD:
                if _is_alive(process):
                    raise

    def _processes(self) -> Iterator[str]:
        """Yield the directory of each process, parents first.

        Raises:
            ProcessLookupError: the first of them has ended.
        """
        if self.is_gone:
            raise ProcessLookupError(errno.ESRCH, "it has ended")
        found = [self._root]
        for process in found:
            yield process
            try:
                found += [f"{self._proc}/{child}" for child in _children_of(process)]
            except UNTOLD:
                if _is_alive(process):
                    raise


def read_text(path: str) -> str:
    """Return a file of the kernel's, at two thirds of what `Path.read_text` costs."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        return file.read().decode("utf-8", errors="replace")


def _is_alive(process: str) -> bool:
    try:
        return _times_of(process).state not in ENDED
    except UNTOLD:
        return False


def _times_of(process: str) -> ProcessTimes:
    return read_stat(read_text(f"{process}/stat"))


def _children_of(process: str) -> Iterator[str]:
    """Yield the processes that any of its threads forked; proc_tid_children(5)."""
    for thread in os.listdir(f"{process}/task"):  # noqa: PTH208
        yield from read_text(f"{process}/task/{thread}/children").split()


def _switches_of(process: str) -> dict[str, tuple[int, int]]:
    """Return the context switches of each of its threads."""
    return {
        thread: read_context_switches(read_text(f"{process}/task/{thread}/status"))
        for thread in os.listdir(f"{process}/task")  # noqa: PTH208
    }


def _descriptors_of(process: str) -> int:
    """Return how many it has open; since Linux 6.2 that is the directory's size."""
    directory = f"{process}/fd"
    return os.stat(directory).st_size or len(os.listdir(directory))  # noqa: PTH116, PTH208


def _pss_bytes_of(process: str) -> int:
    return read_pss_bytes(read_text(f"{process}/smaps_rollup"))
