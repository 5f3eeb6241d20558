"""Compares a run with its twin: the same arrivals, simulated, message by message and in total.

The run is simulated twice: *predicted* from the nominal demands and the calibrated overhead, and
*replayed* from the service times that the server logged. A difference between measured and
predicted that the replay does not have is due to service; one that it has too, to waiting or to the
way to the server and back.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from orchestrator.analysis.breakdown import BREAKDOWN, decompose, stage_measures
from orchestrator.analysis.client_measures import NO_MORE, request_measures, service_measures
from orchestrator.analysis.evidence import Evidence
from orchestrator.analysis.host_measures import cpus_text
from orchestrator.analysis.join import Merged
from orchestrator.analysis.statistics import Durations, Figures, between_ns
from orchestrator.measures.dimensions import TIME, format_value
from orchestrator.measures.percentiles import Percentiles
from orchestrator.measures.sentences import counted
from orchestrator.measures.stages import MEASURES_OF_STAGES
from orchestrator.measures.views import PREDICTED, REPLAYED
from orchestrator.results.client_samples import ACKED, RETRIED
from orchestrator.results.summary import TwinSummary
from orchestrator.results.tables import Flags, Table
from orchestrator.scenario.plan import Case
from orchestrator.twin.calibrate import calibrate, mean_overhead
from orchestrator.twin.clients import replay
from orchestrator.twin.demands import Work, group_demands
from orchestrator.twin.impatient_arrivals import is_impatient
from orchestrator.twin.parameters import EVENT_LOOPS, PASSING_ON, Discipline, Kind, Overhead
from orchestrator.twin.predict import (
    NO_END_NS,
    TIMED_OUT,
    NoTwinError,
    NoTwinOfLoadError,
    applicability,
    discipline_of,
    load_figures,
    overhead_share,
)
from orchestrator.twin.simulate import Simulated, simulate

MAX_MESSAGES = 500_000
"""With more, the two simulations would take longer than the rest of the analysis."""

TOLERANCES = {"response_time_mean": 0.03, "response_time_p99": 0.05}
"""How much of the prediction a figure may differ, which is more than the twin's own error."""

INSTANTS = (
    "due_ns", "sent_ns", "accepted_ns", "dequeued_ns", "started_ns", "finished_ns", "ended_ns",
)  # fmt: skip
SAMPLE = np.dtype(
    [(each, "<i8") for each in (*INSTANTS, "response_ns", "residual_ns")] + BREAKDOWN.descr
)
"""A request of the twin; ``residual_ns`` is the measured response time minus the twin's."""


@dataclass(frozen=True)
class Twin:
    """The twin's requests of a run, `PREDICTED` and `REPLAYED`.

    ``requests`` are the acknowledged ones of the run, ``rows`` their rows among all; ``tables``
    have the same rows and columns with the twin's instants. ``simulated`` is how many requests its
    load has: those that timed out and were served nevertheless, too.
    """

    rows: "np.ndarray[tuple[int], np.dtype[np.intp]]"
    requests: Table
    tables: Mapping[str, Table]
    overhead: Overhead
    workers: int
    kind: Kind
    simulated: int


_SUBJECTS = {
    "response_time_mean": "the mean answer took",
    "response_time_p99": "99% of the answers took up to",
}


@dataclass(frozen=True)
class Divergence:
    """A figure in which measured and predicted differ, in seconds, and the stage that differs most.

    ``part`` is that stage, with its measured and predicted mean.
    """

    measure: str
    measured_s: float
    predicted_s: float
    part: str
    part_measured_s: float
    part_predicted_s: float

    @property
    def grew_s(self) -> float:
        """By how much the mean of the stage is above the predicted one."""
        return self.part_measured_s - self.part_predicted_s

    def __str__(self) -> str:
        """Return two statements whose numbers can be checked against each other."""
        differs_s = self.measured_s - self.predicted_s
        way = "longer" if differs_s > 0 else "less"
        ratio = self.measured_s / self.predicted_s
        times = f"{ratio:.3g} times" if ratio >= 2 else f"{ratio - 1:+.1%}"  # noqa: PLR2004
        measured, predicted, differs, part, part_predicted = (
            format_value(each, TIME)
            for each in (
                self.measured_s,
                self.predicted_s,
                abs(differs_s),
                self.part_measured_s,
                self.part_predicted_s,
            )
        )
        return (
            f"{_SUBJECTS[self.measure]} {differs} {way} than predicted: {measured} instead of "
            f"{predicted} ({times}); of its parts, {self.part} differs most: {part} instead "
            f"of {part_predicted} in the mean"
        )


