"""What messages and connections of a run cost beside their demands, told from the run itself.

Each figure is of stretches in which nothing waits for anything: from when a message and whoever
serves it are both there until service begins, from the end of service until its client knows. No
wait, no sum and no tail of response times goes in, so that what the twin predicts of those is not
what it was told.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from orchestrator.analysis.statistics import Durations, between_ns
from orchestrator.results.tables import Keys, Table, user_keys
from orchestrator.twin.demands import Work
from orchestrator.twin.parameters import TYPICAL, Discipline, Kind, Overhead

FEWEST = 5
MOST_NS = 1_000_000
Flags = npt.NDArray[np.bool_]


def calibrate(requests: Table, works: Sequence[Work], discipline: Discipline) -> Overhead:
    """Return the overhead of acknowledged ``requests``, whose demands are ``works``, row by row.

    Medians: half of all messages could be disturbed and they would stay where they are. One above
    `MOST_NS`, or of fewer than `FEWEST`, is replaced by `TYPICAL`: a host that delays every message
    by milliseconds is disturbed, and that is to be seen beside the prediction, not within it.
    """
    alone = _is_alone(requests, works, discipline)
    return _measure(requests, works, discipline, (alone, _typical))


def actual(requests: Table, works: Sequence[Work], discipline: Discipline) -> Overhead:
    """Return the mean overhead of ``requests``, whatever disturbed them.

    A worker that has a connection reads at once; what keeps it from that is no wait for a worker.
    """
    reads_at_once = np.full(len(requests), discipline.kind is not Kind.LOOP)
    which = reads_at_once | _is_alone(requests, works, discipline)
    return _measure(requests, works, discipline, (which, _mean))


Statistic = Callable[[Durations, int], int]


def _measure(
    requests: Table,
    works: Sequence[Work],
    discipline: Discipline,
    summed_up: tuple[Flags, Statistic],
) -> Overhead:
    """Return the overhead: of those requests whose services count, by that statistic."""
    which, of = summed_up
    ready_ns = np.maximum(_instants(requests, "sent_ns"), _taken_ns(requests))
    reading_ns = _instants(requests, "started_ns") - ready_ns
    demands_ns = np.array([work.demand_ns for work in works], np.int64)
    beyond_ns = between_ns(requests, "started_ns", "finished_ns") - demands_ns
    answering_ns = between_ns(requests, "finished_ns", "ended_ns")
    firsts, welcome = _firsts(requests), _is_welcome(requests, works, discipline)
    connecting_ns = between_ns(firsts, "begun_ns", "connected_ns")
    accepting_ns = _taken_ns(firsts) - _instants(firsts, "connected_ns")
    computing = _computing(works, discipline)
    alone_ns, among_ns = _turnovers_ns(requests, computing)
    resuming_ns = _resuming_ns(requests[computing & (discipline.kind is Kind.LOOP)])
    request_ns = of(reading_ns[which], TYPICAL.request_ns)
    turnover_ns = of(alone_ns - request_ns, TYPICAL.turnover_ns)
    among = _mean(among_ns - request_ns - turnover_ns, TYPICAL.switch_ns)
    return Overhead(
        request_ns=request_ns,
        service_ns=of(beyond_ns[which], TYPICAL.service_ns),
        answer_ns=of(answering_ns, TYPICAL.answer_ns),
        turn_ns=TYPICAL.turn_ns,
        resume_ns=of(resuming_ns, TYPICAL.resume_ns),
        connect_ns=of(connecting_ns, TYPICAL.connect_ns),
        accept_ns=of(accepting_ns[welcome], TYPICAL.accept_ns),
        turnover_ns=turnover_ns,
        switch_ns=among if discipline.kind is Kind.THREADS else 0,
    )


def _instants(requests: Table, column: str) -> Durations:
    instants: Durations = requests[column].astype(np.int64)
    return instants


def _taken_ns(requests: Table) -> Durations:
    """Return when each request's connection was taken by who serves it."""
    taken: Durations = np.maximum(requests["accepted_ns"], requests["dequeued_ns"]).astype(np.int64)
    return taken


def _computing(works: Sequence[Work], discipline: Discipline) -> Flags:
    """Tell which requests keep others from computing; in a loop that sleeps, a sleep does."""
    return np.array([work.is_computing or discipline.is_blocking for work in works], bool)


