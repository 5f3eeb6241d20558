"""An event loop: one thread serves the connections that are ready; timers stand for sleeps."""

from collections import deque

from orchestrator.twin.core import NEVER, Connection, EventQueue, Model, Record
from orchestrator.twin.parameters import Discipline, Overhead

EVENTS_PER_TURN = 1_023
"""How many descriptors one poll reports: Python's default, FD_SETSIZE - 1."""

ACCEPTS_PER_TURN = 64
"""How many connections the model accepts at once."""


class EventLoop(Model):
    """One thread works in turns: it polls, serves all that were ready, and fires the due timers.

    A reported connection stays in the kernel's list, behind those reported before and in front of
    later ones, and is skipped unless it is ready again: level-triggered epoll(7). So a connection
    that was just served may be served again before one that became ready meanwhile.

    A message that computes blocks the loop for its demand and ``resume_ns``. A ``sleep`` is a timer
    and costs ``turn_ns`` twice, when it is read and when it is answered, unless the loop itself
    sleeps. A message without a demand needs no timer, and costs ``turn_ns`` once. Of a message that
    does both, each part does what such a message does.
    """

    def __init__(
        self, events: EventQueue, record: Record, overhead: Overhead, discipline: Discipline
    ) -> None:
        self._events = events
        self._record = record
        self._overhead = overhead
        self._discipline = discipline
        self._ready: deque[Connection | None] = deque()  # None stands for the listener
        self._listed: set[int | None] = set()
        self._backlog: deque[Connection] = deque()
        self._due_timers: deque[Connection] = deque()
        self._is_busy = self._is_waking = False

    @property
    def is_busy(self) -> bool:
        """Whether the loop is in the middle of a turn."""
        return self._is_busy

    def queued(self, conn: Connection) -> int:  # noqa: ARG002 other models need it
        """Return how many connections wait for the loop to accept them."""
        return len(self._backlog)

    def connect(self, now_ns: int, conn: Connection) -> None:
        """Accept a connection that was just established; while the loop is busy, it waits."""
        self._backlog.append(conn)
        if self._is_busy:
            self._add_ready(None)
        else:
            self._accept(now_ns, cost_ns=0)
        if conn.has_message:
            self._events.schedule(max(conn.sent_ns, now_ns), self._arrive, conn)
        elif conn.is_closing:
            self.close(now_ns, conn)

    def deliver(self, conn: Connection) -> None:
        """Receive a message at the instant it is sent."""
        self._events.schedule(conn.sent_ns, self._arrive, conn)

    def close(self, now_ns: int, conn: Connection) -> None:
        """Close a connection, which takes no time."""
        conn.ended_ns = now_ns

    def _arrive(self, now_ns: int, conn: Connection) -> None:
        conn.has_arrived = True
        if conn.taken_ns != NEVER:
            self._add_ready(conn)
            self._wake(now_ns)

    def _add_ready(self, conn: Connection | None) -> None:
        """Add a connection, None for the listener, to the end of the list unless it is in it."""
        key = conn.number if conn else None
        if key not in self._listed:
            self._listed.add(key)
            self._ready.append(conn)

    def _wake(self, now_ns: int) -> None:
        """Start a turn as soon as an idle loop can; later arrivals may join the same turn."""
        if not self._is_busy and not self._is_waking:
            self._is_waking = True
            self._events.schedule(now_ns + self._overhead.request_ns, self._turn)

    def _turn(self, now_ns: int, _: object = None) -> None:
        """Serve the connections that are ready at ``now_ns``, one after another."""
        if self._is_busy:
            return
        self._is_busy, self._is_waking = True, False
        at_ns = now_ns
        for conn in self._poll():
            at_ns = self._serve(at_ns, conn) if conn else self._accept(at_ns)
        if at_ns > now_ns:
            self._events.schedule(at_ns, self._fire_timers)
        else:
            self._fire_timers(now_ns)

    def _poll(self) -> list[Connection | None]:
        """Return the connections that are ready, and add them to the list again."""
        ready, reported = self._ready, list[Connection | None]()
        while ready and len(reported) < EVENTS_PER_TURN:
            conn = ready.popleft()
            if conn.has_arrived if conn else self._backlog:
                reported.append(conn)
            else:
                self._listed.discard(conn.number if conn else None)
        ready.extend(reported)
        return reported

    def _accept(self, at_ns: int, cost_ns: int | None = None) -> int:
        """Accept waiting connections, at ``turn_ns`` each or ``cost_ns``; return the end of it."""
        for _ in range(min(ACCEPTS_PER_TURN, len(self._backlog))):
            conn = self._backlog.popleft()
            conn.accepted_ns = conn.taken_ns = at_ns
            at_ns += self._overhead.turn_ns if cost_ns is None else cost_ns
            if conn.has_arrived:
                self._add_ready(conn)
        return at_ns

    def _serve(self, at_ns: int, conn: Connection) -> int:
        """Start to serve a message; return when the loop is free again."""
        overhead = self._overhead
        conn.started_ns, conn.has_arrived = at_ns, False
        if conn.demand_ns:
            return self._do_parts(at_ns, conn, overhead.service_ns)
        self._finish(at_ns + min(overhead.service_ns, overhead.turn_ns), conn)
        return at_ns + overhead.turn_ns

    def _do_parts(self, at_ns: int, conn: Connection, service_ns: int) -> int:
        """Do the parts of a message up to a sleep or the end; return when the loop is free again.

        ``service_ns`` is the overhead that is not added yet. It is mostly the delay of a timer, so
        the first sleep takes it, and only without one does it keep the loop busy.
        """
        while conn.is_computing or self._discipline.is_blocking:
            at_ns += round(conn.demand_ns / (self._discipline.cpus if conn.is_computing else 1.0))
            if not conn.begin_next_part():
                self._finish(at_ns + service_ns, conn)
                return at_ns + service_ns + self._overhead.resume_ns
        self._events.schedule(at_ns + conn.demand_ns + service_ns, self._on_timer, conn)
        return at_ns + self._overhead.turn_ns

    def _on_timer(self, now_ns: int, conn: Connection) -> None:
        self._due_timers.append(conn)
        self._turn(now_ns)

    def _fire_timers(self, now_ns: int, _: object = None) -> None:
        """Go on with the services whose timers are due; start a turn if a connection is ready."""
        at_ns = now_ns
        while self._due_timers:
            conn = self._due_timers.popleft()
            if conn.begin_next_part():
                at_ns = self._do_parts(at_ns, conn, service_ns=0)
            else:
                self._finish(at_ns, conn)
                at_ns += self._overhead.turn_ns
        if at_ns > now_ns:
            self._events.schedule(at_ns, self._end_turn)
        else:
            self._end_turn(now_ns)

    def _end_turn(self, now_ns: int, _: object = None) -> None:
        self._is_busy = False
        if self._ready or self._due_timers:
            self._turn(now_ns)

    def _finish(self, at_ns: int, conn: Connection) -> None:
        conn.finished_ns = max(at_ns, conn.started_ns + conn.least_ns)
        self._events.schedule(conn.finished_ns + self._overhead.answer_ns, self._on_acked, conn)

    def _on_acked(self, now_ns: int, conn: Connection) -> None:
        self._record.ack(conn, now_ns)
        conn.has_message = False
        follows = conn.source.on_acked(conn, now_ns)
        if follows:
            self.deliver(conn)
        elif follows is not None:
            conn.ended_ns = now_ns