@dataclass(frozen=True)
class TwinComparison:
    """The twin's figures, ``views``, and requests, ``samples``, `PREDICTED` and `REPLAYED`.

    ``samples`` have the rows of the run, all 0 for a request that the twin does not have. Both are
    empty if there is no twin; the summary has the reason. ``overhead`` is as calibrated.
    """

    summary: TwinSummary
    views: Mapping[str, Figures] = field(default_factory=dict)
    samples: Mapping[str, Table] = field(default_factory=dict)
    overhead: Overhead | None = None

    @property
    def predicted_ns(self) -> Durations | None:
        """The predicted response times, None if there is no twin."""
        table = self.samples.get(PREDICTED)
        return None if table is None else table["response_ns"][table["ended_ns"] > 0]


def compare_with_twin(
    case: Case, merged: Merged, evidence: Evidence, discipline: str | None
) -> TwinComparison:
    """Compare a run of ``case`` with its twin; ``discipline`` is its model's label."""
    start_ns = evidence.clients.start_ns
    cpus = evidence.clients.host.get("cpus")
    if not cpus:
        return TwinComparison(TwinSummary(remark="no twin: the number of CPUs is not known"))
    try:
        twin = build_twin(case, merged, start_ns, {case.model: discipline or ""}, cpus)
    except NoTwinError as exc:
        lacks_load = isinstance(exc, NoTwinOfLoadError)
        return TwinComparison(TwinSummary(remark=str(exc), lacks_load=lacks_load))
    begin_ns = start_ns + round(evidence.warmup_s * 1e9)
    views = {
        name: run_figures(each, begin_ns, twin.workers, case.percentiles)
        for name, each in twin.tables.items()
    }
    measured = run_figures(twin.requests, begin_ns, twin.workers)
    divergence = find_divergence(measured, views[PREDICTED])
    summary = TwinSummary(
        remark="; ".join(_remarks(twin, merged, evidence, divergence)),
        part=divergence.part if divergence else None,
        grew_s=divergence.grew_s if divergence else None,
        overhead_s=_in_seconds(twin.overhead),
    )
    samples = {name: _samples(twin, table, merged) for name, table in twin.tables.items()}
    return TwinComparison(summary, views, samples, twin.overhead)


def _remarks(
    twin: Twin, merged: Merged, evidence: Evidence, divergence: Divergence | None
) -> Iterator[str]:
    """Yield how the run differs from its twin, and what limits the comparison."""
    if divergence:
        yield str(divergence)
        if cpus := cpus_text(evidence):
            yield f"on {cpus}"
    predicted = twin.tables[PREDICTED]
    if remark := applicability(overhead_share(predicted, twin.overhead, twin.kind)):
        yield remark
    if missing := len(merged.requests) - twin.simulated:
        is_again = len(merged.messages) < len(merged.requests)
        sent = counted(len(merged.requests), "attempts to send" if is_again else "messages")
        yield f"{missing} of {sent} not acknowledged, and missing in the twin's load"


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


def build_twin(
    case: Case, merged: Merged, start_ns: int, twins: Mapping[str, str], cpus: float
) -> Twin:
    """Return the twin of a run of ``case``, which began at ``start_ns`` on ``cpus`` CPUs.

    Raises:
        NoTwinError: there is none; the message has the reason.
    """
    discipline = discipline_of(case, twins, cpus)
    is_acked = _is_known(merged.requests) & (merged.requests["outcome"] == ACKED)
    rows = np.flatnonzero(is_acked)
    if not 0 < len(rows) <= MAX_MESSAGES:
        raise NoTwinError(
            f"{counted(len(rows), 'messages')} acknowledged; a twin has 1 to {MAX_MESSAGES}"
        )
    is_load = is_acked | _is_served_in_vain(case, merged.requests)
    load, is_own = merged.requests[is_load], is_acked[is_load]
    works = _nominal_works(case, load)
    requests = load[is_own]
    own_works = [work for work, own in zip(works, is_own.tolist(), strict=True) if own]
    overhead = calibrate(requests, own_works, discipline)
    inputs = {
        PREDICTED: (works, discipline, replace(overhead, connect_ns=0)),
        REPLAYED: (
            _measured_works(load, works),
            replace(discipline, cpus=1.0 if discipline.kind in EVENT_LOOPS else np.inf),
            # The mean answer contains what the CPUs delayed.
            replace(
                mean_overhead(requests, own_works, discipline), connect_ns=0, service_ns=0, cpu_ns=0
            ),
        ),
    }
    tables = {}
    for name, (work, served_by, cost) in inputs.items():
        clients = replay(load, case.orders, start_ns, work)
        simulated = simulate(clients, served_by, cost, NO_END_NS)
        tables[name] = _as_requests(load, simulated, start_ns, served_by)[is_own]
    return Twin(rows, requests, tables, overhead, discipline.workers, discipline.kind, len(load))


