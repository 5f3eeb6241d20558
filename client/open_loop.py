"""The open loop: arrivals come when they are due, whether or not earlier ones were answered.

Each has a connection of its own, or waits for a free one of a pool: of those, the one that has been
idle longest. Response time counts from when an arrival was due, so that no wait for a connection
is omitted (Schroeder, Wierman and Harchol-Balter 2006, "Open versus closed: a cautionary tale").
"""

from array import array
from collections import deque
from time import monotonic_ns

from client.connection import Link
from client.console import Story
from client.event_loop import PoliteLoop
from client.task import Task
from client.user import CONNECTING, WAITING, Phase, User


class OpenLoop(PoliteLoop):
    """Arrivals, those that wait for a connection, and the connections that are free."""

    def __init__(self, task: Task, story: Story | None = None, stop_fd: int | None = None) -> None:
        super().__init__(task, story, stop_fd)
        self._offsets_ns = array("Q", task.share.arrival_offsets_ns())
        self._pool = task.share.connections
        self._begin_ns = 0
        self._arrived = 0
        self._opened = 0
        self._waiting: deque[int] = deque()
        self._free: deque[Link] = deque()

    @property
    def first_connections(self) -> int:
        """How large the pool is; without one, the first arrival's connection."""
        return self._pool or 1

    def begin(self, begin_ns: int) -> None:
        """Have the pool opened when it is time, and wait for the first arrival."""
        self._begin_ns = begin_ns
        self.timers.at(begin_ns, self._open_pool)
        self._await_arrival()

    def has_more(self) -> bool:
        """Tell whether an arrival is still to come, or waits for a connection."""
        return self._arrived < len(self._offsets_ns) or bool(self._waiting)

    def give_up(self) -> None:
        """Book the arrivals that found no connection, and those that were never due."""
        dropped = len(self._waiting) + len(self._offsets_ns) - self._arrived
        self.books.record_unsent(dropped, monotonic_ns())
        self._waiting.clear()
        self._arrived = len(self._offsets_ns)

    def on_connected(self, link: Link) -> None:
        """Send the arrival that the connection was made for, or one that waits."""
        if self._pool:
            self._offer(link)
        else:
            self.send_message(link)

    def on_acked(self, link: Link, now_ns: int) -> None:
        """Free the connection; one that was made for this arrival has done its part."""
        if self._pool:
            link.user.turn_to(link.user.message, now_ns)
            self._offer(link)
        else:
            self.say_goodbye(link)

    def on_gone(self, link: Link, failure: str | None) -> None:
        """Book the arrival that was on this connection, or that it should have carried.

        A connection of a pool that broke is made anew once an arrival wants it. Each attempt that
        fails costs one arrival, so that a server that has gone is not asked without end.
        """
        if link.user.phase is WAITING:
            self.books.record_loss(link.user, monotonic_ns(), failure)
        elif link.user.phase is CONNECTING and not self._pool:
            self.books.record_unsent(1, monotonic_ns())
        elif link.user.phase is CONNECTING and self._waiting:
            self._waiting.popleft()
            self.books.record_unsent(1, monotonic_ns())
        if self._waiting:
            self.timers.at(monotonic_ns(), self._reopen)  # not here: attempts may fail at once

    def _open_pool(self) -> None:
        for _ in range(self._pool):
            self._open()

    def _await_arrival(self) -> None:
        if self._arrived < len(self._offsets_ns):
            self.timers.at(self._due_ns(self._arrived), self._on_due)

    def _due_ns(self, arrival: int) -> int:
        return self._begin_ns + self._offsets_ns[arrival]

    def _on_due(self) -> None:
        """Take up all that is due by now: a timer for each would make a late loop later."""
        now_ns = monotonic_ns()
        while self._arrived < len(self._offsets_ns):
            due_ns = self._due_ns(self._arrived)
            if due_ns > now_ns:
                break
            self.lags_ns.append(monotonic_ns() - due_ns)
            self._arrived += 1
            self._take_up(self._arrived - 1)
        self._await_arrival()
        if self._pool and not self.has_more():
            self._dismiss()

    def _take_up(self, arrival: int) -> None:
        if not self._pool:
            self._open(arrival)
            return
        self._waiting.append(arrival)
        while self._waiting and self._free:
            self._offer(self._free.popleft())
        self._reopen()

    def _offer(self, link: Link) -> None:
        """Give a free connection the arrival that has waited longest, if any is to come."""
        if link.user.phase is Phase.GONE:
            return
        if self._waiting:
            arrival = self._waiting.popleft()
            link.user.turn_to(self._number(arrival), self._due_ns(arrival))
            self.send_message(link)
        elif self.has_more():
            link.user.phase = Phase.THINKING
            self._free.append(link)
        else:
            self.say_goodbye(link)

    def _dismiss(self) -> None:
        """Let the connections go that nothing is left for; others may wait to be accepted."""
        while self._free:
            self._offer(self._free.popleft())

    def _reopen(self) -> None:
        """Make a connection for an arrival that waits, where the pool lacks one."""
        if self._waiting and len(self.links) < self._pool:
            self._open()

    def _open(self, arrival: int | None = None) -> None:
        """Open a connection: one of the pool, or that of an arrival."""
        user = User(self._number(self._opened), self.wording, monotonic_ns())
        self._opened += 1
        if arrival is not None:
            user.message, user.due_ns = self._number(arrival), self._due_ns(arrival)
        self.connect(user)

    def _number(self, own: int) -> int:
        """Return the number in the group of what is the ``own``-th of this replica."""
        return self.task.share.place + own * self.group.replicas
