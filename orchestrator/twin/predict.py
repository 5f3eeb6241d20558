"""What the twin says of a case before it runs, for reports and for the command line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from labkit.workload.load_order import POLITE
from orchestrator.analysis.statistics import Figures, between_ns, peak_overlap, ratio, statistics_s
from orchestrator.measures.views import PREDICTED
from orchestrator.scenario.plan import Case
from orchestrator.twin.formulas import Steady, UnstableError, steady_state
from orchestrator.twin.parameters import NONE, Discipline, Kind, Overhead
from orchestrator.twin.simulate import Simulated, simulate, sources_of

NO_END_NS = 2**62


class NoTwinError(ValueError):
    """The twin does not know how the model serves, or how its clients behave; it says which."""


@dataclass(frozen=True)
class Prediction:
    """What the twin says of one case.

    ``figures`` are of the simulation, by the names of the registry of measures where it has one,
    in base units; besides ``waiting_time_mean`` (due until service begins) and ``waiting_mean``
    (how many wait). ``steady`` is the closed formula, None where there is none. ``remarks`` say
    what the figures leave out.
    """

    case: Case
    figures: Figures
    steady: Steady | None
    remarks: tuple[str, ...]


def predict(
    case: Case, twins: Mapping[str, str], cpus: float, overhead: Overhead = NONE
) -> Prediction:
    """Return what becomes of the load of ``case``, to its last ack, on a machine of its own.

    ``twins`` is what each model says of itself, see `orchestrator.scenario.models.discover_twins`.

    Raises:
        NoTwinError: the model says nothing that the twin knows, or its clients are not polite.
    """
    discipline = discipline_of(case, twins, cpus)
    found = simulate(sources_of(case), discipline, overhead, NO_END_NS)
    figures = figures_of(found, discipline.workers)
    remarks = list(_remarks(case, figures))
    try:
        steady = steady_state(case, discipline)
    except UnstableError as exc:
        steady = None
        remarks.append(str(exc))
    return Prediction(case, figures, steady, tuple(remarks))


def values_of(prediction: Prediction) -> Figures:
    """Return what an expression may name of a prediction: what is set, ``predicted.`` what not."""
    predicted = {f"{PREDICTED}.{name}": value for name, value in prediction.figures.items()}
    return {**prediction.case.inputs(), **predicted}


def discipline_of(case: Case, twins: Mapping[str, str], cpus: float) -> Discipline:
    """Return how ``case`` is served.

    Raises:
        NoTwinError: the twin does not know.
    """
    told = twins.get(case.model, "")
    if told not in [*Kind]:
        raise NoTwinError(
            f"{case.model} has no twin: its service has no label lab.twin that it knows"
        )
    rude = {order.behaviour for order in case.orders} - {POLITE}
    if rude:
        raise NoTwinError(f"the twin knows polite clients only, not {', '.join(sorted(rude))}")
    return Discipline.of(Kind(told), case, cpus)


def figures_of(found: Simulated, workers: int) -> Figures:
    """Return the figures of a simulation; see `Prediction`."""
    messages, talks = found.messages, found.talks
    makespan_s = int(messages["ended_ns"].max(initial=0)) / 1e9
    response_ns = between_ns(messages, "due_ns", "ended_ns")
    waiting_ns = between_ns(messages, "due_ns", "started_ns")
    accepted = talks[talks["accepted_ns"] >= 0]
    in_queue_ns = between_ns(accepted, "connected_ns", "accepted_ns")
    return {
        "makespan": makespan_s,
        "throughput": ratio(len(messages), makespan_s),
        "utilization": ratio(found.busy_ns / 1e9, workers * makespan_s),
        **statistics_s("response_time", response_ns, "mean", "p50", "p90", "p99", "p999", "max"),
        **statistics_s("waiting_time", waiting_ns, "mean"),
        "waiting_mean": ratio(float(waiting_ns.sum()) / 1e9, makespan_s),
        "in_system_mean": ratio(float(response_ns.sum()) / 1e9, makespan_s),
        "accept_queue_mean": ratio(float(in_queue_ns.sum()) / 1e9, makespan_s),
        "accept_queue_max": peak_overlap(accepted["connected_ns"], accepted["accepted_ns"]),
        "peak_in_service": peak_overlap(messages["started_ns"], messages["finished_ns"]),
        "acked": len(messages),
    }


def _remarks(case: Case, figures: Figures) -> Iterator[str]:
    queued, backlog = figures["accept_queue_max"] or 0, case.inputs()["backlog"]
    if queued > backlog + 1:
        yield (
            f"{queued:.0f} connections wait to be accepted, and the backlog holds {backlog:.0f}:"
            " the others come later, or fail; the twin lets all wait"
        )
    for key in ("connect_timeout", "answer_timeout"):
        if any(getattr(group, key) for group in case.groups):
            yield f"{key} is left out: whoever waits, waits on"
