"""Measures of the probe's kernel figures: pure functions of its looks and of joined tables."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from orchestrator.analysis.statistics import Figures, ratio
from orchestrator.results.client_samples import ACKED
from orchestrator.results.kernel_log import KernelLog, Look
from orchestrator.results.tables import Table

MIN_CONNECTIONS = 100
"""With fewer, Python's own memory exceeds that of the connections."""

PASSED = {
    "listen_overflows": "listen_overflows",
    "listen_drops": "listen_drops",
    "retransmits": "retransmits",
    "throttled_time": "throttled_s",
}
PER_MESSAGE = {
    "cpu_user_per_message": "cpu_user_s",
    "cpu_system_per_message": "cpu_system_s",
    "context_switches_voluntary_per_message": "context_switches_voluntary",
    "context_switches_involuntary_per_message": "context_switches_involuntary",
}
HIGHEST = {
    "processes": "processes",
    "threads": "threads",
    "descriptors": "descriptors",
    "memory_pss": "memory_pss_bytes",
}

Instants = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """The measured time of a run; ``is_warmed_up``: there was load before it."""

    begin_ns: int
    end_ns: int
    is_warmed_up: bool


@dataclass(frozen=True)
class _Series:
    """One field of the looks that have it."""

    at_ns: Instants
    values: Values

    def passed(self, window: Window) -> float | None:
        """Return by how much a counter grew.

        The server is idle before and after the load, so the looks just outside are used; after a
        warm-up, the value at its end is interpolated between two looks.
        """
        if len(self.at_ns) < 2:  # noqa: PLR2004 a difference takes two
            return None
        if window.is_warmed_up:
            begin = float(np.interp(window.begin_ns, self.at_ns, self.values))
        else:
            begin = float(self.values[self._before(window.begin_ns)])
        return float(self.values[self._after(window.end_ns)]) - begin

    def highest(self, window: Window) -> float | None:
        """Return the highest value in the window and at the looks next to it."""
        if not len(self.at_ns):
            return None
        begin, end = self._before(window.begin_ns), self._after(window.end_ns)
        near = self.values[begin : end + 1]  # empty if the clients' reports are absurd
        return float(near.max()) if len(near) else None

    def _before(self, instant_ns: int) -> int:
        """Return the index of the last look not after ``instant_ns``, else of the first."""
        return max(int(np.searchsorted(self.at_ns, instant_ns, side="right")) - 1, 0)

    def _after(self, instant_ns: int) -> int:
        """Return the index of the first look not before ``instant_ns``, else of the last."""
        return min(int(np.searchsorted(self.at_ns, instant_ns)), len(self.at_ns) - 1)


def kernel_measures(log: KernelLog, window: Window, requests: Table, connections: Table) -> Figures:
    """Return the measures by name; None if no look has the field."""
    passed = {name: _counter(log.looks, field).passed(window) for name, field in PASSED.items()}
    acked = _acked(requests, log, window)
    per_message = {
        name: ratio(_counter(log.looks, field).passed(window), acked)
        for name, field in PER_MESSAGE.items()
    }
    highest = {name: _series(log.looks, field).highest(window) for name, field in HIGHEST.items()}
    descriptors = _series(log.looks, "descriptors").values
    return {
        "accept_queue_depth": _accept_queue_depth(log.accept_queue, window),
        **passed,
        **per_message,
        **highest,
        "descriptors_last": float(descriptors[-1]) if len(descriptors) else None,
        "memory_per_connection": _memory_per_connection(log, window, connections),
        "throttled": _throttled(log, window),
        "probe_cpu_share": _probe_cpu_share(log, window),
    }


def throttled_periods(log: KernelLog) -> int:
    """Return in how many periods of its quota the server was throttled, 0 if unknown."""
    periods = _counter(log.looks, "throttled_periods").values
    return int(periods[-1] - periods[0]) if len(periods) else 0


def window_cpu_s(log: KernelLog, window: Window) -> float | None:
    """Return the server's CPU time in the window, None without two looks."""
    user_s, system_s = (
        _counter(log.looks, field).passed(window) for field in ("cpu_user_s", "cpu_system_s")
    )
    return None if user_s is None or system_s is None else user_s + system_s


