"""Workers that each keep a connection until its client closes it, first come first served."""

from collections import deque

from orchestrator.twin.core import (
    NEVER,
    Connection,
    EventQueue,
    Model,
    OverheadCpus,
    Processors,
    Record,
)
from orchestrator.twin.parameters import Discipline, Kind, Overhead


class WorkerPool(Model):
    """A number of workers, and a queue of accepted connections that wait for a worker.

    A ``sleep`` occupies its worker only. Messages that compute share the CPUs; a worker keeps one
    that does both until all of its parts are done. If there are so many workers that the overhead
    of their messages may exhaust the CPUs, it delays their acks.
    """

    def __init__(
        self, events: EventQueue, record: Record, overhead: Overhead, discipline: Discipline
    ) -> None:
        self._events = events
        self._record = record
        self._overhead = overhead
        self._idle = discipline.workers
        self._places = discipline.places
        self._has_lock = discipline.kind is Kind.THREADS
        self._processors = Processors(events, discipline.cpus, self._on_part_done)
        self._overhead_cpus = (
            OverheadCpus(overhead.cpu_ns, discipline.host_cpus)
            if overhead.may_exhaust(discipline)
            else None
        )
        self._backlog: deque[Connection] = deque()
        self._waiting: deque[Connection] = deque()

    def connect(self, now_ns: int, conn: Connection) -> None:
        """Add a connection that was just established to the accept queue.

        If the thread that accepts shares a lock with one that computes, this happens later.
        """
        if self._has_lock and (switch_ns := self._switch_ns(now_ns)):
            self._events.schedule(now_ns + switch_ns, self._join_backlog, conn)
        else:
            self._join_backlog(now_ns, conn)

    def _switch_ns(self, now_ns: int) -> int:
        """Return how long a thread waits for the lock: no longer than others compute."""
        return self._processors.busy_ns(now_ns, self._overhead.switch_ns)

    def _join_backlog(self, now_ns: int, conn: Connection) -> None:
        self._backlog.append(conn)
        self._assign_workers(now_ns)

    def deliver(self, conn: Connection) -> None:
        """Serve a message, as soon as a worker has its connection."""
        if conn.taken_ns != NEVER:
            self._serve(conn.sent_ns + self._overhead.request_ns, conn)

    def close(self, now_ns: int, conn: Connection) -> None:
        """Close a connection, as soon as a worker has it."""
        conn.is_closing = True
        if conn.taken_ns != NEVER:
            self._close(now_ns, conn)

    def _assign_workers(self, now_ns: int) -> None:
        """Accept while there is a place, and give idle workers the longest waiting connections."""
        backlog, waiting = self._backlog, self._waiting
        while True:
            if waiting and self._idle:
                self._take(now_ns, waiting.popleft())
            elif backlog and len(waiting) < self._places + self._idle:
                backlog[0].accepted_ns = now_ns
                waiting.append(backlog.popleft())
            else:
                return

    def _take(self, now_ns: int, conn: Connection) -> None:
        self._idle -= 1
        conn.taken_ns = now_ns
        if conn.has_message:
            self._serve(max(now_ns, conn.sent_ns) + self._overhead.request_ns, conn)
        elif conn.is_closing:
            self._close(now_ns, conn)

    def _serve(self, at_ns: int | None, conn: Connection) -> None:
        """Serve a connection; several messages at once if no other event can intervene."""
        events, overhead = self._events, self._overhead
        while at_ns is not None:
            conn.started_ns = at_ns
            if conn.is_computing:
                events.schedule(at_ns, self._processors.begin, conn)
                return
            if conn.parts:
                events.schedule(at_ns + conn.demand_ns, self._on_part_done, conn)
                return
            conn.finished_ns = at_ns + conn.demand_ns + overhead.service_ns
            acked_ns = conn.finished_ns + overhead.answer_ns
            if self._overhead_cpus is not None:
                events.schedule(conn.finished_ns, self._answer, conn)
                return
            if conn.source.is_shared:
                events.schedule(acked_ns, self._on_acked, conn)
                return
            at_ns = self._ack(acked_ns, conn)

    def _answer(self, now_ns: int, conn: Connection) -> None:
        """Answer as soon as the CPUs have done the overhead of the messages before."""
        delay_ns = self._overhead_cpus.delay_ns(now_ns) if self._overhead_cpus else 0
        acked_ns = now_ns + self._overhead.answer_ns + delay_ns
        self._events.schedule(acked_ns, self._on_acked, conn)

    def _ack(self, now_ns: int, conn: Connection) -> int | None:
        """Record an ack; return when the next service starts, None if that is not known yet."""
        if now_ns > self._record.end_ns:
            return None
        self._record.ack(conn, now_ns)
        conn.has_message = False
        follows = conn.source.on_acked(conn, now_ns)
        if follows:
            return conn.sent_ns + self._overhead.request_ns
        if follows is not None:
            self._close(now_ns, conn)
        return None

    def _close(self, now_ns: int, conn: Connection) -> None:
        conn.ended_ns = now_ns
        if self._has_lock:  # whether a thread computes then is not known before
            self._events.schedule(now_ns, self._on_closed, conn)
        else:
            self._events.schedule(now_ns + self._overhead.turnover_ns, self._on_freed, conn)

    def _on_closed(self, now_ns: int, conn: Connection) -> None:
        freed_ns = now_ns + self._overhead.turnover_ns + self._switch_ns(now_ns)
        self._events.schedule(freed_ns, self._on_freed, conn)

    def _on_part_done(self, now_ns: int, conn: Connection) -> None:
        """Begin the next part of a message, or end its service."""
        if not conn.begin_next_part():
            finished_ns = now_ns + self._overhead.service_ns
            conn.finished_ns = max(finished_ns, conn.started_ns + conn.least_ns)
            self._events.schedule(conn.finished_ns, self._answer, conn)
        elif conn.is_computing:
            self._processors.begin(now_ns, conn)
        else:
            self._events.schedule(now_ns + conn.demand_ns, self._on_part_done, conn)

    def _on_acked(self, now_ns: int, conn: Connection) -> None:
        self._serve(self._ack(now_ns, conn), conn)

    def _on_freed(self, now_ns: int, _conn: Connection) -> None:
        self._idle += 1
        self._assign_workers(now_ns)
