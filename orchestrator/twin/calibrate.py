"""Measures the overhead of a run's messages and connections: what they cost beyond their demands.

Each figure is taken from times in which a message waits for no other: from when the message and its
worker are both ready until service starts, and from the end of service until the client has the
ack. Waits, sums and tails of response times are not used, so the twin's prediction of them is
independent of the measured ones.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from orchestrator.analysis.statistics import Durations, between_ns
from orchestrator.results.tables import Table, user_keys
from orchestrator.twin.demands import Work
from orchestrator.twin.parameters import (
    EVENT_LOOPS,
    KEEPING,
    TYPICAL,
    Discipline,
    Kind,
    Overhead,
)

MIN_COUNT = 5
MAX_NS = 1_000_000
MAX_RATIO = 5
Flags = npt.NDArray[np.bool_]
Selection = tuple[Flags, Callable[[Durations, int], int]]
"""Requests, and the statistic of their durations; its second argument replaces too few."""


def calibrate(requests: Table, works: Sequence[Work], discipline: Discipline) -> Overhead:
    """Return the overhead of acknowledged ``requests``, whose demands are ``works``, row by row.

    Medians, which stay the same even if almost half of the messages are disturbed. `TYPICAL`
    replaces one that is too long, above `MAX_NS`, or of fewer than `MIN_COUNT` values: a host that
    delays every message by milliseconds is disturbed, which must show as a difference to the
    prediction.
    ``cpu_ns`` is typical, since no instant of a message shows it.
    """
    alone = _is_alone(requests, works, discipline)
    if discipline.kind is Kind.LOOP_AND_POOL:
        alone &= _finds_a_worker(requests, discipline)
    overhead = _measure(requests, works, discipline, (alone, _typical))
    return replace(overhead, cpu_ns=TYPICAL.cpu_ns)


def mean_overhead(requests: Table, works: Sequence[Work], discipline: Discipline) -> Overhead:
    """Return the mean overhead of ``requests``, including all disturbances.

    A worker that has a connection reads at once, so a delay is not a wait for a worker. Neither is
    the delay of a connection for which one is idle; waits for the hand-over of others are in it.
    """
    selected = _is_alone(requests, works, discipline)
    if discipline.kind is Kind.LOOP_AND_POOL:
        selected = _finds_a_worker(requests, discipline)
    elif discipline.kind in KEEPING:
        selected[:] = True
    mean = _measure(requests, works, discipline, (selected, _mean))
    if not TYPICAL.handing_ns(discipline.kind):
        return mean
    firsts, at_once = _first_requests(requests), _is_taken_at_once(requests, works, discipline)
    accepting_ns = (_instants(firsts, "accepted_ns") - _instants(firsts, "connected_ns"))[at_once]
    return replace(mean, accept_ns=_mean(accepting_ns, mean.accept_ns), dispatch_ns=1)


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
    computing = _computing_spans(requests, works, discipline)
    alone_ns, among_ns = _turnovers_ns(requests, computing)
    resuming_ns = _resuming_ns(requests, works, discipline)
    turns_ns = _turns_ns(requests[~_is_computing(works, discipline)], discipline, computing)
    request_ns = of(reading_ns[selected], TYPICAL.request_ns)
    handing_ns = _handing_ns(requests, works, discipline, of)
    turnover_ns = of(alone_ns - request_ns - handing_ns, TYPICAL.turnover_ns)
    among = _mean(among_ns - request_ns - handing_ns - turnover_ns, TYPICAL.switch_ns)
    is_forked = discipline.kind is Kind.PROCESSES_EACH
    return Overhead(
        request_ns=request_ns,
        service_ns=of(beyond_ns[selected], TYPICAL.service_ns),
        answer_ns=of(answering_ns, TYPICAL.answer_ns),
        turn_ns=of(turns_ns, TYPICAL.turn_ns),
        resume_ns=of(resuming_ns, TYPICAL.resume_ns),
        connect_ns=of(connecting_ns, TYPICAL.connect_ns),
        accept_ns=of(accepting_ns, TYPICAL.accept_ns),
        turnover_ns=turnover_ns,
        switch_ns=among if discipline.has_lock and discipline.kind in KEEPING else 0,
        handover_ns=0 if is_forked else handing_ns,
        fork_ns=handing_ns if is_forked else 0,
        dispatch_ns=_dispatch_ns(requests, works, discipline, of),
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


def _ends_computing(works: Sequence[Work], discipline: Discipline) -> Flags:
    """Return which requests do so until the end of their service."""
    ends = [not work.parts or work.parts[-1].is_computing for work in works]
    return _is_computing(works, discipline) & (discipline.is_blocking | np.array(ends, bool))


@dataclass(frozen=True)
class _Spans:
    """From when to when each request that computes does so, sorted each."""

    begun_ns: Durations
    over_ns: Durations

    def overlapping(self, begin: Durations, end: Durations) -> Durations:
        """Return how many of them overlap with each span from ``begin`` to ``end``."""
        begun = np.searchsorted(self.begun_ns, end, side="left")
        over = np.searchsorted(self.over_ns, begin, side="right")
        overlapping: Durations = begun - over
        return overlapping


def _computing_spans(requests: Table, works: Sequence[Work], discipline: Discipline) -> _Spans:
    """Return when the requests keep others from computing.

    Those that also sleep do so between the first and the last of their parts that compute, by their
    demand: the log has the whole service only.
    """
    computing = _is_computing(works, discipline)
    before_ns, after_ns = (
        np.array([_sleep_ns(work, end, discipline) for work in works], np.int64) for end in (0, -1)
    )
    begun_ns = (_instants(requests, "started_ns") + before_ns)[computing]
    over_ns = (_instants(requests, "finished_ns") - after_ns)[computing]
    return _Spans(np.sort(begun_ns), np.sort(np.maximum(begun_ns, over_ns)))


def _sleep_ns(work: Work, end: int, discipline: Discipline) -> int:
    """Return how long ``work`` sleeps at its beginning, 0, or its end, -1."""
    if not work.parts or discipline.is_blocking or work.parts[end].is_computing:
        return 0
    return work.parts[end].demand_ns


def _is_alone(requests: Table, works: Sequence[Work], discipline: Discipline) -> Flags:
    """Return which requests overlap with no other that computes, from sent to ended."""
    overlaps = _computing_spans(requests, works, discipline).overlapping(
        _instants(requests, "sent_ns"), _instants(requests, "ended_ns")
    )
    alone: Flags = overlaps - _is_computing(works, discipline) == 0
    return alone


def _dispatch_ns(
    requests: Table,
    works: Sequence[Work],
    discipline: Discipline,
    of: Callable[[Durations, int], int],
) -> int:
    """Return the time from one accept to the next of connections for which workers were idle.

    Of those that were established before the previous one was accepted.
    """
    typical_ns = TYPICAL.handing_ns(discipline.kind)
    if not typical_ns:
        return 0
    firsts, at_once = _first_requests(requests), _is_taken_at_once(requests, works, discipline)
    order = np.argsort(firsts["accepted_ns"], kind="stable")
    accepted_ns, came_ns = (
        _instants(firsts, each)[order] for each in ("accepted_ns", "connected_ns")
    )
    waited = at_once[order][1:] & (came_ns[1:] < accepted_ns[:-1])
    return of(np.diff(accepted_ns)[waited], typical_ns)


def _finds_a_worker(requests: Table, discipline: Discipline) -> Flags:
    """Return which messages came when fewer were served or waited than there are workers."""
    came_ns = np.maximum(_instants(requests, "sent_ns"), _taken_ns(requests))
    before = np.argsort(np.lexsort((_instants(requests, "started_ns"), came_ns)))
    gone = np.searchsorted(np.sort(_instants(requests, "finished_ns")), came_ns, side="right")
    found: Flags = before - gone < discipline.workers
    return found


def _accepting_ns(requests: Table, works: Sequence[Work], discipline: Discipline) -> Durations:
    """Return how long it took to take connections for which a worker or the loop was idle.

    If a thread or process hands them over, how long it took to accept them while it did not.
    """
    firsts, at_once = _first_requests(requests), _is_taken_at_once(requests, works, discipline)
    came_ns, taken_ns = _instants(firsts, "connected_ns"), _taken_ns(firsts)
    if TYPICAL.handing_ns(discipline.kind):
        accepted_ns = _instants(firsts, "accepted_ns")
        handing = _Spans(np.sort(accepted_ns), np.sort(taken_ns))
        at_once &= handing.overlapping(came_ns, accepted_ns) == 0
        taken_ns = accepted_ns
    accepting_ns: Durations = taken_ns - came_ns
    return accepting_ns[at_once]


def _handing_ns(
    requests: Table,
    works: Sequence[Work],
    discipline: Discipline,
    of: Callable[[Durations, int], int],
) -> int:
    """Return how long a connection is handed over to an idle worker; 0 if a queue does that."""
    typical_ns = TYPICAL.handing_ns(discipline.kind)
    if not typical_ns:
        return 0
    firsts = _first_requests(requests)
    handing_ns: Durations = _taken_ns(firsts) - _instants(firsts, "accepted_ns")
    return of(handing_ns[_is_taken_at_once(requests, works, discipline)], typical_ns)


def _is_taken_at_once(requests: Table, works: Sequence[Work], discipline: Discipline) -> Flags:
    """Return which connections found an idle worker or an idle loop."""
    firsts, computing = _first_requests(requests), _computing_spans(requests, works, discipline)
    came_ns = _instants(firsts, "connected_ns")
    undisturbed: Flags = computing.overlapping(came_ns, came_ns + 1) == 0
    if discipline.kind not in KEEPING:
        return undisturbed
    order = np.lexsort((requests["sent_ns"], user_keys(requests)))
    _, begins = np.unique(user_keys(requests)[order], return_index=True)
    over_ns = np.maximum.reduceat(requests["ended_ns"][order], begins)
    is_idle = np.zeros(len(firsts), bool)
    if discipline.is_split:
        for worker in np.unique(firsts["worker"]):
            own = firsts["worker"] == worker
            is_idle[own] = _find_an_idle_one(firsts[own], over_ns[own], 1)
    else:
        is_idle = _find_an_idle_one(firsts, over_ns, discipline.workers)
    return is_idle & undisturbed if discipline.has_lock else is_idle


def _find_an_idle_one(firsts: Table, over_ns: Durations, workers: int) -> Flags:
    """Return which connections found one of ``workers`` idle; ``over_ns`` are their last acks."""
    came_ns = _instants(firsts, "connected_ns")
    before = np.argsort(np.lexsort((_taken_ns(firsts), came_ns)))  # ties: as they were taken
    there = before - np.searchsorted(np.sort(over_ns), came_ns, side="right")
    found: Flags = there < workers
    return found


def _first_requests(requests: Table) -> Table:
    """Return the first request of each connection."""
    order = np.lexsort((requests["sent_ns"], user_keys(requests)))
    _, first = np.unique(user_keys(requests)[order], return_index=True)
    return requests[order[first]]


def _turnovers_ns(requests: Table, computing: _Spans) -> tuple[Durations, Durations]:
    """Return the times from a connection's last ack until its worker served a waiting one.

    First those in which no message computed, then those that began while one did.
    """
    order = np.lexsort((requests["started_ns"], requests["worker"]))
    ordered, keys = requests[order], user_keys(requests)[order]
    follows = (ordered["worker"][1:] == ordered["worker"][:-1]) & (keys[1:] != keys[:-1])
    last_ns, next_ns = _instants(ordered, "ended_ns")[:-1], _instants(ordered, "started_ns")[1:]
    waited = follows & (_instants(ordered, "connected_ns")[1:] < last_ns) & (next_ns >= last_ns)
    last, following = last_ns[waited], next_ns[waited]
    turnovers_ns: Durations = following - last
    alone = computing.overlapping(last, following) == 0
    among = computing.overlapping(last, last + 1) > 0
    return turnovers_ns[alone], turnovers_ns[among]


def _resuming_ns(requests: Table, works: Sequence[Work], discipline: Discipline) -> Durations:
    """Return the times from the end of a service that kept others waiting until one of them began.

    Only if the loop neither answered another message in between nor computed.
    """
    if discipline.kind is Kind.LOOP_AND_POOL:
        return _successions_ns(requests)
    blocks = _ends_computing(works, discipline) & (discipline.kind in EVENT_LOOPS)
    computing = _computing_spans(requests, works, discipline)
    ordered = requests[np.argsort(requests["started_ns"], kind="stable")]
    begun_ns, answered_ns = _instants(ordered, "started_ns"), np.sort(requests["finished_ns"])
    ready_ns = np.maximum(_instants(ordered, "sent_ns"), _instants(ordered, "accepted_ns"))
    over_ns = np.sort(_instants(requests, "finished_ns")[blocks])
    following = np.searchsorted(begun_ns, over_ns)
    over_ns, following = (each[following < len(ordered)] for each in (over_ns, following))
    next_ns = begun_ns[following]
    answered = np.subtract(
        *(answered_ns.searchsorted(each, "right") for each in (next_ns, over_ns))
    )
    is_next = (answered == 0) & (computing.overlapping(over_ns, next_ns) == 0)
    resuming_ns: Durations = (next_ns - over_ns)[is_next & (ready_ns[following] < over_ns)]
    return resuming_ns


def _successions_ns(requests: Table) -> Durations:
    """Return the times from a service's end until its worker began a message that waited then."""
    ordered = requests[np.lexsort((requests["started_ns"], requests["worker"]))]
    over_ns, begun_ns = (_instants(ordered, each) for each in ("finished_ns", "started_ns"))
    waits = _instants(ordered, "sent_ns")[1:] < over_ns[:-1]
    is_same = ordered["worker"][1:] == ordered["worker"][:-1]
    successions_ns: Durations = (begun_ns[1:] - over_ns[:-1])[waits & is_same]
    return successions_ns


