"""The client's event loop: many users in one thread, over non-blocking sockets and epoll.

Nothing but the sockets is touched while it runs; samples stay in memory until the end. What users
do, and when, is in the loops that derive from it.
"""

import gc
import select
from array import array
from collections import Counter
from collections.abc import Callable
from time import monotonic_ns

from client.connections import Connections
from client.story import Story
from client.task import Task
from client.user import Phase
from labkit.wire.progress import Pulse
from labkit.workload.profile import NS_PER_S

TICK_NS = NS_PER_S // 2
EPOLLIN = select.EPOLLIN


class Loop(Connections):
    """One run of a task.

    ``stop_fd``: once it is readable, the run is broken off, and `is_stopped` says so. ``lags_ns``:
    how late the loop took up what was due by the clock. ``first_connect_ns``: when it took up the
    start, just before the first of those connect who come at once; 0 where it never did.
    """

    def __init__(self, task: Task, story: Story | None = None, stop_fd: int | None = None) -> None:
        super().__init__(task, story)
        self.first_connect_ns = 0
        self.is_stopped = False
        self.lags_ns = array("Q")
        if stop_fd is not None:
            self.epoll.register(stop_fd, EPOLLIN)

    def run(self, start_ns: int, on_tick: Callable[[Pulse], None] | None = None) -> None:
        """Carry out the share from ``start_ns`` on, at most until its deadline, counted from there.

        A start that is still to come is slept for, with all prepared that can be: many replicas
        that spin, or prepare, for one instant keep each other from it.

        ``on_tick`` is told every half second how the load gets on. However the
        run ends, by an exception from ``on_tick`` too, the books balance.
        """
        deadline_ns = start_ns + round(self.task.share.timeout_s * NS_PER_S)
        gc.disable()  # a collection would stop every user's clock
        failure: str | None = None
        try:
            self.books.end_ns = start_ns
            self.timers.at(start_ns, self._on_start)
            self.begin(start_ns + round(self.group.start_s * NS_PER_S))
            self._serve(deadline_ns, on_tick)
            failure = None if self.is_stopped else "timed_out"
        finally:
            self.give_up()
            for link in list(self.links.values()):
                self.leave(link, failure)
            self.close()
            gc.enable()

    def pulse(self) -> Pulse:
        """Return how the load gets on; costs the same however many connections there are."""
        books = self.books
        errors = sum(books.errors.values())
        return Pulse(books.acked, books.failed, errors, len(self.links))

    def phases(self) -> Counter[Phase]:
        """Return how many users are doing what."""
        return Counter(link.user.phase for link in self.links.values())

    def _on_start(self) -> None:
        self.first_connect_ns = monotonic_ns()

    def _serve(self, deadline_ns: int, on_tick: Callable[[Pulse], None] | None) -> None:
        links, timers, on_readable = self.links, self.timers, self.on_readable
        tick_ns = now_ns = monotonic_ns()
        while now_ns < deadline_ns and not self.is_stopped:
            if not links and not self.has_more() and self.first_connect_ns:
                return
            for fd, ready in self._poll(now_ns, deadline_ns):
                link = links.get(fd)
                if link is None:  # an event's link closes no other, so this is `stop_fd`
                    self.is_stopped = True
                elif ready == EPOLLIN:
                    on_readable(link)
                else:
                    self.on_ready(link, ready)
            if timers:
                timers.fire()
            now_ns = monotonic_ns()
            if on_tick is not None and now_ns - tick_ns >= TICK_NS:
                tick_ns = now_ns
                on_tick(self.pulse())

    def _poll(self, now_ns: int, deadline_ns: int) -> list[tuple[int, int]]:
        """Wait for a socket, a timer, the tick or the deadline; return the sockets ready."""
        wait_s = min(deadline_ns - now_ns, TICK_NS) / NS_PER_S
        timer_s = self.timers.wait_s()
        if timer_s is None:
            return self.epoll.poll(wait_s)
        # epoll_wait(2) counts whole milliseconds, and would be late.
        if timer_s and not select.select((self.epoll,), (), (), min(wait_s, timer_s))[0]:
            return []
        return self.epoll.poll(0)
