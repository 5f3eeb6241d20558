"""A run beside its twin: the same arrivals, simulated, request by request and in the whole.

Twice: *predicted* from the nominal demands and the calibrated overhead, *replayed* from the service
times that the server logged. What predicted and measured differ in and replayed does not is
service; what replayed differs in too is waiting, or the way there and back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from labkit.protocol.work import Demand
from orchestrator.client_measures import ACKED, Figures, of_requests, of_service, ratio
from orchestrator.decompose import decompose, part_measures
from orchestrator.merge import Merged
from orchestrator.plan import Case
from orchestrator.quantiles import between_ns
from orchestrator.scenario.naming import PREDICTED, REPLAYED
from orchestrator.scenario.sections import SERVER_DEFAULTS
from orchestrator.tables import Table
from orchestrator.twin.calibrate import actual, calibrate
from orchestrator.twin.demands import GroupDemands, Work
from orchestrator.twin.discipline import Discipline, Kind
from orchestrator.twin.overhead import Overhead
from orchestrator.twin.predict import NO_END_NS, NoTwinError, discipline_of
from orchestrator.twin.replay import replay
from orchestrator.twin.simulate import Simulated, simulate

MAX_MESSAGES = 500_000
"""Of a run with more, simulated twice, the twin would take longer than the analysis itself."""


@dataclass(frozen=True)
class Twin:
    """A run's requests as the twin has them, by how it was fed, `PREDICTED` and `REPLAYED`.

    ``requests`` are those acknowledged, of which ``rows`` are the rows among all; ``tables`` have
    the same rows and the same columns, with the twin's instants in them.
    """

    rows: "np.ndarray[tuple[int], np.dtype[np.intp]]"
    requests: Table
    tables: Mapping[str, Table]
    overhead: Overhead
    workers: int


def twin_of(
    case: Case, merged: Merged, start_ns: int, twins: Mapping[str, str], cpus: float
) -> Twin:
    """Return the twin of a run of ``case``, which began at ``start_ns`` on so many CPUs.

    Raises:
        NoTwinError: there is none, and why.
    """
    discipline = discipline_of(case, twins, cpus)
    rows = np.flatnonzero(_is_known(merged.requests))
    if not 0 < len(rows) <= MAX_MESSAGES:
        raise NoTwinError(f"{len(rows)} messages acknowledged; the twin takes 1 to {MAX_MESSAGES}")
    requests = merged.requests[rows]
    works = _nominal(case, requests)
    overhead = calibrate(requests, works, discipline)
    fed = {
        PREDICTED: (works, discipline, replace(overhead, connect_ns=0)),
        REPLAYED: (
            _actual(requests, works),
            replace(discipline, cpus=1.0 if discipline.kind is Kind.LOOP else np.inf),
            replace(actual(requests, works, discipline), connect_ns=0, service_ns=0),
        ),
    }
    tables = {
        name: _as_requests(
            requests,
            simulate(replay(requests, case.orders, start_ns, works), served_by, beside, NO_END_NS),
            start_ns,
            served_by,
        )
        for name, (works, served_by, beside) in fed.items()
    }
    return Twin(rows, requests, tables, overhead, discipline.workers)


def _is_known(requests: Table) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Tell which requests were acknowledged, with all of their instants."""
    known = requests["outcome"] == ACKED
    for instant in ("connected_ns", "accepted_ns", "started_ns", "finished_ns"):
        known &= requests[instant] > 0
    return np.asarray(known)


def _nominal(case: Case, requests: Table) -> list[Work]:
    """Return what each request asked for, as its client drew it."""
    server = case.server
    default = Demand(server.work or SERVER_DEFAULTS.work, server.service_time_s)
    drawn = [GroupDemands(order, case.seed, default) for order in case.orders]
    columns = (requests[column].tolist() for column in ("group", "user", "message"))
    return [drawn[group].of(user, message) for group, user, message in zip(*columns, strict=True)]


def _actual(requests: Table, works: Sequence[Work]) -> list[Work]:
    """Return how long each request was really served; who shared a CPU has that in it already."""
    served_ns = between_ns(requests, "started_ns", "finished_ns").tolist()
    return [
        Work(each_ns, work.is_computing) for each_ns, work in zip(served_ns, works, strict=True)
    ]


def _as_requests(requests: Table, found: Simulated, start_ns: int, discipline: Discipline) -> Table:
    """Return ``requests`` with the instants of a simulation that numbered them by their rows."""
    table = requests.copy()
    rows, talks = found.messages["message"], found.talks[found.messages["talk"]]
    instants = {
        "due_ns": found.messages["due_ns"],
        "sent_ns": found.messages["sent_ns"],
        "connected_ns": talks["connected_ns"],
        "accepted_ns": talks["accepted_ns"],
        "dequeued_ns": talks["taken_ns"],
        "received_ns": found.messages["started_ns"],
        "started_ns": found.messages["started_ns"],
        "finished_ns": found.messages["finished_ns"],
        "acked_ns": found.messages["finished_ns"],
        "first_byte_ns": found.messages["ended_ns"],
        "ended_ns": found.messages["ended_ns"],
    }
    for column, values in instants.items():
        table[column][rows] = values + start_ns
    if discipline.kind is not Kind.THREADS:
        table["dequeued_ns"] = 0
    return table


def figures_of(table: Table, begin_ns: int, workers: int) -> Figures:
    """Return the figures of requests, measured or of the twin, due from ``begin_ns`` on."""
    counted = table[table["due_ns"] >= begin_ns]
    makespan_s = (int(counted["ended_ns"].max(initial=begin_ns)) - begin_ns) / 1e9
    busy_s = float(between_ns(counted, "started_ns", "finished_ns").sum()) / 1e9
    return {
        "makespan": makespan_s,
        "throughput": ratio(len(counted), makespan_s),
        "acked": len(counted),
        "utilization": ratio(busy_s, workers * makespan_s),
        **of_requests(counted),
        **of_service(counted),
        **part_measures(decompose(counted)),
    }
