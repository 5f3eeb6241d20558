"""Runs made by the simulation, as if they had been measured."""

import numpy as np

from labkit.wire.samples import OUTCOMES
from orchestrator.analysis.join import CONNECTION, REQUEST, Merged
from orchestrator.analysis.statistics import Durations
from orchestrator.results.tables import Table
from orchestrator.scenario.plan import Case
from orchestrator.twin.parameters import PASSING_ON, Discipline, Kind, Overhead
from tests.unit.orchestrator.twin.load_fixtures import CPUS, simulated

START_NS = 1_000_000_000_000
TWINS = {"any": "process"}


def measured(kind: Kind, case: Case, overhead: Overhead) -> Merged:
    """Return what clients and server would have recorded, with absolute instants."""
    found = simulated(kind, case, overhead)
    rows, connections = found.messages, found.connections[found.messages["connection"]]
    requests: Table = np.zeros(len(rows), REQUEST)
    for column in ("due_ns", "sent_ns", "received_ns", "started_ns", "finished_ns", "ended_ns"):
        requests[column] = rows[column] + START_NS
    for column in ("begun_ns", "connected_ns", "accepted_ns"):
        requests[column] = connections[column] + START_NS
    if kind in PASSING_ON:
        requests["dequeued_ns"] = connections["taken_ns"] + START_NS
    requests["group"], requests["user"] = connections["group"], connections["user"]
    requests["replica"] = connections["group"]  # a replica each
    requests["message"] = rows["message"]
    requests["outcome"] = OUTCOMES.index("acked")
    _give_up(requests, rows, connections)
    workers = Discipline.of(kind, case, CPUS).workers
    if kind is Kind.LOOP_AND_POOL:
        requests["worker"] = _workers(rows["started_ns"], rows["finished_ns"], workers)
    elif found.connections["worker"].any():
        requests["worker"] = connections["worker"]
    else:
        taken = found.connections
        kept = _workers(taken["taken_ns"], taken["ended_ns"], workers)
        requests["worker"] = kept[rows["connection"]]
    order = np.argsort(requests["sent_ns"], kind="stable")
    return Merged(requests[order], np.zeros(0, CONNECTION))


def _workers(begun_ns: Table, over_ns: Table, workers: int) -> Durations:
    """Return a worker for each connection or message: the one that has been free longest."""
    free_ns, chosen = [-1] * workers, np.zeros(len(begun_ns), np.int64)
    for number in np.argsort(begun_ns, kind="stable"):
        worker = int(np.argmin(free_ns))
        free_ns[worker] = int(over_ns[number])
        chosen[number] = worker + 1
    return chosen


def _give_up(requests: Table, rows: Table, connections: Table) -> None:
    """Let requests end when their clients gave them up; a retry is another connection."""
    given_up = connections["given_up_ns"] >= 0
    if given_up.any():
        requests["user"] = rows["connection"]
        requests["ended_ns"][given_up] = connections["given_up_ns"][given_up] + START_NS
        retried, timed_out = map(OUTCOMES.index, ("retried", "timed_out"))
        is_retried = connections["is_retried"][given_up] > 0
        requests["outcome"][given_up] = np.where(is_retried, retried, timed_out)
