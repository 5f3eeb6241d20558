"""The event logs of one server: one per worker, one for signal handlers, and their counts.

The last event, `stopped`, also reports the CPU time and memory that the server used.
"""

import mmap
import resource
import sys
from pathlib import Path

from labkit.clock import own_clock_fields
from labkit.server.events import EVENTS, LEVELS, NUMBER, EventLog, Field
from labkit.server.settings import MAX_WORKERS, Settings
from labkit.server.stream import Stream


class Counts:
    """How often each log emitted each event, in memory that forked workers share.

    The counts of a killed worker remain, so a reader of the log can prove which lines are missing.
    """

    def __init__(self, logs: int) -> None:
        self._cells = memoryview(mmap.mmap(-1, logs * len(EVENTS) * 8)).cast("Q")

    def row(self, log: int) -> memoryview:
        """Return the counters of log number ``log``, one cell per event."""
        return self._cells[log * len(EVENTS) : (log + 1) * len(EVENTS)]

    def total(self, event: str) -> int:
        """Return how often ``event`` happened, in all logs, including those of dead workers."""
        return sum(self._cells[NUMBER[event] :: len(EVENTS)])

    def logged(self, level: str) -> dict[str, int]:
        """Return how many lines of each event a log of ``level`` holds."""
        totals = ((event, self.total(event)) for event in EVENTS if event in LEVELS[level])
        return {event: total for event, total in totals if total}


class Logs:
    """Log ``n`` belongs to worker ``n``, log 0 to the thread or process that only accepts.

    ``control`` is for signal handlers, which may interrupt a write to any other log. A worker's log
    is made when it is first asked for; until then its counts are zero pages.
    """

    def __init__(self, model: str, settings: Settings) -> None:
        self._level = settings.log_level
        self.stream = Stream(
            model, 1, as_text=settings.log_format == "text", level=settings.log_level
        )
        self._counts = Counts(MAX_WORKERS + 2)
        self._logs: dict[int, EventLog] = {}
        self.control = EventLog(self.stream, 0, self._counts.row(MAX_WORKERS + 1))
        self._excluded_s = (0.0, 0.0)
        self.exclude_cpu_times(resource.getrusage(resource.RUSAGE_CHILDREN))  # before the exec

    def __getitem__(self, worker: int) -> EventLog:
        """Return the log of ``worker``, from 0 to `MAX_WORKERS`."""
        if worker not in self._logs:
            self._logs[worker] = EventLog(self.stream, worker, self._counts.row(worker))
        return self._logs[worker]

    def become_worker(self) -> None:
        """After a fork: log with the pid of this process, whose signals interrupt a write."""
        self.stream.heed((), 0.0)
        for log in (*self._logs.values(), self.control):
            log.note_pid()

    def flush(self) -> None:
        """Write all gathered lines."""
        for log in self._logs.copy().values():  # a thread may begin while this server stops
            log.flush()

    def connections_open(self) -> int:
        """Return how many connections are accepted and not ended, in all processes."""
        ended = self._counts.total("connection_closed") + self._counts.total("connection_failed")
        return self._counts.total("accepted") - ended

    def exclude_cpu_times(self, usage: resource.struct_rusage) -> None:
        """Leave ``usage``, of children that are no workers, out of what events report."""
        self._excluded_s = (
            self._excluded_s[0] + usage.ru_utime,
            self._excluded_s[1] + usage.ru_stime,
        )

    def cpu_fields(self) -> dict[str, float]:
        """Return what this process and its reaped workers used so far, for an event."""
        user_s, system_s = cpu_times_s()
        return {
            "cpu_user_s": round(user_s - self._excluded_s[0], 6),
            "cpu_system_s": round(system_s - self._excluded_s[1], 6),
        }

    def start_fields(self) -> dict[str, Field]:
        """Return the clocks and the interpreter of the server, and what its start took."""
        wall_ns, monotonic_ns = self.stream.anchor
        return {
            "wall_ns": wall_ns,
            "monotonic_ns": monotonic_ns,
            "clock": own_clock_fields(),
            "python": python_version(),
            "interpreter_lock": has_interpreter_lock(),
            **self.cpu_fields(),
        }

    def stopped(self, reason: str) -> None:
        """Log, once and as the last line, what the whole server did and used."""
        self.flush()
        if self.control.count("stopped"):
            return
        self.control.emit(
            "stopped",
            reason=reason,
            counts=self._counts.logged(self._level) | {"stopped": 1},
            **self.cpu_fields(),
            peak_memory_bytes=peak_memory_bytes(),
            interpreter_lock=has_interpreter_lock(),
        )
        self.control.flush()


def python_version() -> str:
    """Return the version of this interpreter: ``3.13.5``."""
    return "{}.{}.{}".format(*sys.version_info[:3])


def has_interpreter_lock() -> bool:
    """Whether only one thread of this process computes at a time.

    A free-threaded interpreter turns its lock on again for an extension that is not ready.
    """
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())  # absent before Python 3.13


def cpu_times_s() -> tuple[float, float]:
    """Return the user and system CPU seconds of this process and of its reaped children."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + children.ru_utime, own.ru_stime + children.ru_stime


def peak_memory_bytes() -> int:
    """Return this process's largest resident set, VmHWM of proc_pid_status(5).

    Not ru_maxrss of getrusage(2): it includes the program that this process was before its exec.
    """
    try:
        status = Path("/proc/self/status").read_bytes()
    except OSError:  # no descriptor is left
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return int(status.partition(b"VmHWM:")[2].split(maxsplit=1)[0]) * 1024
