"""Several event loops: worker processes, each with the connections that it accepted."""

from orchestrator.twin.core import Connection, EventQueue, Listeners, Model, Record
from orchestrator.twin.event_loop import EventLoop
from orchestrator.twin.parameters import Discipline, Overhead


class Loops(Model):
    """Event loops that share one listener, or have one each.

    A connection stays in the loop that accepted it. If it is not known which that is, it is drawn
    with a listener each; otherwise it is the first loop that is idle, the first of all if none is.
    The kernel chooses in another way, so this model is for messages that do not keep a loop busy.
    """

    def __init__(
        self, events: EventQueue, record: Record, overhead: Overhead, discipline: Discipline
    ) -> None:
        workers, is_split = discipline.workers, discipline.is_split
        self._loops = [EventLoop(events, record, overhead, discipline) for _ in range(workers)]
        self._listeners = Listeners(discipline.seed, workers) if is_split else None

    def queued(self, conn: Connection) -> int:
        """Return how many connections wait at the listener that ``conn`` is to join."""
        if self._listeners is None:
            return sum(loop.queued(conn) for loop in self._loops)
        self._listeners.choose(conn)
        return self._loop_of(conn).queued(conn)

    def connect(self, now_ns: int, conn: Connection) -> None:
        """Let a loop accept a connection that was just established."""
        if self._listeners is not None:
            self._listeners.choose(conn)
        elif not conn.worker:
            idle = (number for number, loop in enumerate(self._loops) if not loop.is_busy)
            conn.worker = 1 + next(idle, 0)
        self._loop_of(conn).connect(now_ns, conn)

    def deliver(self, conn: Connection) -> None:
        """Let the loop of ``conn`` receive its message at the instant it is sent."""
        self._loop_of(conn).deliver(conn)

    def close(self, now_ns: int, conn: Connection) -> None:
        """Let the loop of ``conn`` close it."""
        self._loop_of(conn).close(now_ns, conn)

    def _loop_of(self, conn: Connection) -> EventLoop:
        return self._loops[(conn.worker - 1) % len(self._loops)]
