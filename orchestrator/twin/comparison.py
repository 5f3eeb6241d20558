"""A run beside its twin: the same arrivals, simulated, request by request and in the whole.

Twice: *predicted* from the nominal demands and the calibrated overhead, *replayed* from the service
times that the server logged. What predicted and measured differ in and replayed does not is
service; what replayed differs in too is waiting, or the way there and back.

What there is to tell of a run and its twin: figures, samples, and where they part.

Where a run and its twin part: by how much, and which part of the response time grew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from labkit.protocol.work import Demand
from orchestrator.analysis.breakdown import BREAKDOWN, decompose, stage_measures
from orchestrator.analysis.client_measures import request_measures, service_measures
from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.join import Merged
from orchestrator.analysis.statistics import Durations, Figures, between_ns, ratio
from orchestrator.measures.dimensions import TIME, format_value
from orchestrator.measures.stages import MEASURES_OF_STAGES
from orchestrator.measures.views import PREDICTED, REPLAYED
from orchestrator.results.client_samples import ACKED
from orchestrator.results.summary import TwinSummary
from orchestrator.results.tables import Table
from orchestrator.scenario.plan import Case
from orchestrator.scenario.server import SERVER_DEFAULTS
from orchestrator.twin.calibrate import actual, calibrate
from orchestrator.twin.clients import replay
from orchestrator.twin.demands import GroupDemands, Work
from orchestrator.twin.parameters import Discipline, Kind, Overhead
from orchestrator.twin.predict import NO_END_NS, NoTwinError, discipline_of
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
        **request_measures(counted),
        **service_measures(counted),
        **stage_measures(decompose(counted)),
    }


INSTANTS = (
    "due_ns", "sent_ns", "accepted_ns", "dequeued_ns", "started_ns", "finished_ns", "ended_ns",
)  # fmt: skip
SAMPLE = np.dtype(
    [(each, "<i8") for each in (*INSTANTS, "response_ns", "residual_ns")] + BREAKDOWN.descr
)
"""A request as the twin has it; ``residual_ns`` is the measured response time less its own."""


@dataclass(frozen=True)
class Beside:
    """A run's twin: ``views`` are its figures and ``samples`` its requests, by how it was fed.

    Row by row those of the run, all 0 for a request that the twin does not have. Both are empty
    where there is no twin; the summary says why.
    """

    summary: TwinSummary
    views: Mapping[str, Figures] = field(default_factory=dict)
    samples: Mapping[str, Table] = field(default_factory=dict)

    @property
    def predicted_ns(self) -> Durations | None:
        """The response times that it predicts, None where there is no twin."""
        table = self.samples.get(PREDICTED)
        return None if table is None else table["response_ns"][table["ended_ns"] > 0]


def beside(case: Case, merged: Merged, evidence: Evidence, discipline: str | None) -> Beside:
    """Return what the twin makes of a run of ``case``; ``discipline`` is its model's label."""
    start_ns = evidence.clients.start_ns
    cpus = evidence.clients.host.get("cpus")
    if not cpus:
        return Beside(TwinSummary(remark="no twin: the number of the host's CPUs is not known"))
    try:
        twin = twin_of(case, merged, start_ns, {case.model: discipline or ""}, cpus)
    except NoTwinError as exc:
        return Beside(TwinSummary(remark=str(exc)))
    begin_ns = start_ns + round(evidence.warmup_s * 1e9)
    views = {name: figures_of(table, begin_ns, twin.workers) for name, table in twin.tables.items()}
    found = parting(figures_of(twin.requests, begin_ns, twin.workers), views[PREDICTED])
    told = TwinSummary(
        remark=str(found or ""),
        part=found.part if found else None,
        grew_s=found.grew_s if found else None,
        overhead_s=_in_seconds(twin.overhead),
    )
    samples = {name: _samples(twin, table, merged) for name, table in twin.tables.items()}
    return Beside(told, views, samples)


def _in_seconds(overhead: Overhead) -> dict[str, float]:
    return {name.removesuffix("_ns"): ns / 1e9 for name, ns in asdict(overhead).items()}


def _samples(twin: Twin, table: Table, merged: Merged) -> Table:
    """Return a row of `SAMPLE` for each request of the run."""
    samples: Table = np.zeros(len(merged.requests), SAMPLE)
    own: Table = np.zeros(len(table), SAMPLE)
    for column in INSTANTS:
        own[column] = table[column]
    own["response_ns"] = between_ns(table, "due_ns", "ended_ns")
    own["residual_ns"] = between_ns(twin.requests, "due_ns", "ended_ns") - own["response_ns"]
    parts = decompose(table)
    for column in BREAKDOWN.names or ():
        own[column] = parts[column]
    samples[twin.rows] = own
    return samples


PARTED = {"response_time_mean": 0.03, "response_time_p99": 0.05}
"""By what share of the predicted a figure may differ: more than the twin's own error."""


@dataclass(frozen=True)
class Parting:
    """A figure that measured and predicted part in, in seconds, and the part that accounts for it.

    ``grew_s`` is by how much the mean of that part differs, of ``differs_s`` in all.
    """

    measure: str
    measured_s: float
    predicted_s: float
    part: str
    grew_s: float
    differs_s: float

    def __str__(self) -> str:
        measured, predicted, grew, differs = (
            format_value(each, TIME)
            for each in (self.measured_s, self.predicted_s, self.grew_s, self.differs_s)
        )
        share = self.measured_s / self.predicted_s - 1
        return (
            f"{self.measure} is {measured}, predicted {predicted} ({share:+.1%}): "
            f"{self.part} differs by {grew} of {differs} in the mean"
        )


def parting(measured: Figures, predicted: Figures) -> Parting | None:
    """Return the first figure of `PARTED` in which they differ by more; None where none does."""
    for name, tolerance in PARTED.items():
        ours_s, theirs_s = measured[name], predicted[name]
        if ours_s and theirs_s and abs(ours_s / theirs_s - 1) > tolerance:
            part, grew_s = _culprit(measured, predicted)
            differs_s = (measured["response_time_mean"] or 0) - (
                predicted["response_time_mean"] or 0
            )
            return Parting(name, ours_s, theirs_s, part, grew_s, differs_s)
    return None


def _culprit(measured: Figures, predicted: Figures) -> tuple[str, float]:
    """Return the part whose mean differs most, and by how much."""
    differs_s = {
        name: (measured[name] or 0.0) - (predicted[name] or 0.0) for name in MEASURES_OF_STAGES
    }
    name = max(differs_s, key=lambda each: abs(differs_s[each]))
    return name, differs_s[name]