def _is_alone(requests: Table, works: Sequence[Work], discipline: Discipline) -> Flags:
    """Tell which requests met nobody else's computation from their sending to their end."""
    computing = _computing(works, discipline)
    met = _overlapping(requests, computing, requests["sent_ns"], requests["ended_ns"])
    alone: Flags = met - computing == 0
    return alone


def _overlapping(requests: Table, which: Flags, begin: Keys, end: Keys) -> Durations:
    """Return how many services of ``which`` requests overlap each span."""
    begun = np.searchsorted(np.sort(requests["started_ns"][which]), end, side="left")
    over = np.searchsorted(np.sort(requests["finished_ns"][which]), begin, side="right")
    overlapping: Durations = begun - over
    return overlapping


def _is_welcome(requests: Table, works: Sequence[Work], discipline: Discipline) -> Flags:
    """Tell which connections found somebody free to take them: an idle worker, an idle loop."""
    firsts, computing = _firsts(requests), _computing(works, discipline)
    came_ns = firsts["connected_ns"]
    undisturbed = _overlapping(requests, computing, came_ns, came_ns + 1) == 0
    order = np.lexsort((requests["sent_ns"], user_keys(requests)))
    _, begins = np.unique(user_keys(requests)[order], return_index=True)
    over_ns = np.sort(np.maximum.reduceat(requests["ended_ns"][order], begins))
    before = np.argsort(np.lexsort((_taken_ns(firsts), came_ns)))  # of one instant, by their turn
    there = before - np.searchsorted(over_ns, came_ns, side="right")
    is_idle = there < discipline.workers
    welcome: Flags
    match discipline.kind:
        case Kind.LOOP:
            welcome = undisturbed
        case Kind.THREADS:
            welcome = undisturbed & is_idle
        case _:
            welcome = is_idle
    return welcome


def _firsts(requests: Table) -> Table:
    """Return the first request of each connection."""
    order = np.lexsort((requests["sent_ns"], user_keys(requests)))
    _, first = np.unique(user_keys(requests)[order], return_index=True)
    return requests[order[first]]


def _turnovers_ns(requests: Table, computing: Flags) -> tuple[Durations, Durations]:
    """Return how long after a connection's last ack its worker served the next, which waited.

    Those in which nobody computed, and those that began while somebody did.
    """
    order = np.lexsort((requests["started_ns"], requests["worker"]))
    told, keys = requests[order], user_keys(requests)[order]
    follows = (told["worker"][1:] == told["worker"][:-1]) & (keys[1:] != keys[:-1])
    last_ns, next_ns = _instants(told, "ended_ns")[:-1], _instants(told, "started_ns")[1:]
    waited = follows & (_instants(told, "connected_ns")[1:] < last_ns) & (next_ns >= last_ns)
    last, following = last_ns[waited].astype(np.uint64), next_ns[waited].astype(np.uint64)
    turnovers_ns: Durations = (next_ns - last_ns)[waited]
    alone = _overlapping(requests, computing, last, following) == 0
    among = _overlapping(requests, computing, last, last + 1) > 0
    return turnovers_ns[alone], turnovers_ns[among]


def _resuming_ns(requests: Table) -> Durations:
    """Return how long after one blocking service a loop began the next, which waited."""
    told = requests[np.argsort(requests["started_ns"], kind="stable")]
    over_ns = _instants(told, "finished_ns")[:-1]
    ready_ns = np.maximum(_instants(told, "sent_ns"), _instants(told, "accepted_ns"))[1:]
    resuming_ns: Durations = (_instants(told, "started_ns")[1:] - over_ns)[ready_ns < over_ns]
    return resuming_ns


def _typical(durations_ns: Durations, otherwise_ns: int) -> int:
    """Return the median of what took time, if it is of enough and is not disturbed."""
    if len(durations_ns) < FEWEST:
        return otherwise_ns
    median_ns = max(round(float(np.median(durations_ns))), 0)
    return median_ns if median_ns <= MOST_NS else otherwise_ns


def _mean(durations_ns: Durations, otherwise_ns: int) -> int:
    if len(durations_ns) < FEWEST:
        return otherwise_ns
    return max(round(float(durations_ns.mean())), 0)
