"""Predicts a case before it runs, by simulation and by a closed formula."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from labkit.wire.samples import OUTCOMES
from labkit.workload.load_order import POLITE
from orchestrator.analysis.breakdown import decompose, stage_measures
from orchestrator.analysis.client_measures import in_time, request_measures, service_measures
from orchestrator.analysis.statistics import Figures, between_ns, peak_overlap, ratio
from orchestrator.measures.dimensions import TIME, format_value
from orchestrator.measures.sentences import counted
from orchestrator.measures.stages import MEASURES_OF_STAGES
from orchestrator.measures.views import PREDICTED
from orchestrator.results.client_samples import ACKED, RETRIED, without_retried
from orchestrator.results.tables import Table
from orchestrator.scenario.clients import Group
from orchestrator.scenario.plan import Case
from orchestrator.twin.core import TooManyMessagesError
from orchestrator.twin.demands import keeps_loops_busy
from orchestrator.twin.formulas import Steady, UnstableError, steady_state
from orchestrator.twin.impatient_arrivals import is_impatient
from orchestrator.twin.parameters import (
    EVENT_LOOPS,
    NONE,
    PASSING_ON,
    Discipline,
    Kind,
    Overhead,
)
from orchestrator.twin.simulate import Simulated, simulate, sources_of

NO_END_NS = 2**62
TIMED_OUT = OUTCOMES.index("timed_out")
MAX_MESSAGES = 2_500_000
"""Of a case. More take minutes: a message takes about 10 us of CPU time."""

MAX_DECOMPOSED = 500_000
"""Messages whose stages are computed; it takes more memory than the simulation."""

MIN_DRAWS, MAX_DRAWS = 5, 19
MAX_DRAWN_MESSAGES = 50_000
"""Other draws of a load, and the messages in all of them: half a second."""

MAX_OVERHEAD_SHARE = 0.2
"""Overhead differs between messages, and the twin's does not."""


class NoTwinError(ValueError):
    """There is no twin of the model or of its clients; the message has the reason."""


class NoTwinOfLoadError(NoTwinError):
    """The model has a twin for other loads."""


@dataclass(frozen=True)
class Prediction:
    """The prediction of one case.

    ``figures`` are those of the simulation, by the names of measures, in base units. ``steady`` is
    the closed formula, None if there is none. ``remarks`` say what the figures ignore. ``groups``
    are the figures of each group of clients, and ``workers`` how many serve.
    """

    case: Case
    figures: Figures
    steady: Steady | None
    remarks: tuple[str, ...]
    groups: Mapping[str, Figures] = field(default_factory=dict)
    workers: int | None = None

    @property
    def as_measured(self) -> Figures:
        """The values by the names that a run has for them, those of groups as ``group.name``."""
        known = {
            f"{group}.{name}": v for group, of in self.groups.items() for name, v in of.items()
        }
        workers = {} if self.workers is None else {"workers": float(self.workers)}
        return {**self.case.inputs(), **workers, **self.figures, **known}

    @property
    def values(self) -> Figures:
        """The values that an expression may name: inputs, and figures as ``predicted.<name>``."""
        predicted = {f"{PREDICTED}.{name}": value for name, value in self.figures.items()}
        return {**self.case.inputs(), **predicted}


def predict(
    case: Case,
    twins: Mapping[str, str],
    cpus: float,
    overhead: Overhead = NONE,
    max_messages: int = MAX_MESSAGES,
) -> Prediction:
    """Simulate ``case``, to its last ack, on a machine that runs nothing else.

    ``twins`` are the labels of the models, see `orchestrator.scenario.models.discover_twins`.

    Raises:
        NoTwinError: the model has no known label, its clients are not polite, or they send more
            than ``max_messages``.
    """
    discipline = discipline_of(case, twins, cpus)
    _check_length(case, max_messages)
    try:
        simulated = simulate(sources_of(case), discipline, overhead, NO_END_NS, max_messages)
    except TooManyMessagesError as exc:
        raise NoTwinError(_too_long(f"more than {max_messages}", max_messages)) from exc
    requests = _as_requests(simulated, discipline.kind)
    requests = requests[requests["due_ns"] >= _begin_ns(case)]
    figures = _figures(requests, discipline.workers, case)
    figures |= _queue_figures(simulated.connections, figures["makespan"])
    groups = {
        group.name: _figures(requests[requests["group"] == index], discipline.workers, case)
        for index, group in enumerate(case.groups)
    }
    share = overhead_share(simulated.messages, overhead, discipline.kind)
    remarks = [*filter(None, [applicability(share)]), *_remarks(case, figures)]
    if discipline.kind is Kind.PROCESSES_SPLIT and discipline.workers > 1:
        draws = min(MAX_DRAWN_MESSAGES, max_messages) // max(len(simulated.messages), 1)
        remarks.append(_range_of_draws(case, discipline, overhead, min(draws, MAX_DRAWS)))
    try:
        steady = steady_state(case, discipline)
    except UnstableError as exc:
        steady = None
        remarks.append(str(exc))
    return Prediction(case, figures, steady, tuple(remarks), groups, discipline.workers)


