"""What takes place in a case by its twin, in the tables that a measured run has.

Without overhead, so that the picture shows queues alone and its figures are round.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

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
    _set_workers(requests, connections, found, discipline.kind)
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


def _set_workers(requests: Table, connections: Table, found: Simulated, kind: Kind) -> None:
    """Set the number of each worker: the known one, else the lowest that is free."""
    known = found.connections["worker"]
    own = found.messages["connection"]
    if kind is Kind.LOOP or known.any():
        connections["worker"] = np.maximum(known, 1)
    elif kind is Kind.LOOP_AND_POOL:
        connections["worker"] = 1
        requests["worker"] = _lowest_free(requests["started_ns"], requests["finished_ns"])
        return
    else:
        taken_ns = found.connections["taken_ns"] + START_NS
        connections["worker"] = _lowest_free(taken_ns, connections["ended_ns"])
    requests["worker"] = connections["worker"][own]


def _lowest_free(begun_ns: Table, ended_ns: Table) -> list[int]:
    spans = list(zip(begun_ns.tolist(), ended_ns.tolist(), strict=True))
    return [row + 1 for row in assign_rows(spans)]
