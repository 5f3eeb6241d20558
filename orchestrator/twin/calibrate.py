"""Measures the overhead of a run's messages and connections: what they cost beyond their demands.

Each figure is taken from times in which a message waits for no other: from when the message and its
worker are both ready until service starts, and from the end of service until the client has the
ack. Waits, sums and tails of response times are not used, so the twin's prediction of them is
independent of the measured ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from orchestrator.analysis.statistics import Durations, between_ns
from orchestrator.results.tables import Keys, Table, user_keys
from orchestrator.twin.demands import Work
from orchestrator.twin.parameters import TYPICAL, Discipline, Kind, Overhead

MIN_COUNT = 5
MAX_NS = 1_000_000
Flags = npt.NDArray[np.bool_]
Selection = tuple[Flags, Callable[[Durations, int], int]]
"""Requests, and the statistic of their durations; its second argument replaces too few."""


def calibrate(requests: Table, works: Sequence[Work], discipline: Discipline) -> Overhead:
    """Return the overhead of acknowledged ``requests``, whose demands are ``works``, row by row.

    Medians, which stay the same even if almost half of the messages are disturbed. `TYPICAL`
    replaces one above `MAX_NS`, or of fewer than `MIN_COUNT` values: a host that delays every
    message by milliseconds is disturbed, which must show as a difference to the prediction.
    ``cpu_ns`` is typical, since no instant of a message shows it.
    """
    alone = _is_alone(requests, works, discipline)
    overhead = _measure(requests, works, discipline, (alone, _typical))
    return replace(overhead, cpu_ns=TYPICAL.cpu_ns)


def mean_overhead(requests: Table, works: Sequence[Work], discipline: Discipline) -> Overhead:
    """Return the mean overhead of ``requests``, including all disturbances.

    A worker that has a connection reads at once, so a delay is not a wait for a worker.
    """
    reads_at_once = np.full(len(requests), discipline.kind is not Kind.LOOP)
    selected = reads_at_once | _is_alone(requests, works, discipline)
    return _measure(requests, works, discipline, (selected, _mean))


def _measure(
    requests: Table, works: Sequence[Work], discipline: Discipline, selection: Selection
) -> Overhead:
    """Return the overhead, its services from the selected requests, by the given statistic."""
    selected, of = selection
    ready_ns = np.maximum(_instants(requests, "sent_ns"), _taken_ns(requests))
    reading_ns = _instants(requests, "started_ns") - ready_ns
    demands_ns = np.array([work.demand_ns for work in works], np.int64)
    beyond_ns = between_ns(requests, "started_ns", "finished_ns") - demands_ns
    answering_ns = between_ns(requests, "finished_ns", "ended_ns")
    connecting_ns = between_ns(_first_requests(requests), "begun_ns", "connected_ns")
    accepting_ns = _accepting_ns(requests, works, discipline)
    computing = _is_computing(works, discipline)
    alone_ns, among_ns = _turnovers_ns(requests, computing)
    resuming_ns = _resuming_ns(requests[computing & (discipline.kind is Kind.LOOP)])
    turns_ns = _turns_ns(requests[~computing & (discipline.kind is Kind.LOOP)])
    request_ns = of(reading_ns[selected], TYPICAL.request_ns)
    turnover_ns = of(alone_ns - request_ns, TYPICAL.turnover_ns)
    among = _mean(among_ns - request_ns - turnover_ns, TYPICAL.switch_ns)
    return Overhead(
        request_ns=request_ns,
        service_ns=of(beyond_ns[selected], TYPICAL.service_ns),
        answer_ns=of(answering_ns, TYPICAL.answer_ns),
        turn_ns=of(turns_ns, TYPICAL.turn_ns),
        resume_ns=of(resuming_ns, TYPICAL.resume_ns),
        connect_ns=of(connecting_ns, TYPICAL.connect_ns),
        accept_ns=of(accepting_ns, TYPICAL.accept_ns),
        turnover_ns=turnover_ns,
        switch_ns=among if discipline.kind is Kind.THREADS else 0,
    )


def _instants(requests: Table, column: str) -> Durations:
    instants: Durations = requests[column].astype(np.int64)
    return instants


def _taken_ns(requests: Table) -> Durations:
    """Return when each request's connection was taken by its worker."""
    taken: Durations = np.maximum(requests["accepted_ns"], requests["dequeued_ns"]).astype(np.int64)
    return taken


def _is_computing(works: Sequence[Work], discipline: Discipline) -> Flags:
    """Return which requests keep others from computing; a sleep does in a blocking loop."""
    return np.array(
        [bool(work.demand_ns) and (work.is_computing or discipline.is_blocking) for work in works],
        bool,
    )


def _is_alone(requests: Table, works: Sequence[Work], discipline: Discipline) -> Flags:
    """Return which requests overlap with no other that computes, from sent to ended."""
    computing = _is_computing(works, discipline)
    overlaps = _overlapping(requests, computing, requests["sent_ns"], requests["ended_ns"])
    alone: Flags = overlaps - computing == 0
    return alone


