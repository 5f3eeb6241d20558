"""The client's own health: whether its measurements may show its own limits."""

import contextlib
import gc
import math
import time
from array import array
from pathlib import Path
from typing import TypedDict

CPU_STATS = tuple(
    Path("/sys/fs/cgroup", *controller, "cpu.stat") for controller in ([], ["cpu"], ["cpu,cpuacct"])
)
SCHEDSTAT = Path("/proc/thread-self/schedstat")


class Health(TypedDict):
    """CPU and wall time of the run; how late the loop acted on what was due by the clock.

    ``throttled_periods``: in how many periods the container used up its CPU quota, None if unknown.
    ``run_delay_s``: how long the loop was ready and waited for a CPU, None if unknown.
    """

    cpu_s: float
    wall_s: float
    lags: int
    lag_p50_ns: int | None
    lag_p99_ns: int | None
    lag_max_ns: int | None
    gc_pauses: int
    gc_pause_s: float
    throttled_periods: int | None
    run_delay_s: float | None


class HealthMonitor:
    """Monitors one run, from `__enter__` to `__exit__`; wall time counts from ``start_ns``."""

    def __init__(self, start_ns: int) -> None:
        self._start_ns = start_ns
        self._gc_pauses = 0
        self._gc_pause_ns = 0
        self._gc_began_ns = 0

    def __enter__(self) -> "HealthMonitor":
        gc.callbacks.append(self._on_gc)
        self._throttled = throttled_periods()
        self._run_delay_s = run_delay_s()
        self._cpu_s = -time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self._cpu_s += time.process_time()
        self._wall_s = max(time.monotonic_ns() - self._start_ns, 0) / 1e9
        gc.callbacks.remove(self._on_gc)
        if self._throttled is not None:
            self._throttled = (throttled_periods() or 0) - self._throttled

        if self._run_delay_s is not None:
            self._run_delay_s = (run_delay_s() or 0.0) - self._run_delay_s

    def result(self, lags_ns: "array[int]") -> Health:
        """Return the health of the run; ``lags_ns`` is the loop's record of how late it was."""
        ordered = sorted(lags_ns)
        return Health(
            cpu_s=round(self._cpu_s, 6),
            wall_s=round(self._wall_s, 6),
            lags=len(ordered),
            lag_p50_ns=_quantile(ordered, 0.50),
            lag_p99_ns=_quantile(ordered, 0.99),
            lag_max_ns=_quantile(ordered, 1.0),
            gc_pauses=self._gc_pauses,
            gc_pause_s=self._gc_pause_ns / 1e9,
            throttled_periods=self._throttled,
            run_delay_s=None if self._run_delay_s is None else max(self._run_delay_s, 0.0),
        )

    def _on_gc(self, phase: str, _counts: dict[str, int]) -> None:
        if phase == "start":
            self._gc_began_ns = time.monotonic_ns()
        else:
            self._gc_pauses += 1
            self._gc_pause_ns += time.monotonic_ns() - self._gc_began_ns


def throttled_periods() -> int | None:
    """Return in how many periods this container has used up its CPU quota since it started.

    That is ``nr_throttled`` in cpu.stat of its cgroup, version 2 or 1 (cgroups(7)); None if no file
    has it.
    """
    for path in CPU_STATS:
        with contextlib.suppress(OSError, ValueError, KeyError):
            fields = dict(line.split() for line in path.read_text(encoding="ascii").splitlines())
            return int(fields["nr_throttled"])
    return None


def run_delay_s() -> float | None:
    """Return how long the calling thread was ready and waited for a CPU since it started.

    That is the second number in its ``schedstat``, in ns; None if the kernel does not report it.
    """
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(SCHEDSTAT.read_text(encoding="ascii").split()[1]) / 1e9
    return None


def _quantile(ordered: list[int], share: float) -> int | None:
    """Return the nearest-rank quantile (Hyndman and Fan 1996, type 1), None if empty."""
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1] if ordered else None
