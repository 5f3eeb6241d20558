"""Establishes the connections of the simulation, if the accept queue has room for them."""

import heapq
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain
from operator import attrgetter

from labkit.workload.profile import NS_PER_S
from orchestrator.twin.core import NEVER, Connection, EventQueue, Model, Record, Source
from orchestrator.twin.parameters import Overhead

_RETRY_STEPS_S = (1, 1, 1, 1, 1, 2, 4, 8, 16, 32, 64)
SYN_INSTANTS_NS = tuple(step * NS_PER_S for step in accumulate(_RETRY_STEPS_S))
"""When Linux sends a SYN again that had no answer, since its first: after 1, 2, 3, 4, 5, 7, 11, 19,
35 and 67 s. At the last instant, 131 s, ``connect`` fails with ETIMEDOUT.

Linux 6.5 and later: an initial timeout of 1 s (RFC 6298, 2.1), which doubles after
``tcp_syn_linear_timeouts`` (4) tries more, and ``tcp_syn_retries`` (6) after those
(Documentation/networking/ip-sysctl). Before 6.5 it doubles at once: 1, 3, 7 s.
"""

LATE_NS = 1
"""A timer of the kernel is late rather than early: a place that gets free just then is there."""


class Connector:
    """Establishes each connection when it is due, and lets its client set the first message.

    With a ``backlog``, the kernel drops a SYN that finds more connections than that in the accept
    queue, listen(2), and its client's kernel sends it again at `SYN_INSTANTS_NS`, whenever there
    was room before. None stands for a queue without a limit.

    Connects that begin at one instant come before the server accepts the first of them. SYNs that
    are sent again at one instant find the queue as it was before them: one run of the kernel's
    timers sends them all, before any handshake is complete. If more connect than there is room for,
    the kernel keeps the others half open.
    """

    def __init__(
        self,
        events: EventQueue,
        record: Record,
        overhead: Overhead,
        server: Model,
        backlog: int | None,
    ) -> None:
        self._events = events
        self._record = record
        self._connect_ns = overhead.connect_ns
        self._accept_ns = overhead.accept_ns
        self._server = server
        self._backlog = backlog
        self._pending: Iterator[Connection] = iter(())
        self._retry_ns = NEVER
        self._queued_before: dict[int, int] = {}

    def start(self, sources: Sequence[Source]) -> None:
        """Schedule the connections of ``sources`` in the order of time."""
        self._pending = heapq.merge(*(s.connections() for s in sources), key=attrgetter("begun_ns"))
        self._schedule_next()

    def begin(self, conn: Connection) -> None:
        """Schedule a connection that was not planned."""
        self._events.schedule(conn.begun_ns + self._connect_ns, self._on_syns, [conn])

    def _schedule_next(self) -> None:
        """Schedule the next connection; if the queue is limited, all of the same instant."""
        conn = next(self._pending, None)
        if conn is None:
            return
        at_once = [conn]
        if self._backlog is not None:
            while (other := next(self._pending, None)) and other.begun_ns == conn.begun_ns:
                at_once.append(other)
            if other is not None:
                self._pending = chain((other,), self._pending)
        self._events.schedule(conn.begun_ns + self._connect_ns, self._on_planned, at_once)

    def _on_planned(self, now_ns: int, at_once: list[Connection]) -> None:
        self._on_syns(now_ns, at_once)
        self._schedule_next()

    def _on_syns(self, now_ns: int, at_once: list[Connection]) -> None:
        """Establish the connections that there is room for before any is accepted."""
        entered: Counter[int] = Counter()
        established = []
        for conn in at_once:
            self._record.begin(conn)
            if self._backlog is not None:
                queued = self._server.queued(conn) + entered[conn.worker]
                if queued > self._backlog:
                    self._drop(now_ns, conn)
                    continue
                entered[conn.worker] += 1
            established.append(conn)
        for conn in established:
            self._establish(now_ns, conn)

    def _retry(self, now_ns: int, conn: Connection) -> None:
        """Establish a connection if there was room before this instant, else try again later."""
        if now_ns != self._retry_ns:
            self._retry_ns, self._queued_before = now_ns, {}
        queued = self._server.queued(conn)
        if self._queued_before.setdefault(conn.worker, queued) <= (self._backlog or 0):
            self._establish(now_ns, conn)
        else:
            self._drop(now_ns, conn)

    def _drop(self, now_ns: int, conn: Connection) -> None:
        first_ns = conn.begun_ns + self._connect_ns
        place = bisect_right(SYN_INSTANTS_NS, now_ns - first_ns)
        next_ns = first_ns + SYN_INSTANTS_NS[place] + LATE_NS
        is_last = place == len(SYN_INSTANTS_NS) - 1
        self._events.schedule(next_ns, self._give_up if is_last else self._retry, conn)

    def _give_up(self, now_ns: int, conn: Connection) -> None:
        conn.given_up_ns = now_ns

    def _establish(self, now_ns: int, conn: Connection) -> None:
        conn.connected_ns = now_ns
        conn.is_closing = conn.source.on_connected(conn) is False
        if self._accept_ns:
            self._events.schedule(now_ns + self._accept_ns, self._server.connect, conn)
        else:
            self._server.connect(now_ns, conn)
