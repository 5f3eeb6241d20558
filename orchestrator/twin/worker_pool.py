"""Workers that each keep a connection until its client closes it, first come first served."""

from collections import deque

from orchestrator.twin.core import (
    NEVER,
    Connection,
    EventQueue,
    Listeners,
    Model,
    OverheadCpus,
    Record,
    Services,
)
from orchestrator.twin.parameters import Discipline, Overhead


class _Queue:
    """Connections that wait for the same workers: in the kernel, then, accepted, in the server."""

    __slots__ = ("backlog", "idle", "waiting")

    def __init__(self, workers: int) -> None:
        self.idle = workers
        self.backlog: deque[Connection] = deque()
        self.waiting: deque[Connection] = deque()


class WorkerPool(Model):
    """A number of workers, and a queue of accepted connections that wait for a worker.

    If the workers have a listener each, each has a queue of its own. If another thread or process
    accepts, it hands over one connection after another.

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
        self._places = discipline.places
        self._has_lock = discipline.has_lock
        self._handing_ns = overhead.handing_ns(discipline.kind)
        self._dispatch_ns = overhead.dispatch_ns or self._handing_ns
        self._is_dispatching = False
        workers, is_split = discipline.workers, discipline.is_split
        self._listeners = Listeners(discipline.seed, workers) if is_split else None
        self._queues = [_Queue(1) for _ in range(workers)] if is_split else [_Queue(workers)]
        self._services = Services(events, overhead, discipline.cpus, self._answer)
        self._overhead_cpus = (
            OverheadCpus(overhead.cpu_ns, discipline.host_cpus)
            if overhead.may_exhaust(discipline)
            else None
        )

    def queued(self, conn: Connection) -> int:
        """Return how many connections wait in the queue that the kernel chooses for ``conn``."""
        if self._listeners is not None:
            self._listeners.choose(conn)
        return len(self._queue_of(conn).backlog)

    def connect(self, now_ns: int, conn: Connection) -> None:
        """Add a connection that was just established to the accept queue.

        If the thread that accepts shares a lock with one that computes, this happens later.
        """
        if self._listeners is not None:
            self._listeners.choose(conn)
        if self._has_lock and (switch_ns := self._switch_ns(now_ns)):
            self._events.schedule(now_ns + switch_ns, self._join_backlog, conn)
        else:
            self._join_backlog(now_ns, conn)

    def _switch_ns(self, now_ns: int) -> int:
        """Return how long a thread waits for the lock: no longer than others compute."""
        return self._services.processors.busy_ns(now_ns, self._overhead.switch_ns)

    def _join_backlog(self, now_ns: int, conn: Connection) -> None:
        queue = self._queue_of(conn)
        queue.backlog.append(conn)
        self._assign_workers(now_ns, queue)

    def _queue_of(self, conn: Connection) -> _Queue:
        return self._queues[(conn.worker - 1) % len(self._queues)]

    def deliver(self, conn: Connection) -> None:
        """Serve a message, as soon as a worker has its connection."""
        if conn.taken_ns != NEVER:
            self._serve(conn.sent_ns + self._overhead.request_ns, conn)

    def close(self, now_ns: int, conn: Connection) -> None:
        """Close a connection, as soon as a worker has it."""
        conn.is_closing = True
        if conn.taken_ns != NEVER:
            self._close(now_ns, conn)

    def _assign_workers(self, now_ns: int, queue: _Queue) -> None:
        """Accept while there is a place, and give idle workers the longest waiting connections."""
        backlog, waiting = queue.backlog, queue.waiting
        while True:
            if waiting and queue.idle:
                queue.idle -= 1
                self._hand_over(now_ns, waiting.popleft())
            elif backlog and len(waiting) < self._places + queue.idle and not self._is_dispatching:
                backlog[0].accepted_ns = now_ns
                waiting.append(backlog.popleft())
            else:
                return

    def _hand_over(self, now_ns: int, conn: Connection) -> None:
        """Give an accepted connection to a worker; what does so accepts no other meanwhile."""
        if self._handing_ns:
            self._is_dispatching = True
            begun_ns = now_ns + (self._switch_ns(now_ns) if self._has_lock else 0)
            self._events.schedule(begun_ns + self._handing_ns, self._take, conn)
            self._events.schedule(begun_ns + self._dispatch_ns, self._on_dispatched, conn)
        else:
            self._take(now_ns, conn)

    def _on_dispatched(self, now_ns: int, conn: Connection) -> None:
        self._is_dispatching = False
        self._assign_workers(now_ns, self._queue_of(conn))

    def _take(self, now_ns: int, conn: Connection) -> None:
        conn.taken_ns = now_ns
        if conn.has_message:
            self._serve(max(now_ns, conn.sent_ns) + self._overhead.request_ns, conn)
        elif conn.is_closing:
            self._close(now_ns, conn)

    def _serve(self, at_ns: int | None, conn: Connection) -> None:
        """Serve a connection; several messages at once if no other event can intervene."""
        events, overhead = self._events, self._overhead
        while at_ns is not None:
            if conn.is_computing or conn.parts:
                self._services.begin(at_ns, conn)
                return
            conn.started_ns = at_ns
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

    def _on_acked(self, now_ns: int, conn: Connection) -> None:
        self._serve(self._ack(now_ns, conn), conn)

    def _on_freed(self, now_ns: int, conn: Connection) -> None:
        queue = self._queue_of(conn)
        queue.idle += 1
        self._assign_workers(now_ns, queue)
