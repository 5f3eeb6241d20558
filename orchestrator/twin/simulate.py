"""Simulates one load on one model, from the first connection to the last ack."""

import gc
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from labkit.workload.load_order import OPEN, Order, Share
from orchestrator.results.tables import Table
from orchestrator.scenario.plan import Case
from orchestrator.twin.clients import Arrivals, PooledArrivals, Users
from orchestrator.twin.connector import Connector
from orchestrator.twin.core import (
    CONNECTION_COLUMNS,
    MESSAGE_COLUMNS,
    Connection,
    EventQueue,
    Model,
    Record,
    Source,
)
from orchestrator.twin.demands import Thinking, group_demands
from orchestrator.twin.event_loop import EventLoop
from orchestrator.twin.impatient_arrivals import ImpatientArrivals, is_impatient
from orchestrator.twin.loop_and_pool import LoopAndPool
from orchestrator.twin.loops import Loops
from orchestrator.twin.parameters import Discipline, Kind, Overhead
from orchestrator.twin.silent_users import SILENT, SilentUsers
from orchestrator.twin.worker_pool import WorkerPool


@dataclass(frozen=True)
class Simulated:
    """The result: tables with the columns `MESSAGE_COLUMNS` and `CONNECTION_COLUMNS`, in ns.

    Instants count from the common start; -1 means never.
    """

    messages: Table
    connections: Table


_MODELS: dict[Kind, Callable[[EventQueue, Record, Overhead, Discipline], Model]] = {
    Kind.LOOP: EventLoop,
    Kind.LOOPS: Loops,
    Kind.LOOP_AND_POOL: LoopAndPool,
}


def simulate(
    sources: Sequence[Source],
    discipline: Discipline,
    overhead: Overhead,
    end_ns: int,
    max_messages: int = sys.maxsize,
) -> Simulated:
    """Simulate the load of the clients ``sources`` until ``end_ns``.

    Raises:
        TooManyMessagesError: it has more than ``max_messages``.
    """
    events, record = EventQueue(), Record(end_ns, max_messages)
    server = _MODELS.get(discipline.kind, WorkerPool)(events, record, overhead, discipline)
    connector = Connector(events, record, overhead, server, discipline.backlog)
    for source in sources:
        if isinstance(source, PooledArrivals | SilentUsers):
            source.start(events, server)
        elif isinstance(source, ImpatientArrivals):
            source.start(events, connector.begin)
    with _without_garbage_collection():
        connector.start(sources)
        events.run(end_ns)
    return Simulated(
        messages=np.frombuffer(record.messages, dtype=[(each, "=i8") for each in MESSAGE_COLUMNS]),
        connections=_table(record.connections),
    )


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Disable the garbage collector: there are no cycles, and a million clients make it slow."""
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_enabled:
            gc.enable()


def sources_of(case: Case) -> list[Source]:
    """Return the clients of a case as planned by its scenario."""
    order = Order(case.orders, "", case.seed, 0.0, 0.0, 0.0)
    sources: list[Source] = []
    replica = 0
    for number, (group, demands) in enumerate(zip(case.orders, group_demands(case), strict=True)):
        if group.behaviour == SILENT:
            sources.append(SilentUsers(number, group))
        elif group.loop != OPEN:
            sources.append(Users(number, group, demands, Thinking(group, case.seed)))
        elif not group.connections:
            kind = ImpatientArrivals if is_impatient(group) else Arrivals
            sources.append(kind(number, group, case.seed, demands))
        else:
            shares = (Share.of(order, replica + place) for place in range(group.replicas))
            sources += [PooledArrivals.planned(number, share, demands) for share in shares]
        replica += group.replicas
    return sources


def _table(connections: Iterable[Connection]) -> Table:
    rows = [
        (
            conn.source.group, conn.user, conn.worker, conn.begun_ns, conn.connected_ns,
            conn.accepted_ns, conn.taken_ns, conn.ended_ns, conn.given_up_ns, conn.attempt,
            conn.is_retried,
        )
        for conn in connections
    ]  # fmt: skip
    return np.array(rows, dtype=[(each, "=i8") for each in CONNECTION_COLUMNS])