def _overlapping(requests: Table, which: Flags, begin: Keys, end: Keys) -> Durations:
    """Return how many services of the requests ``which`` overlap with each span."""
    begun = np.searchsorted(np.sort(requests["started_ns"][which]), end, side="left")
    over = np.searchsorted(np.sort(requests["finished_ns"][which]), begin, side="right")
    overlapping: Durations = begun - over
    return overlapping


def _accepting_ns(requests: Table, works: Sequence[Work], discipline: Discipline) -> Durations:
    """Return how long it took to take connections for which a worker or the loop was idle."""
    firsts = _first_requests(requests)
    accepting_ns: Durations = _taken_ns(firsts) - _instants(firsts, "connected_ns")
    return accepting_ns[_is_taken_at_once(requests, works, discipline)]


def _is_taken_at_once(requests: Table, works: Sequence[Work], discipline: Discipline) -> Flags:
    """Return which connections found an idle worker or an idle loop."""
    firsts, computing = _first_requests(requests), _is_computing(works, discipline)
    came_ns = firsts["connected_ns"]
    undisturbed = _overlapping(requests, computing, came_ns, came_ns + 1) == 0
    order = np.lexsort((requests["sent_ns"], user_keys(requests)))
    _, begins = np.unique(user_keys(requests)[order], return_index=True)
    over_ns = np.sort(np.maximum.reduceat(requests["ended_ns"][order], begins))
    before = np.argsort(np.lexsort((_taken_ns(firsts), came_ns)))  # ties: as they were taken
    there = before - np.searchsorted(over_ns, came_ns, side="right")
    is_idle = there < discipline.workers
    taken_at_once: Flags
    match discipline.kind:
        case Kind.LOOP:
            taken_at_once = undisturbed
        case Kind.THREADS:
            taken_at_once = undisturbed & is_idle
        case _:
            taken_at_once = is_idle
    return taken_at_once


def _first_requests(requests: Table) -> Table:
    """Return the first request of each connection."""
    order = np.lexsort((requests["sent_ns"], user_keys(requests)))
    _, first = np.unique(user_keys(requests)[order], return_index=True)
    return requests[order[first]]


def _turnovers_ns(requests: Table, computing: Flags) -> tuple[Durations, Durations]:
    """Return the times from a connection's last ack until its worker served a waiting one.

    First those in which no message computed, then those that began while one did.
    """
    order = np.lexsort((requests["started_ns"], requests["worker"]))
    ordered, keys = requests[order], user_keys(requests)[order]
    follows = (ordered["worker"][1:] == ordered["worker"][:-1]) & (keys[1:] != keys[:-1])
    last_ns, next_ns = _instants(ordered, "ended_ns")[:-1], _instants(ordered, "started_ns")[1:]
    waited = follows & (_instants(ordered, "connected_ns")[1:] < last_ns) & (next_ns >= last_ns)
    last, following = last_ns[waited].astype(np.uint64), next_ns[waited].astype(np.uint64)
    turnovers_ns: Durations = (next_ns - last_ns)[waited]
    alone = _overlapping(requests, computing, last, following) == 0
    among = _overlapping(requests, computing, last, last + 1) > 0
    return turnovers_ns[alone], turnovers_ns[among]


def _resuming_ns(requests: Table) -> Durations:
    """Return the times from the end of a blocking service until the loop started a waiting one."""
    ordered = requests[np.argsort(requests["started_ns"], kind="stable")]
    over_ns = _instants(ordered, "finished_ns")[:-1]
    ready_ns = np.maximum(_instants(ordered, "sent_ns"), _instants(ordered, "accepted_ns"))[1:]
    resuming_ns: Durations = (_instants(ordered, "started_ns")[1:] - over_ns)[ready_ns < over_ns]
    return resuming_ns


def _turns_ns(requests: Table) -> Durations:
    """Return the times from when a loop began a message until it began one that was ready before.

    Only if it answered at most one message meanwhile: the first of the two, which had no demand.
    """
    ordered = requests[np.argsort(requests["started_ns"], kind="stable")]
    begun_ns = _instants(ordered, "started_ns")
    ready_ns = np.maximum(_instants(ordered, "sent_ns"), _instants(ordered, "accepted_ns"))
    over_ns = np.sort(_instants(ordered, "finished_ns"))
    answered = np.diff(np.searchsorted(over_ns, begun_ns))
    own = _instants(ordered, "finished_ns")[:-1] <= begun_ns[1:]
    turns_ns: Durations = np.diff(begun_ns)[(ready_ns[1:] < begun_ns[:-1]) & (answered <= own)]
    return turns_ns


def _typical(durations_ns: Durations, otherwise_ns: int) -> int:
    """Return the median if it is of enough values and below `MAX_NS`, else ``otherwise_ns``."""
    if len(durations_ns) < MIN_COUNT:
        return otherwise_ns
    median_ns = max(round(float(np.median(durations_ns))), 0)
    return median_ns if median_ns <= MAX_NS else otherwise_ns


def _mean(durations_ns: Durations, otherwise_ns: int) -> int:
    if len(durations_ns) < MIN_COUNT:
        return otherwise_ns
    return max(round(float(durations_ns.mean())), 0)
