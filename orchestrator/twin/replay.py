"""The run's own arrivals, as clients of the simulation.

A client does what it did: it connects at that instant, and after an ack it takes as long to send
again as it took. What is asked of the server comes with it; when it is served and acked, the
simulation says. A message is numbered by its row in the table of requests.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from labkit.workload.load_order import OPEN, GroupOrder
from orchestrator.tables import Rows, Table, user_keys
from orchestrator.twin.clients import Arrival, PooledArrivals
from orchestrator.twin.demands import Work
from orchestrator.twin.talk import Source, Talk


class Step(NamedTuple):
    """A message of a connection: its row, how long after the ack before it is due, and then sent.

    Of the first it is how long after the connection is established, which may be before.
    """

    row: int
    pause_ns: int
    lag_ns: int


@dataclass(frozen=True)
class Script:
    """What one connection does from when it is established, in ns from the common start."""

    connected_ns: int
    steps: Sequence[Step]


class Scripted(Source):
    """Connections that each send a message, wait for its ack, and send the next."""

    def __init__(self, group: int, scripts: Sequence[Script], works: Sequence[Work]) -> None:
        self.group = group
        self._scripts = sorted(scripts, key=lambda script: script.connected_ns)
        self._works = works
        self._following: list[Iterator[Step]] = []

    def talks(self) -> Iterator[Talk]:
        """Yield each connection, numbered as they were established."""
        self._following = [iter(script.steps) for script in self._scripts]
        for number, script in enumerate(self._scripts):
            yield Talk(self, number, script.connected_ns, sys.maxsize)

    def connected(self, talk: Talk) -> bool | None:
        """Have the first message sent."""
        return self.acked(talk, talk.connected_ns)

    def acked(self, talk: Talk, now_ns: int) -> bool | None:
        """Have the next message sent, or say goodbye."""
        step = next(self._following[talk.user], None)
        if step is None:
            return False
        talk.message = step.row
        talk.due_ns = now_ns + step.pause_ns
        talk.sent_ns = talk.due_ns + step.lag_ns
        talk.take(self._works[step.row])
        return True


def replay(
    requests: Table, orders: Sequence[GroupOrder], start_ns: int, works: Sequence[Work]
) -> list[Source]:
    """Return the clients that sent ``requests``, all of them acknowledged, each with its work."""
    sources: list[Source] = []
    for number, order in enumerate(orders):
        rows = np.flatnonzero(requests["group"] == number)
        if order.loop == OPEN and order.connections:
            for replica in np.unique(requests["replica"][rows]).tolist():
                own = rows[requests["replica"][rows] == replica]
                sources.append(_pool(number, requests, own, start_ns, works.__getitem__))
        else:
            sources.append(Scripted(number, _scripts(requests, rows, start_ns), works))
    return sources


def _scripts(requests: Table, rows: Rows, start_ns: int) -> list[Script]:
    """Return what each connection of ``rows`` did."""
    order = rows[np.lexsort((requests["sent_ns"][rows], user_keys(requests[rows])))]
    told = requests[order]
    keys = user_keys(told)
    is_first = np.concatenate([[True], keys[1:] != keys[:-1]]) if len(told) else np.zeros(0, bool)
    connected_ns = told["connected_ns"].astype(np.int64)
    before_ns = np.roll(told["ended_ns"].astype(np.int64), 1)
    before_ns[is_first] = connected_ns[is_first]
    pauses_ns = (told["due_ns"].astype(np.int64) - before_ns).tolist()
    lags_ns = (told["sent_ns"].astype(np.int64) - told["due_ns"].astype(np.int64)).tolist()
    steps = [Step(*each) for each in zip(order.tolist(), pauses_ns, lags_ns, strict=True)]
    begins = [*np.flatnonzero(is_first).tolist(), len(steps)]
    return [
        Script(int(connected_ns[begin]) - start_ns, steps[begin:end])
        for begin, end in pairwise(begins)
    ]


def _pool(
    group: int,
    requests: Table,
    rows: Rows,
    start_ns: int,
    work_of: Callable[[int], Work],
) -> PooledArrivals:
    """Return the arrivals of one replica and the connections that carried them.

    An arrival comes when its client took it up: when it was due, and so much later as the client
    was late with a connection that was free.
    """
    told = requests[rows]
    order = np.lexsort((told["sent_ns"], user_keys(told)))
    freed_ns = np.zeros(len(told), np.int64)
    keys = user_keys(told)[order]
    is_next = np.concatenate([[False], keys[1:] == keys[:-1]])
    freed_ns[order[is_next]] = np.roll(told["ended_ns"][order].astype(np.int64), 1)[is_next]
    due_ns, sent_ns = told["due_ns"].astype(np.int64), told["sent_ns"].astype(np.int64)
    ready_ns = np.maximum.reduce([due_ns, freed_ns, told["connected_ns"].astype(np.int64)])
    comes_ns = due_ns + np.maximum(sent_ns - ready_ns, 0)
    arrivals = sorted(
        Arrival(int(comes) - start_ns, int(due) - start_ns, int(row))
        for comes, due, row in zip(comes_ns, due_ns, rows, strict=True)
    )
    users, first = np.unique(told["user"], return_index=True)
    opened = [
        (int(user), int(at_ns) - start_ns)
        for user, at_ns in zip(users, told["connected_ns"][first], strict=True)
    ]
    return PooledArrivals(group, sorted(opened, key=lambda each: each[1]), arrivals, work_of)