def _range_of_draws(case: Case, discipline: Discipline, overhead: Overhead, draws: int) -> str:
    """Return a remark on what so many other draws of each connection's worker come to."""
    drawn = "the kernel's hash decides which worker a connection waits for; the prediction draws it"
    if draws < MIN_DRAWS:
        return drawn
    means_s = []
    for seed in range(case.seed + 1, case.seed + 1 + draws):
        served_by = replace(discipline, seed=seed)
        rows = simulate(sources_of(case), served_by, overhead, NO_END_NS).messages
        measured = rows["due_ns"] + START_NS >= _begin_ns(case)
        means_s.append(float(between_ns(rows[measured], "due_ns", "ended_ns").mean()) / 1e9)
    least, most = (format_value(each, TIME) for each in (min(means_s), max(means_s)))
    return f"{drawn}, and with {draws} other draws the mean response is {least} to {most}"


def _check_length(case: Case, max_messages: int) -> None:
    """Check that the messages which are known beforehand are not too many."""
    messages = sum(map(_least_messages, case.groups))
    if messages > max_messages:
        raise NoTwinError(_too_long(f"about {messages}", max_messages))


def _least_messages(group: Group) -> int:
    """Return how many messages a group sends at least; an open one, in the mean."""
    if group.is_open:
        return round(group.profile.area)
    return group.peak_users * (getattr(group, "messages", None) or 1)


def _too_long(messages: str, max_messages: int) -> str:
    return (
        f"it has {messages} messages, and a prediction at most {max_messages}; "
        "use fewer users, fewer messages or a shorter duration"
    )


def discipline_of(
    case: Case, twins: Mapping[str, str], cpus: float, behaviours: Collection[str] = (POLITE,)
) -> Discipline:
    """Return how ``case`` is served; ``behaviours`` are those that its clients may have.

    Raises:
        NoTwinError: the model has no known label, its clients are not polite, or its messages keep
            one of several loops busy.
    """
    label = twins.get(case.model, "")
    if label not in [*Kind]:
        raise NoTwinError(f"{case.model} has no twin: its service has no known label lab.twin")
    impolite = {order.behaviour for order in case.orders}.difference(behaviours)
    if impolite:
        raise NoTwinError(f"the twin has polite clients only, not {', '.join(sorted(impolite))}")
    if label == Kind.LOOPS and keeps_loops_busy(case):
        raise NoTwinOfLoadError(
            f"{case.model} has a twin only for demands that sleep, without blocking_sleep: "
            "a message that keeps its loop busy delays those of the same loop, and the kernel "
            "chooses the loop of each connection"
        )
    return Discipline.of(Kind(label), case, cpus)


def load_figures(messages: Table, begin_ns: int, workers: int) -> Figures:
    """Return the figures of ``messages`` that a run and a simulation share.

    ``begin_ns`` is when measuring begins. Service after the end, of messages that their clients
    gave up, does not count.
    """
    end_ns = int(messages["ended_ns"].max(initial=begin_ns))
    makespan_s = (end_ns - begin_ns) / 1e9
    started_ns, finished_ns = (
        messages[each].astype(np.int64).clip(max=end_ns) for each in ("started_ns", "finished_ns")
    )
    busy_s = float((finished_ns - started_ns).sum()) / 1e9
    acked = int(np.count_nonzero(messages["outcome"] == ACKED))
    return {
        "makespan": makespan_s,
        "throughput": ratio(acked, makespan_s),
        "acked": acked,
        "utilization": ratio(busy_s, workers * makespan_s),
    }


def overhead_share(messages: Table, overhead: Overhead, kind: Kind) -> float:
    """Return the share of response times that overhead causes, including the waits for it.

    A wait for another message's service grows with the demand and the overhead of that message, so
    their proportion is that of one message. In a loop whose messages do not keep others from being
    served, every wait is for overhead. ``messages`` have been simulated.
    """
    if not len(messages):
        return 0.0
    demand_ns = max(float(between_ns(messages, "started_ns", "finished_ns").mean()), 0.0)
    demand_ns = max(demand_ns - overhead.service_ns, 0.0)
    is_side_by_side = peak_overlap(messages["started_ns"], messages["finished_ns"]) > 1
    if kind in EVENT_LOOPS and is_side_by_side:
        total_ns = float(between_ns(messages, "sent_ns", "ended_ns").mean())
    else:
        answer_ns = float(between_ns(messages, "finished_ns", "ended_ns").mean())
        total_ns = demand_ns + overhead.request_ns + overhead.service_ns + answer_ns
    return 1 - demand_ns / total_ns if total_ns else 0.0


def applicability(share: float) -> str:
    """Return a remark if the share of overhead is too large for the twin, else nothing."""
    if share <= MAX_OVERHEAD_SHARE:
        return ""
    return (
        f"overhead is {share:.0%} of the response time, more than a fifth: the twin does not apply,"
        " as it models queues and not the cost of a message"
    )


