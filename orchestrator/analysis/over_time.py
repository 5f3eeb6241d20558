"""A run in steps of time: load, throughput, failures, messages in flight and response times.

A message is offered when it is due, and counts as answered or failed when that is known. Response
times belong to the step in which the message was due: so a stall is seen from when it began, by all
messages that waited for its end, and not only when the answers come at last.

A connection that was never established counts as a message that was due when it was begun and has
no ack, because messages that wait for a connection are not recorded. So the load does not seem to
stop while a server is down. No clock and no files.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from orchestrator.analysis.join import Merged
from orchestrator.analysis.statistics import Durations, Figures, statistics_s
from orchestrator.analysis.windows import IN_FLIGHT
from orchestrator.measures.bounds import AtLeast
from orchestrator.results.client_samples import ACKED
from orchestrator.results.summary import OverTime
from orchestrator.results.tables import Flags

MOST_STEPS = 100
LEAST_STEP_NS = 1_000_000
STATISTICS = ("p50", "p99", "max")

Reals = npt.NDArray[np.float64]


class _Messages(NamedTuple):
    """When each message was due and ended, in ns from the common start, and how it ended."""

    due_ns: Durations
    ended_ns: Durations
    is_acked: Flags
    is_failed: Flags


class _Steps(NamedTuple):
    """The edges of the steps in ns, one more than steps; instants beyond them are in the last."""

    edges_ns: Durations

    @property
    def lengths_s(self) -> Reals:
        """How long each step is."""
        return np.diff(self.edges_ns) / 1e9

    def of(self, instants_ns: Durations) -> Durations:
        """Return the number of the step, from 0, in which each instant is."""
        return np.searchsorted(self.edges_ns[1:-1], instants_ns, side="right").astype(np.int64)

    def per_s(self, instants_ns: Durations) -> list[float]:
        """Return how many of the instants are in each step, per second."""
        counts = np.bincount(self.of(instants_ns), minlength=len(self.lengths_s))
        return [*map(float, (counts / self.lengths_s).round(3))]


def over_time(merged: Merged, start_ns: int, warmup_s: float) -> OverTime | None:
    """Return the run that began at ``start_ns`` in steps; None if no message was due.

    Messages due within ``warmup_s`` are included, unlike in the measures of the run.
    """
    messages = _messages(merged, start_ns)
    if not len(messages.due_ns):
        return None
    end_ns = max(int(messages.due_ns.max()), int(messages.ended_ns.max()), 1)
    step_ns = step_of(end_ns)
    steps = _steps(end_ns, step_ns)
    connections = merged.connections
    broken_ns = connections["ended_ns"][connections["outcome"] > 0].astype(np.int64) - start_ns
    columns = _response_times(messages, steps)
    return OverTime(
        step_s=step_ns / 1e9,
        end_s=end_ns / 1e9,
        warmup_s=warmup_s,
        begin_s=[begin_ns / 1e9 for begin_ns in steps.edges_ns[:-1].tolist()],
        offered_per_s=steps.per_s(messages.due_ns),
        throughput_per_s=steps.per_s(messages.ended_ns[messages.is_acked]),
        failed_per_s=steps.per_s(messages.ended_ns[messages.is_failed]),
        errors_per_s=steps.per_s(broken_ns),
        in_flight=_in_flight(messages, steps),
        **{f"{name}_s": [*map(_plain, column)] for name, column in columns.items()},
        lower_bounds={
            f"{name}_s": bounds
            for name, column in columns.items()
            if (bounds := [n for n, value in enumerate(column) if isinstance(value, AtLeast)])
        },
    )


def step_of(span_ns: int) -> int:
    """Return the length of a step: 1, 2 or 5 times a power of ten, at most 100 in ``span_ns``.

    So runs of a scenario that take a little longer or shorter have the same steps.
    """
    least_ns = max(-(-span_ns // MOST_STEPS), LEAST_STEP_NS)
    power: int = 10 ** int(math.log10(least_ns))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least_ns)


def _steps(end_ns: int, step_ns: int) -> _Steps:
    count = max(round(end_ns / step_ns), 1)
    return _Steps(np.append(np.arange(count, dtype=np.int64) * step_ns, end_ns))


def _messages(merged: Merged, start_ns: int) -> _Messages:
    """Return all messages, and one for each connection that was never established."""
    requests = merged.messages
    never = merged.connections[merged.connections["connected_ns"] == 0]
    due_ns = np.concatenate([requests["due_ns"], never["begun_ns"]]).astype(np.int64)
    ended_ns = np.concatenate([requests["ended_ns"], never["ended_ns"]]).astype(np.int64)
    unsent = np.zeros(len(never), bool)
    is_acked = requests["outcome"] == ACKED
    is_failed = ~is_acked & (requests["outcome"] != IN_FLIGHT)
    return _Messages(
        due_ns - start_ns,
        np.maximum(due_ns, ended_ns) - start_ns,
        np.concatenate([is_acked, unsent]),
        np.concatenate([is_failed, unsent]),
    )


def _in_flight(messages: _Messages, steps: _Steps) -> list[float]:
    """Return the mean number of messages that are due and not ended, over each step."""
    waited_ns = _passed(messages.due_ns, steps) - _passed(messages.ended_ns, steps)
    return [*map(float, (np.diff(waited_ns) / 1e9 / steps.lengths_s).round(3))]


def _passed(instants_ns: Durations, steps: _Steps) -> Reals:
    """Return for each edge the time from the instants before it until it, added up."""
    ordered = np.sort(instants_ns)
    sums = np.concatenate([[0.0], np.cumsum(ordered, dtype=np.float64)])
    before = np.searchsorted(ordered, steps.edges_ns)
    passed: Reals = before * steps.edges_ns - sums[before]
    return passed


def _response_times(messages: _Messages, steps: _Steps) -> dict[str, list[float | None]]:
    """Return the statistics of the response times of the messages due in each step, by name."""
    step = steps.of(messages.due_ns)
    order = np.argsort(step, kind="stable")
    response_ns = (messages.ended_ns - messages.due_ns)[order]
    is_bound = ~messages.is_acked[order]
    ends = np.cumsum(np.bincount(step, minlength=len(steps.lengths_s)))[:-1]
    found: list[Figures] = [
        statistics_s("response_time", own_ns, *STATISTICS, is_bound=bound)
        for own_ns, bound in zip(np.split(response_ns, ends), np.split(is_bound, ends), strict=True)
    ]
    return {name: [each[name] for each in found] for name in found[0]}


def _plain(value: float | None) -> float | None:
    return None if value is None else float(value)
