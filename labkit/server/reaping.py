"""Reaps the child processes of a server, wait4(2), and logs how each ended.

Other children are reaped and not logged: those of the shell that executed this program, and, for
the first process of a container, those whose parent has ended.
"""

import os
import signal
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

from labkit.server.service import Service

Kept = TypeVar("Kept")


class Exit(NamedTuple):
    """How a child ended; ``code`` is negative if a signal ended it."""

    pid: int
    code: int
    peak_memory_bytes: int

    @property
    def reason(self) -> str:
        """The name of the signal that ended the process, or its exit code."""
        if self.code >= 0:
            return f"exit code {self.code}"
        try:
            return signal.Signals(-self.code).name
        except ValueError:  # most real-time signals have no name
            return f"signal {-self.code}"


def reaped(
    service: Service, running: dict[int, Kept], *, wait: bool = False
) -> Iterator[tuple[Kept, Exit]]:
    """Remove each child that has ended from ``running``, by pid, and yield what was kept there.

    Does not block; with ``wait`` it waits for the end of all of them.
    """
    while running:
        pid, status, usage = os.wait4(-1, 0 if wait else os.WNOHANG)
        if pid == 0:
            return
        if pid in running:
            code = os.waitstatus_to_exitcode(status)
            yield running.pop(pid), Exit(pid, code, usage.ru_maxrss * 1024)
        else:
            service.exclude_cpu_times(usage)


def log_exit(service: Service, worker: int, ended: Exit, reason: str) -> None:
    """Log that the process of ``worker`` has ended, and write that at once."""
    log = service.log(0)
    log.emit(
        "worker_exited",
        index=worker,
        worker_pid=ended.pid,
        exit_code=ended.code,
        reason=reason,
        peak_memory_bytes=ended.peak_memory_bytes,
    )
    log.flush()
