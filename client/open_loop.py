"""The open loop: arrivals come when they are due, whether or not earlier ones were answered.

Each arrival has its own connection, or takes the connection of a pool that has been idle longest.
Response time counts from when an arrival was due and so includes the wait for a connection
(Schroeder, Wierman and Harchol-Balter 2006, "Open versus closed: a cautionary tale").
"""

import sys
from array import array
from collections import deque
from itertools import islice
from time import monotonic_ns

from client.connection import Connection
from client.console import Console
from client.event_loop import MOST_AGED, EventLoop
from client.task import Task
from client.user import CONNECTING, WAITING, Phase, User
from labkit.wire.histogram import bucket_of

NO_MESSAGE_NS = sys.maxsize
"""When the message of a connection is due that was opened for none."""


class OpenLoop(EventLoop):
    """Arrivals, those that wait for a connection, and the idle connections."""

    def __init__(
        self, task: Task, console: Console | None = None, stop_fd: int | None = None
    ) -> None:
        super().__init__(task, console, stop_fd)
        self._offsets_ns = array("Q", task.share.arrival_offsets_ns())
        self._pool_size = task.share.connections
        self._begin_ns = 0
        self._arrived = 0
        self._opened = 0
        self._connecting = 0
        self._waiting: deque[int] = deque()
        self._idle: deque[Connection] = deque()

    @property
    def first_connections(self) -> int:
        """The size of the pool; without a pool, the connection of the first arrival."""
        return self._pool_size or 1

    def begin(self, begin_ns: int) -> None:
        """Set timers for the opening of the pool and for the first arrival."""
        self._begin_ns = begin_ns
        self.timers.at(begin_ns, self._open_pool)
        self._schedule_arrival()

    def has_more(self) -> bool:
        """Tell whether an arrival is still to come, or waits for a connection."""
        return self._arrived < len(self._offsets_ns) or bool(self._waiting)

    def give_up(self) -> None:
        """Record the arrivals that found no connection, and those that were never due."""
        dropped = len(self._waiting) + len(self._offsets_ns) - self._arrived
        self.recorder.record_unsent(dropped, monotonic_ns())
        self._waiting.clear()
        self._arrived = len(self._offsets_ns)

    def add_ages(self, times: list[int], now_ns: int) -> None:
        """Add messages on connections, and arrivals that wait for a connection of the pool."""
        super().add_ages(times, now_ns)
        step = 1 + len(self._waiting) // MOST_AGED
        for arrival in islice(self._waiting, 0, None, step):
            times[bucket_of(now_ns - self._due_ns(arrival))] += step

    def on_connected(self, connection: Connection) -> None:
        """Send the arrival that the connection was opened for, or one that waits."""
        self._connecting -= 1
        if self._pool_size:
            self._use(connection)
        else:
            self.send_message(connection)

    def on_acked(self, connection: Connection, now_ns: int) -> None:
        """Return the connection to the pool; without a pool, close it."""
        if self._pool_size:
            connection.user.schedule(connection.user.message, now_ns)
            self._use(connection)
        else:
            self.send_goodbye(connection)

    def on_closed(self, connection: Connection, failure: str | None) -> None:
        """Record the arrival of this connection: in flight, or never sent.

        A broken connection of a pool is replaced when an arrival needs it. Each attempt that fails
        costs one arrival, so that a server that has gone is not tried without end.
        """
        if connection.user.phase is WAITING:
            self.recorder.record_loss(connection.user, monotonic_ns(), failure)
        elif connection.user.phase is CONNECTING:
            self._connecting -= 1
            if not self._pool_size:
                self.drop(connection.user.message)
            elif self._waiting:
                self.drop(self._number(self._waiting.popleft()))
        if self._waiting:
            self.timers.at(monotonic_ns(), self._reopen)  # later: an attempt may fail at once

    def drop(self, message: int) -> None:  # noqa: ARG002 `RetryingLoop` needs it
        """Record that a message will not be sent, since its connection failed."""
        self.recorder.record_unsent(1, monotonic_ns())

    def _open_pool(self) -> None:
        for _ in range(self._pool_size):
            self._open()

    def _schedule_arrival(self) -> None:
        if self._arrived < len(self._offsets_ns):
            self.timers.at(self._due_ns(self._arrived), self._on_due)

    def _due_ns(self, arrival: int) -> int:
        return self._begin_ns + self._offsets_ns[arrival]

    def _on_due(self) -> None:
        """Start all arrivals due by now; a timer for each would delay a late loop further."""
        now_ns = monotonic_ns()
        while self._arrived < len(self._offsets_ns):
            due_ns = self._due_ns(self._arrived)
            if due_ns > now_ns:
                break
            self.lags_ns.append(monotonic_ns() - due_ns)
            self._arrived += 1
            self._start_arrival(self._arrived - 1)
        self._schedule_arrival()
        self.close_if_last()

    def _start_arrival(self, arrival: int) -> None:
        if not self._pool_size:
            self._open(arrival)
            return
        self._waiting.append(arrival)
        while self._waiting and self._idle:
            self._use(self._idle.popleft())
        self._reopen()

    def _use(self, connection: Connection) -> None:
        """Send the arrival that has waited longest; else, keep the connection or close it."""
        if connection.user.phase is Phase.GONE:
            return
        if self._waiting:
            arrival = self._waiting.popleft()
            connection.user.schedule(self._number(arrival), self._due_ns(arrival))
            self.send_message(connection)
        elif self.has_more():
            connection.user.phase = Phase.THINKING
            self._idle.append(connection)
        else:
            self.send_goodbye(connection)

    def close_if_last(self) -> None:
        """Close idle connections after the last arrival; the server may have others to accept."""
        while self._idle and not self.has_more():
            self._use(self._idle.popleft())

    def _reopen(self) -> None:
        """Open a connection for an arrival that waits, if the pool has fewer than its size.

        Not if as many connect already as arrivals wait: each attempt that fails costs an arrival.
        """
        wanted = len(self._waiting) > self._connecting
        if wanted and len(self.connections) < self._pool_size:
            self._open()

    def _open(self, arrival: int | None = None) -> None:
        """Open a connection of the pool, or the connection of ``arrival``."""
        user = User(self._number(self._opened), self.message_format, NO_MESSAGE_NS)
        self._opened += 1
        self._connecting += 1
        if arrival is not None:
            user.message, user.due_ns = self._number(arrival), self._due_ns(arrival)
        self.connect(user)

    def _number(self, index: int) -> int:
        """Return the number, in the group, of this replica's user or arrival ``index``."""
        return self.task.share.place + index * self.group.replicas