START_NS = 1
"""The common start of simulated requests; in the tables of a run, 0 means never."""

REQUEST_COLUMNS = (
    "replica", "user", "outcome", "group", "due_ns", "begun_ns", "connected_ns", "sent_ns",
    "accepted_ns", "dequeued_ns", "received_ns", "started_ns", "finished_ns", "ended_ns",
)  # fmt: skip


def _as_requests(simulated: Simulated, kind: Kind) -> Table:
    """Return the messages with the columns of a run's requests; a user is one of its group.

    What a client gave up ended then for it, whenever the server served it.
    """
    messages = simulated.messages
    connections = simulated.connections[messages["connection"]]
    table = np.zeros(len(messages), [(column, "<i8") for column in REQUEST_COLUMNS])
    for column in ("due_ns", "sent_ns", "received_ns", "started_ns", "finished_ns", "ended_ns"):
        table[column] = messages[column] + START_NS
    for column in ("begun_ns", "connected_ns", "accepted_ns"):
        table[column] = connections[column] + START_NS
    if kind in PASSING_ON:
        table["dequeued_ns"] = connections["taken_ns"] + START_NS
    table["group"], table["user"] = connections["group"], connections["user"]
    given_up_ns = connections["given_up_ns"]
    is_given_up = given_up_ns >= 0
    table["ended_ns"][is_given_up] = given_up_ns[is_given_up] + START_NS
    table["outcome"] = np.where(
        is_given_up, np.where(connections["is_retried"] > 0, RETRIED, TIMED_OUT), ACKED
    )
    table["replica"] = table["group"]
    return table


def _begin_ns(case: Case) -> int:
    """Return when measuring begins: at the end of the warm-up."""
    return START_NS + round(case.warmup_s * 1e9)


def _figures(requests: Table, workers: int, case: Case) -> Figures:
    """Return the figures of simulated requests that are due after the warm-up, as a run has them.

    ``waiting_time_mean`` is from due until service starts, ``waiting_mean`` how many wait.
    """
    load = load_figures(requests, _begin_ns(case), workers)
    makespan_s = load["makespan"]
    messages = without_retried(requests)
    acked = requests[requests["outcome"] == ACKED]
    in_system_ns = between_ns(messages, "due_ns", "ended_ns")
    waiting_ns = between_ns(requests, "due_ns", "started_ns")
    stages = decompose(acked) if len(acked) <= MAX_DECOMPOSED else None
    return {
        **load,
        **request_measures(messages, case.percentiles),
        **service_measures(requests, case.percentiles),
        **(dict.fromkeys(MEASURES_OF_STAGES) if stages is None else stage_measures(stages)),
        "waiting_mean": ratio(float(waiting_ns.sum()) / 1e9, makespan_s),
        "in_system_mean": ratio(float(in_system_ns.sum()) / 1e9, makespan_s),
        "goodput": _goodput_per_s(requests, makespan_s, case),
        **(
            _lost_figures(requests) if any(map(is_impatient, case.orders)) else {"unanswered": None}
        ),
    }


def _goodput_per_s(requests: Table, makespan_s: float | None, case: Case) -> float | None:
    deadlines_s = case.deadlines()
    is_good = in_time(requests, [deadlines_s.get(group.name) for group in case.groups])
    return None if is_good is None else ratio(int(np.count_nonzero(is_good)), makespan_s)


def _lost_figures(requests: Table) -> Figures:
    """Return the counts of messages and attempts that their clients gave up."""
    outcome = requests["outcome"]
    retries, failed = (int(np.count_nonzero(outcome == each)) for each in (RETRIED, TIMED_OUT))
    return {
        "sent": len(requests) - retries,
        "retries": retries,
        "failed": failed,
        "timed_out": retries + failed,
    }


def _queue_figures(connections: Table, makespan_s: float | None) -> Figures:
    accepted = connections[connections["accepted_ns"] >= 0]
    in_queue_ns = between_ns(accepted, "connected_ns", "accepted_ns")
    return {
        "accept_queue_mean": ratio(float(in_queue_ns.sum()) / 1e9, makespan_s),
        "accept_queue_max": peak_overlap(accepted["connected_ns"], accepted["accepted_ns"]),
    }


def _remarks(case: Case, figures: Figures) -> Iterator[str]:
    queued, backlog = figures["accept_queue_max"] or 0, case.inputs()["backlog"]
    if queued > backlog + 1:
        waiting = counted(round(queued), "connections wait")
        yield (
            f"{waiting} to be accepted, and the backlog holds {backlog:.0f}:"
            " in a run, the others are delayed or fail; in the twin, all wait"
        )
    if any(group.connect_timeout for group in case.groups):
        yield "connect_timeout is ignored: the twin's clients never give up"
    if any(each.answer_timeout_s and not is_impatient(each) for each in case.orders):
        yield (
            "answer_timeout is ignored, except of arrivals with a connection each:"
            " the twin's other clients never give up"
        )
