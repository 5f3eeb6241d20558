"""What messages and connections of a run cost beside their demands, told from the run itself.

Each figure is the median of stretches in which nothing waits for anything: from when a message and
whoever serves it are both there until service begins, from the end of service until its client
knows. No wait, no sum and no tail of response times goes in, so that what the twin predicts of
those is not what it was told. The median of at least `FEWEST`, else `TYPICAL`: half of all messages
could be disturbed and it would stay where it is.
"""

from collections.abc import Sequence

import numpy as np

from orchestrator.quantiles import Durations
from orchestrator.tables import Table, user_keys
from orchestrator.twin.demands import Work
from orchestrator.twin.discipline import Discipline
from orchestrator.twin.overhead import TYPICAL, Overhead

FEWEST = 5


def calibrate(requests: Table, works: Sequence[Work], discipline: Discipline) -> Overhead:
    """Return the overhead of acknowledged ``requests``, whose demands are ``works``, row by row."""
    alone = _is_alone(requests, works, discipline)
    ready_ns = np.maximum(requests["sent_ns"], _taken_ns(requests))
    demands_ns = np.array([work.demand_ns for work in works], np.int64)
    served_ns = _between(requests["started_ns"], requests["finished_ns"])
    of_connections = _firsts(requests)
    return Overhead(
        request_ns=_median(_between(ready_ns, requests["started_ns"])[alone], TYPICAL.request_ns),
        service_ns=_median((served_ns - demands_ns)[alone], TYPICAL.service_ns),
        answer_ns=_median(
            _between(requests["finished_ns"], requests["ended_ns"])[alone], TYPICAL.answer_ns
        ),
        turn_ns=TYPICAL.turn_ns,
        connect_ns=_median(
            _between(of_connections["begun_ns"], of_connections["connected_ns"]),
            TYPICAL.connect_ns,
        ),
        turnover_ns=_median(_turnovers_ns(requests), TYPICAL.turnover_ns),
    )


def _taken_ns(requests: Table) -> Durations:
    """Return when each request's connection was taken by who serves it."""
    taken: Durations = np.maximum(requests["accepted_ns"], requests["dequeued_ns"])
    return taken


def _is_alone(
    requests: Table, works: Sequence[Work], discipline: Discipline
) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Tell which requests met nobody else's computation from their sending to their end.

    In a loop that sleeps, a sleep is one.
    """
    blocks = np.array([work.is_computing or discipline.is_blocking for work in works], bool)
    begun_ns = np.sort(requests["started_ns"][blocks])
    over_ns = np.sort(requests["finished_ns"][blocks])
    begun_before = np.searchsorted(begun_ns, requests["ended_ns"], side="left")
    over_before = np.searchsorted(over_ns, requests["sent_ns"], side="right")
    return (begun_before - over_before - blocks) == 0


def _firsts(requests: Table) -> Table:
    """Return the first request of each connection."""
    order = np.lexsort((requests["sent_ns"], user_keys(requests)))
    _, first = np.unique(user_keys(requests)[order], return_index=True)
    return requests[order[first]]


def _turnovers_ns(requests: Table) -> Durations:
    """Return how long after a connection's last ack its worker took the next, which waited."""
    order = np.lexsort((requests["started_ns"], requests["worker"]))
    told, keys = requests[order], user_keys(requests)[order]
    follows = (told["worker"][1:] == told["worker"][:-1]) & (keys[1:] != keys[:-1])
    last_ns, next_ns = told["ended_ns"][:-1], _taken_ns(told)[1:]
    waited = follows & (told["connected_ns"][1:] < last_ns) & (next_ns >= last_ns)
    return _between(last_ns, next_ns)[waited]


def _between(
    begin: "np.ndarray[tuple[int], np.dtype[np.uint64]]",
    end: "np.ndarray[tuple[int], np.dtype[np.uint64]]",
) -> Durations:
    durations: Durations = end.astype(np.int64) - begin.astype(np.int64)
    return durations


def _median(durations_ns: Durations, otherwise_ns: int) -> int:
    """Return the median of what took time, ``otherwise_ns`` where that is too few."""
    if len(durations_ns) < FEWEST:
        return otherwise_ns
    return max(round(float(np.median(durations_ns))), 0)
