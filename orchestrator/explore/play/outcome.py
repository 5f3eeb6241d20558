"""The figures of a picture: how long messages take, and who waits.

They are about the users or arrivals alone, without the long message, from when these begin.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from orchestrator.analysis.statistics import (
    Durations,
    Figures,
    between_ns,
    peak_overlap,
    statistics_s,
)
from orchestrator.explore.play.predicted_run import START_NS, PredictedRun
from orchestrator.measures.dimensions import COUNT, RATE, TIME, Dimension, format_value
from orchestrator.report.columns import UNKNOWN
from orchestrator.results.tables import Table
from orchestrator.twin.parameters import KEEPING, STARTING, Kind


@dataclass(frozen=True)
class Row:
    """A row of the table: a measure, with what its values are."""

    title: str
    name: str
    dimension: Dimension


ROWS = (
    Row("last ack", "makespan", TIME),
    Row("acks per second", "throughput", RATE),
    Row("how many wait", "waiting", COUNT),
    Row("longest wait", "wait_max", TIME),
    Row("mean wait", "wait_mean", TIME),
    Row("response time: half within", "response_p50", TIME),
    Row("response time: 90% within", "response_p90", TIME),
    Row("response time: 99% within", "response_p99", TIME),
    Row("slowest response", "response_max", TIME),
    Row("most waiting to be accepted", "accept_queue_max", COUNT),
    Row("connects that find it full", "left_out", COUNT),
    Row("connects that fail", "unconnected", COUNT),
    Row("most connections of a worker", "connections_max", COUNT),
    Row("fewest connections of a worker", "connections_min", COUNT),
)


@dataclass(frozen=True)
class Outcome:
    """What one model does with the load of the controls; ``run`` is its prediction."""

    run: PredictedRun

    @cached_property
    def messages(self) -> Table:
        """The messages of the users or arrivals, in the order of sending."""
        requests = self.run.merged.requests
        found: Table = requests[requests["group"] == len(self.run.case.groups) - 1]
        return found

    @property
    def count(self) -> int:
        """How many users or arrivals there are, with those whose connects fail."""
        return int(np.unique(self.messages["user"]).size) + self.unconnected

    @cached_property
    def waiting(self) -> tuple[int, ...]:
        """The numbers, from 1, of the users with a message that waits for its service."""
        waits = self.messages["user"][self._waits_ns > 0]
        return tuple((np.unique(waits) + 1).tolist())

    @property
    def is_awaiting_service(self) -> bool:
        """Whether a message waits after it is due and its connection is established."""
        ready_ns = np.maximum(self.messages["due_ns"], self.messages["connected_ns"])
        return bool((self.messages["started_ns"] > ready_ns).any())

    @cached_property
    def figures(self) -> Figures:
        """The measures of `ROWS`, in base units; None if the sample is too small for one."""
        response_ns = between_ns(self.messages, "due_ns", "ended_ns")
        start_ns = START_NS + round(self.run.case.groups[-1].start_s * 1e9)
        end_s = float(self.messages["ended_ns"].max(initial=start_ns) - start_ns) / 1e9
        return {
            "makespan": end_s,
            "throughput": len(self.messages) / end_s if end_s else None,
            "waiting": len(self.waiting),
            **statistics_s("wait", self._waits_ns, "mean", "max"),
            **statistics_s("response", response_ns, "p50", "p90", "p99", "max"),
            "accept_queue_max": self._queued,
            "left_out": self.left_out,
            "unconnected": self.unconnected,
            "connections_max": max(self._connections_of_each, default=None),
            "connections_min": min(self._connections_of_each, default=None),
        }

    @property
    def places(self) -> int:
        """How many connections the accept queue holds: one more than the backlog."""
        return int(self.run.case.inputs()["backlog"]) + 1

    @cached_property
    def left_out(self) -> int:
        """How many connects find the accept queue full, and are tried again."""
        connections = self.run.merged.connections
        at_once = connections["connected_ns"] == connections["begun_ns"]
        return len(connections) - int(np.count_nonzero(at_once))

    @property
    def is_idle_before_retry(self) -> bool:
        """Whether a worker has no connection 1 ms before the last late one is established."""
        connections = self.run.merged.connections
        is_late = connections["connected_ns"] > connections["begun_ns"]
        if self.run.kind not in KEEPING or not is_late.any():
            return False
        before_ns = int(connections["connected_ns"][is_late].max()) - START_NS - 1_000_000
        return not all(
            any(begin_ns <= before_ns < end_ns for begin_ns, end_ns in spans)
            for spans in self.kept.values()
        )

    @property
    def unconnected(self) -> int:
        """How many connects fail, because the queue is full at each try."""
        return int(np.count_nonzero(self.run.merged.connections["connected_ns"] == 0))

    @cached_property
    def kept(self) -> Mapping[int, Sequence[tuple[int, int]]]:
        """When each worker keeps a connection, in ns from the start; connections at once are one.

        Only workers that are there from the start; those that keep none have no spans.
        """
        if self.run.kind in STARTING or self.run.kind is Kind.LOOP:
            return {}
        spans: dict[int, list[tuple[int, int]]] = {
            worker: [] for worker in range(1, self.run.discipline.workers + 1)
        }
        if self.run.kind in KEEPING:
            for worker, taken_ns, ended_ns in self._taken():
                own = spans[worker]
                is_next = bool(own) and own[-1][1] >= taken_ns
                own.append((own.pop()[0] if is_next else taken_ns, ended_ns))
        return spans

    def _taken(self) -> list[tuple[int, int, int]]:
        """Return the worker of each connection, and from when to when it has it; in this order."""
        connections = self.run.merged.connections
        connected = connections[connections["connected_ns"] > 0]
        taken_ns = np.maximum(connected["accepted_ns"], connected["dequeued_ns"]).astype(np.int64)
        order = np.argsort(taken_ns, kind="stable")
        columns = (connected["worker"], taken_ns - START_NS, connected["ended_ns"] - START_NS)
        return list(zip(*(column[order].tolist() for column in columns), strict=True))

    @property
    def idle(self) -> int:
        """How many workers that are there from the start have no connection, or no message."""
        busy = {*self.run.merged.connections["worker"].tolist()}
        if self.run.kind is Kind.LOOP_AND_POOL:
            busy = {*self.run.merged.requests["worker"].tolist()}
        return len(self.kept.keys() - busy)

    @property
    def is_stretched(self) -> bool:
        """Whether a service takes longer than its demand, since others compute at the time."""
        served_ns = between_ns(self.messages, "started_ns", "finished_ns")
        group = self.run.case.groups[-1]
        demand_s = group.demand_s(self.run.case.server.max_service_time_s) or 0.0
        return bool(len(served_ns)) and float(served_ns.mean()) > demand_s * 1e9 * 1.01

    @property
    def cells(self) -> list[str]:
        """The texts of `ROWS`."""
        return [_text(row, self.figures[row.name]) for row in ROWS]

    @property
    def _connections_of_each(self) -> list[int]:
        """How many connections each worker has that is there from the start, if it has any."""
        if self.run.kind is Kind.LOOP_AND_POOL:
            return []
        connections = self.run.merged.connections
        own = connections["worker"][connections["connected_ns"] > 0]
        return [int(np.count_nonzero(own == worker)) for worker in self.kept]

    @cached_property
    def _waits_ns(self) -> Durations:
        return between_ns(self.messages, "due_ns", "started_ns")

    @cached_property
    def _queued(self) -> int:
        connections = self.run.merged.connections
        return peak_overlap(
            connections["connected_ns"].astype(np.int64),
            connections["accepted_ns"].astype(np.int64),
        )


def _text(row: Row, value: float | None) -> str:
    return UNKNOWN if value is None else format_value(value, row.dimension)