def run_delay_s(log: KernelLog, window: Window) -> float | None:
    """Return how long the server's threads were ready in the window and had no CPU.

    None without two looks.
    """
    return _counter(log.looks, "run_delay_s").passed(window)


def throttled_time_s(log: KernelLog, window: Window) -> float | None:
    """Return how long the CPU quota stopped the server in the window; None without two looks."""
    return _counter(log.looks, "throttled_s").passed(window)


def probe_cpu_s(log: KernelLog) -> float:
    """Return the CPU time of the probe."""
    spent = _counter(log.lines, "probe_cpu_s").values
    return float(spent[-1]) if len(spent) else 0.0


def _counter(looks: Sequence[Look], field: str) -> _Series:
    """Return a counter that goes on when a restart of the server resets it to 0."""
    series = _series(looks, field)
    lost = np.where(np.diff(series.values) < 0, series.values[:-1], 0.0)
    return _Series(series.at_ns, series.values + np.concatenate([[0.0], np.cumsum(lost)]))


def _series(looks: Sequence[Look], field: str) -> _Series:
    looks = [look for look in looks if field in look]
    at_ns = np.array([look["t_ns"] for look in looks], dtype=np.int64)
    return _Series(at_ns, np.array([look[field] for look in looks], dtype=np.float64))


def _acked(requests: Table, log: KernelLog, window: Window) -> int:
    """Return how many messages were acked in the window, as far as there were looks."""
    last_ns = log.looks[-1]["t_ns"] if log.looks else 0
    ended_ns = requests["ended_ns"][requests["outcome"] == ACKED]
    return int(np.count_nonzero((ended_ns >= window.begin_ns) & (ended_ns <= last_ns)))


def _accept_queue_depth(queue: Table, window: Window) -> float | None:
    at_ns = queue["at_ns"].astype(np.int64)
    seen = queue["length"][(at_ns >= window.begin_ns) & (at_ns <= window.end_ns)]
    return float(seen.max()) if len(seen) else None


def _throttled(log: KernelLog, window: Window) -> float | None:
    """Return the share of throttled periods; 0 if there is no quota."""
    periods = _counter(log.looks, "cpu_periods").passed(window)
    throttled = _counter(log.looks, "throttled_periods").passed(window)
    return throttled if throttled == 0 else ratio(throttled, periods)


def _probe_cpu_share(log: KernelLog, window: Window) -> float | None:
    spent = _counter(log.lines, "probe_cpu_s")
    within = (spent.at_ns >= window.begin_ns) & (spent.at_ns <= window.end_ns)
    at_ns, values = spent.at_ns[within], spent.values[within]
    if len(at_ns) < 2:  # noqa: PLR2004 a difference takes two
        return None
    return ratio(float(values[-1] - values[0]), float(at_ns[-1] - at_ns[0]) / 1e9)


def _memory_per_connection(log: KernelLog, window: Window, connections: Table) -> float | None:
    """Return by how much anonymous memory grew per connection, when most of them were open.

    PSS would also change when another program maps, or no longer maps, the same libraries. None
    below `MIN_CONNECTIONS`. The kernel's memory of a socket is not included.
    """
    memory = _series(log.looks, "memory_anonymous_bytes")
    connected = connections[connections["connected_ns"] > 0]
    if not len(connected) or not len(memory.at_ns):
        return None
    begun_ns = np.sort(connected["connected_ns"].astype(np.int64))
    ended_ns = np.sort(connected["ended_ns"].astype(np.int64))
    idle = memory.at_ns <= begun_ns[0]
    there = np.searchsorted(begun_ns, memory.at_ns, "right") - np.searchsorted(
        ended_ns, memory.at_ns, "right"
    )
    most = int(there.argmax())
    if not idle.any() or there[most] < MIN_CONNECTIONS or memory.at_ns[most] > window.end_ns:
        return None
    return float(memory.values[most] - memory.values[idle][-1]) / float(there[most])
