"""Runs made by the simulation, as if they had been measured."""

import numpy as np

from labkit.wire.samples import OUTCOMES
from orchestrator.analysis.join import CONNECTION, REQUEST, Merged
from orchestrator.results.tables import Table
from orchestrator.scenario.plan import Case
from orchestrator.twin.parameters import Discipline, Kind, Overhead
from orchestrator.twin.simulate import Simulated
from tests.unit.orchestrator.twin.load_fixtures import CPUS, simulated

START_NS = 1_000_000_000_000
TWINS = {"any": "process"}


def measured(kind: Kind, case: Case, overhead: Overhead) -> Merged:
    """Return what clients and server would have recorded, with absolute instants."""
    found = simulated(kind, case, overhead)
    rows, connections = found.messages, found.connections[found.messages["connection"]]
    requests: Table = np.zeros(len(rows), REQUEST)
    for column in ("due_ns", "sent_ns", "started_ns", "finished_ns", "ended_ns"):
        requests[column] = rows[column] + START_NS
    for column in ("begun_ns", "connected_ns", "accepted_ns"):
        requests[column] = connections[column] + START_NS
    if kind is Kind.THREADS:
        requests["dequeued_ns"] = connections["taken_ns"] + START_NS
    requests["received_ns"] = requests["started_ns"]
    requests["group"], requests["user"] = connections["group"], connections["user"]
    requests["replica"] = connections["group"]  # a replica each
    requests["message"] = rows["message"]
    requests["outcome"] = OUTCOMES.index("acked")
    workers = Discipline.of(kind, case, CPUS).workers
    requests["worker"] = _workers(found, workers)[rows["connection"]]
    order = np.argsort(requests["sent_ns"], kind="stable")
    return Merged(requests[order], np.zeros(0, CONNECTION))


def _workers(found: Simulated, workers: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Return a worker for each connection: the one that has been free longest."""
    free_ns, chosen = [-1] * workers, np.zeros(len(found.connections), np.int64)
    for number in np.argsort(found.connections["taken_ns"], kind="stable"):
        worker = int(np.argmin(free_ns))
        free_ns[worker] = int(found.connections["ended_ns"][number])
        chosen[number] = worker + 1
    return chosen
