"""One load on one model, simulated from the first connection to the last ack."""

import gc
import heapq
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter

import numpy as np

from labkit.protocol.work import Demand
from labkit.workload.load_order import OPEN, Order, Share
from orchestrator.results.tables import Table
from orchestrator.scenario.plan import Case
from orchestrator.scenario.server import SERVER_DEFAULTS
from orchestrator.twin.clients import Arrivals, PooledArrivals, Users
from orchestrator.twin.core import MESSAGE, TALK, Agenda, Record, Server, Source, Talk
from orchestrator.twin.demands import GroupDemands, Thinking
from orchestrator.twin.event_loop import Loop
from orchestrator.twin.parameters import Discipline, Kind, Overhead
from orchestrator.twin.worker_pool import Pool


@dataclass(frozen=True)
class Simulated:
    """What happened: ``messages`` and ``talks`` have the columns `MESSAGE` and `TALK`, in ns.

    Instants count from the common start, -1 is never. ``busy_ns`` is the time in service of all.
    """

    messages: Table
    talks: Table
    busy_ns: int


def simulate(
    sources: Sequence[Source], discipline: Discipline, overhead: Overhead, end_ns: int
) -> Simulated:
    """Return what becomes of the clients' load until ``end_ns``."""
    agenda, record = Agenda(), Record(end_ns)
    server = (Loop if discipline.kind is Kind.LOOP else Pool)(agenda, record, overhead, discipline)
    for source in sources:
        if isinstance(source, PooledArrivals):
            source.start(agenda, server)
    with _uncollected():
        _Door(agenda, record, overhead, server).open_for(sources)
        agenda.run(end_ns)
    return Simulated(
        messages=np.frombuffer(record.messages, dtype=[(each, "=i8") for each in MESSAGE]),
        talks=_table(record.talks),
        busy_ns=record.busy_ns,
    )


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no cycles of garbage: there are none, and among a million clients it takes long."""
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_enabled:
            gc.enable()


class _Door:
    """Connections on their way in: each is asked for, established, and has its first message."""

    def __init__(self, agenda: Agenda, record: Record, overhead: Overhead, server: Server) -> None:
        self._agenda = agenda
        self._record = record
        self._connect_ns = overhead.connect_ns
        self._accept_ns = overhead.accept_ns
        self._server = server
        self._coming: Iterator[Talk] = iter(())

    def open_for(self, sources: Sequence[Source]) -> None:
        """Let the connections of ``sources`` come, by the time they are asked for."""
        self._coming = heapq.merge(*(s.talks() for s in sources), key=attrgetter("begun_ns"))
        self._await_next()

    def _await_next(self) -> None:
        talk = next(self._coming, None)
        if talk is not None:
            self._agenda.at(talk.begun_ns + self._connect_ns, self._connect, talk)

    def _connect(self, now_ns: int, talk: Talk) -> None:
        self._record.begin(talk)
        talk.connected_ns = now_ns
        talk.is_leaving = talk.source.connected(talk) is False
        if self._accept_ns:
            self._agenda.at(now_ns + self._accept_ns, self._server.connect, talk)
        else:
            self._server.connect(now_ns, talk)
        self._await_next()


def sources_of(case: Case) -> list[Source]:
    """Return the clients of a case, as its scenario plans them."""
    server = case.server
    default = Demand(server.work or SERVER_DEFAULTS.work, server.service_time_s)
    order = Order(case.orders, "", case.seed, 0.0, 0.0, 0.0)
    sources: list[Source] = []
    replica = 0
    for number, group in enumerate(case.orders):
        demands = GroupDemands(group, case.seed, default)
        if group.loop != OPEN:
            sources.append(Users(number, group, demands, Thinking(group, case.seed)))
        elif not group.connections:
            sources.append(Arrivals(number, group, case.seed, demands))
        else:
            shares = (Share.of(order, replica + place) for place in range(group.replicas))
            sources += [PooledArrivals.planned(number, share, demands) for share in shares]
        replica += group.replicas
    return sources


def _table(talks: Iterable[Talk]) -> Table:
    rows = [
        (
            talk.source.group, talk.user, talk.begun_ns, talk.connected_ns,
            talk.accepted_ns, talk.taken_ns, talk.ended_ns,
        )
        for talk in talks
    ]  # fmt: skip
    return np.array(rows, dtype=[(each, "=i8") for each in TALK])