def _is_known(requests: Table) -> Flags:
    """Return which requests have all of their instants."""
    instants = ("connected_ns", "accepted_ns", "started_ns", "finished_ns")
    known: Flags = np.all([requests[each] > 0 for each in instants], axis=0)
    return known


def _is_served_in_vain(case: Case, requests: Table) -> Flags:
    """Return which requests the server served although their clients had given them up.

    Of those with a connection each: in a pool, what follows depends on when the client gave up.
    """
    each = [number for number, order in enumerate(case.orders) if is_impatient(order)]
    is_given_up = np.isin(requests["outcome"], (RETRIED, TIMED_OUT))
    return is_given_up & np.isin(requests["group"], each) & _is_known(requests)


def _nominal_works(case: Case, requests: Table) -> list[Work]:
    """Return the demand of each request, as its client drew it."""
    drawn = group_demands(case)
    columns = (requests[column].tolist() for column in ("group", "user", "message"))
    return [drawn[group].of(user, message) for group, user, message in zip(*columns, strict=True)]


def _measured_works(requests: Table, works: Sequence[Work]) -> list[Work]:
    """Return how long each request was served, including the time it shared its CPU.

    The log has the whole service only. So one with several parts takes at least that long: the
    waits between its parts are simulated, and the rest of the time that was logged follows them.
    """
    served_ns = between_ns(requests, "started_ns", "finished_ns").tolist()
    return [
        work._replace(least_ns=each_ns) if work.parts else Work(each_ns, work.is_computing)
        for each_ns, work in zip(served_ns, works, strict=True)
    ]


def _as_requests(requests: Table, found: Simulated, start_ns: int, discipline: Discipline) -> Table:
    """Return ``requests`` with the simulated instants; messages are numbered by their rows."""
    table = requests.copy()
    rows, connections = found.messages["message"], found.connections[found.messages["connection"]]
    instants = {
        "due_ns": found.messages["due_ns"],
        "sent_ns": found.messages["sent_ns"],
        "connected_ns": connections["connected_ns"],
        "accepted_ns": connections["accepted_ns"],
        "dequeued_ns": connections["taken_ns"],
        "received_ns": found.messages["received_ns"],
        "started_ns": found.messages["started_ns"],
        "finished_ns": found.messages["finished_ns"],
        "acked_ns": found.messages["finished_ns"],
        "first_byte_ns": found.messages["ended_ns"],
        "ended_ns": found.messages["ended_ns"],
    }
    for column, values in instants.items():
        table[column][rows] = values + start_ns
    if discipline.kind not in PASSING_ON:
        table["dequeued_ns"] = 0
    return table


def run_figures(
    table: Table, begin_ns: int, workers: int, percentiles: Percentiles = NO_MORE
) -> Figures:
    """Return the figures of requests, of a run or of its twin, due from ``begin_ns`` on."""
    counted = table[table["due_ns"] >= begin_ns]
    return {
        **load_figures(counted, begin_ns, workers),
        **request_measures(counted, percentiles),
        **service_measures(counted, percentiles),
        **stage_measures(decompose(counted)),
    }


def find_divergence(measured: Figures, predicted: Figures) -> Divergence | None:
    """Return the first figure of `TOLERANCES` that differs by more, None if none does."""
    for name, tolerance in TOLERANCES.items():
        ours_s, theirs_s = measured[name], predicted[name]
        if ours_s and theirs_s and abs(ours_s / theirs_s - 1) > tolerance:
            part = _most_different(measured, predicted)
            return Divergence(
                name, ours_s, theirs_s, part, measured[part] or 0.0, predicted[part] or 0.0
            )
    return None


def _most_different(measured: Figures, predicted: Figures) -> str:
    """Return the stage whose mean differs most."""
    return max(
        MEASURES_OF_STAGES,
        key=lambda name: abs((measured[name] or 0.0) - (predicted[name] or 0.0)),
    )
