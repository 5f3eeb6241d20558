"""What takes place in a case by its twin, in the tables that a measured run has.

Without overhead, so that the picture shows queues alone and its figures are round.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from heapq import heappop, heappush

import numpy as np

from labkit.workload.load_order import POLITE
from orchestrator.analysis.chart_data import assign_rows
from orchestrator.analysis.join import CONNECTION, REQUEST, Merged
from orchestrator.results.client_samples import ACKED
from orchestrator.results.tables import Table
from orchestrator.scenario.plan import Case
from orchestrator.twin.parameters import NONE, PASSING_ON, Discipline, Kind
from orchestrator.twin.predict import NO_END_NS, discipline_of
from orchestrator.twin.silent_users import SILENT
from orchestrator.twin.simulate import Simulated, simulate, sources_of

START_NS = 1
"""The start of the load; in the tables of a run, 0 means never."""

IN_TURN = (Kind.PROCESSES, Kind.THREADS, Kind.THREADS_ACCEPTING)
"""The kinds whose idle workers wait in a line, in ``accept`` or at a queue; the first is woken."""


@dataclass(frozen=True)
class PredictedRun:
    """A case, how it is served, and its messages and connections."""

    case: Case
    discipline: Discipline
    merged: Merged

    @property
    def kind(self) -> Kind:
        """How the model serves."""
        return self.discipline.kind


def predict_run(case: Case, twins: Mapping[str, str], cpus: float) -> PredictedRun:
    """Simulate ``case`` on a machine with ``cpus`` CPUs; ``twins`` are the labels of the models.

    Raises:
        NoTwinError: its model has no twin for it.
    """
    backlog = int(case.inputs()["backlog"])
    served_by = discipline_of(case, twins, cpus, (POLITE, SILENT))
    discipline = replace(served_by, backlog=backlog)
    found = simulate(sources_of(case), discipline, NONE, NO_END_NS)
    connections = _connections(found.connections, discipline.kind)
    requests = _requests(found, connections)
    _set_workers(requests, connections, found, discipline)
    order = np.argsort(requests["sent_ns"], kind="stable")
    return PredictedRun(case, discipline, Merged(requests[order], connections))


def _connections(simulated: Table, kind: Kind) -> Table:
    table = np.zeros(len(simulated), CONNECTION)
    for column in ("group", "user"):
        table[column] = simulated[column]
    table["replica"] = table["group"]
    for column in ("begun_ns", "connected_ns", "accepted_ns", "ended_ns"):
        table[column] = simulated[column] + START_NS
    if kind in PASSING_ON:
        table["dequeued_ns"] = simulated["taken_ns"] + START_NS
    return table


def _requests(found: Simulated, connections: Table) -> Table:
    messages = found.messages
    own = connections[messages["connection"]]
    table = np.zeros(len(messages), REQUEST)
    for column in ("group", "replica", "user", "begun_ns", "connected_ns", "accepted_ns"):
        table[column] = own[column]
    table["message"] = messages["message"]
    table["outcome"] = ACKED
    for column in ("due_ns", "sent_ns", "received_ns", "started_ns", "finished_ns", "ended_ns"):
        table[column] = messages[column] + START_NS
    table["acked_ns"] = table["first_byte_ns"] = table["ended_ns"]
    return table


def _set_workers(
    requests: Table, connections: Table, found: Simulated, served_by: Discipline
) -> None:
    """Set the number of each worker: the known one, else that which the model would choose."""
    known = found.connections["worker"]
    own = found.messages["connection"]
    kind, workers = served_by.kind, served_by.workers
    if kind is Kind.LOOP or known.any():
        connections["worker"] = np.maximum(known, 1)
    elif kind is Kind.LOOP_AND_POOL:
        connections["worker"] = 1
        requests["worker"] = _in_turn(requests["started_ns"], requests["finished_ns"], workers)
        return
    else:
        taken_ns = found.connections["taken_ns"] + START_NS
        choice = _in_turn if kind in IN_TURN else _lowest_free
        connections["worker"] = choice(taken_ns, connections["ended_ns"], workers)
    requests["worker"] = connections["worker"][own]


def _in_turn(begun_ns: Table, ended_ns: Table, workers: int) -> list[int]:
    """Return the worker of each span: of those that are free, the one that has waited longest."""
    worker_of = [0] * len(begun_ns)
    free = deque(range(1, workers + 1))
    busy: list[tuple[int, int]] = []
    ends_ns = ended_ns.tolist()
    for place in np.argsort(begun_ns, kind="stable").tolist():
        while busy and (busy[0][0] <= begun_ns[place] or not free):
            free.append(heappop(busy)[1])
        worker_of[place] = free.popleft()
        heappush(busy, (ends_ns[place], worker_of[place]))
    return worker_of


def _lowest_free(begun_ns: Table, ended_ns: Table, _: int) -> list[int]:
    spans = list(zip(begun_ns.tolist(), ended_ns.tolist(), strict=True))
    return [row + 1 for row in assign_rows(spans)]
