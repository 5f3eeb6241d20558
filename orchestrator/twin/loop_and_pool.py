"""An event loop in front of a pool: the loop does the I/O, workers do the work of messages."""

from collections import deque

from orchestrator.twin.core import NEVER, Connection, EventQueue, Model, Record, Services
from orchestrator.twin.parameters import Discipline, Overhead


class LoopAndPool(Model):
    """A loop that accepts and reads at once, and workers that serve one message each.

    A worker keeps a message until its work is done, not a connection until its end: what waits is
    a message, first come first served. The loop is busy with each for ``turn_ns`` when it reads and
    when it answers, and serves a message without a demand itself. A worker that ends a service
    begins the next that waits after ``resume_ns``.
    """

    def __init__(
        self, events: EventQueue, record: Record, overhead: Overhead, discipline: Discipline
    ) -> None:
        self._events = events
        self._record = record
        self._overhead = overhead
        self._idle = discipline.workers
        self._waiting: deque[Connection] = deque()
        self._services = Services(events, overhead, discipline.cpus, self._on_finished)
        self._loop_free_ns = 0

    def queued(self, conn: Connection) -> int:  # noqa: ARG002 other models need it
        """Return 0: the loop accepts each connection at once."""
        return 0

    def connect(self, now_ns: int, conn: Connection) -> None:
        """Accept a connection that was just established."""
        conn.accepted_ns = conn.taken_ns = now_ns
        if conn.has_message:
            self._events.schedule(max(conn.sent_ns, now_ns), self._read, conn)
        elif conn.is_closing:
            self.close(now_ns, conn)

    def deliver(self, conn: Connection) -> None:
        """Read a message at the instant it is sent, once its connection is accepted."""
        if conn.taken_ns != NEVER:
            self._events.schedule(conn.sent_ns, self._read, conn)

    def close(self, now_ns: int, conn: Connection) -> None:
        """Close a connection, which takes no time."""
        conn.ended_ns = now_ns

    def _read(self, now_ns: int, conn: Connection) -> None:
        at_ns = self._turn(now_ns) + self._overhead.request_ns
        self._events.schedule(at_ns, self._on_read, conn)

    def _turn(self, now_ns: int) -> int:
        """Return when the loop begins with a message that is ready at ``now_ns``."""
        begins_ns = max(now_ns, self._loop_free_ns)
        self._loop_free_ns = begins_ns + self._overhead.turn_ns
        return begins_ns

    def _on_read(self, now_ns: int, conn: Connection) -> None:
        conn.received_ns = now_ns
        if conn.demand_ns:
            self._waiting.append(conn)
            self._assign_workers(now_ns)
        else:
            conn.started_ns = now_ns
            conn.finished_ns = now_ns + min(self._overhead.service_ns, self._overhead.turn_ns)
            self._events.schedule(conn.finished_ns, self._answer, conn)

    def _assign_workers(self, now_ns: int) -> None:
        while self._waiting and self._idle:
            self._idle -= 1
            self._services.begin(now_ns, self._waiting.popleft())

    def _on_finished(self, now_ns: int, conn: Connection) -> None:
        self._answer(now_ns, conn)
        self._events.schedule(now_ns + self._overhead.resume_ns, self._on_freed)

    def _answer(self, now_ns: int, conn: Connection) -> None:
        acked_ns = self._turn(now_ns) + self._overhead.answer_ns
        self._events.schedule(acked_ns, self._on_acked, conn)

    def _on_freed(self, now_ns: int, _: object) -> None:
        self._idle += 1
        self._assign_workers(now_ns)

    def _on_acked(self, now_ns: int, conn: Connection) -> None:
        self._record.ack(conn, now_ns)
        conn.has_message = False
        follows = conn.source.on_acked(conn, now_ns)
        if follows:
            self.deliver(conn)
        elif follows is not None:
            conn.ended_ns = now_ns