def _turns_ns(requests: Table, discipline: Discipline, computing: _Spans) -> Durations:
    """Return the times from when a loop began a message until it began one that was ready before.

    Of each loop, if there are several.
    """
    if discipline.kind not in EVENT_LOOPS:
        return np.zeros(0, np.int64)
    if discipline.kind is Kind.LOOP:
        return _turns_of_one_ns(requests, computing)
    workers = np.unique(requests["worker"])
    own = [_turns_of_one_ns(requests[requests["worker"] == each], computing) for each in workers]
    turns_ns: Durations = np.concatenate([np.zeros(0, np.int64), *own])
    return turns_ns


def _turns_of_one_ns(requests: Table, computing: _Spans) -> Durations:
    """Return those of one loop.

    Only if it computed nothing meanwhile, and answered at most one message: the first of the two,
    which had no demand.
    """
    ordered = requests[np.argsort(requests["started_ns"], kind="stable")]
    begun_ns = _instants(ordered, "started_ns")
    ready_ns = np.maximum(_instants(ordered, "sent_ns"), _instants(ordered, "accepted_ns"))
    over_ns = np.sort(_instants(ordered, "finished_ns"))
    answered = np.diff(np.searchsorted(over_ns, begun_ns))
    own = _instants(ordered, "finished_ns")[:-1] <= begun_ns[1:]
    undisturbed = computing.overlapping(begun_ns[:-1], begun_ns[1:]) == 0
    is_next = (ready_ns[1:] < begun_ns[:-1]) & (answered <= own) & undisturbed
    turns_ns: Durations = np.diff(begun_ns)[is_next]
    return turns_ns


def _typical(durations_ns: Durations, otherwise_ns: int) -> int:
    """Return the median if it is of enough values and not too long, else ``otherwise_ns``.

    A fork may take longer than `MAX_NS`: `MAX_RATIO` times the typical value is not too long.
    """
    most_ns = max(MAX_NS, MAX_RATIO * otherwise_ns)
    if len(durations_ns) < MIN_COUNT:
        return otherwise_ns
    median_ns = max(round(float(np.median(durations_ns))), 0)
    return median_ns if median_ns <= most_ns else otherwise_ns


def _mean(durations_ns: Durations, otherwise_ns: int) -> int:
    if len(durations_ns) < MIN_COUNT:
        return otherwise_ns
    return max(round(float(durations_ns.mean())), 0)
