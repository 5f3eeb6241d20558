"""The load: many closed-loop users in one thread, over non-blocking sockets and ``select.epoll``.

Nothing but the sockets is touched while it runs; samples stay in memory until the end.
"""

import errno
import gc
import heapq
import select
import socket
from collections import Counter
from collections.abc import Callable
from time import monotonic_ns

from client.books import Books
from client.link import Link, failure_kind
from client.story import Story
from client.task import Task
from client.user import ACKED, CONNECTING, Phase, Reply, User

RECV_BYTES = 4096
TICK_NS = 500_000_000
EPOLLIN = select.EPOLLIN


class Load:
    """Users and their sockets, the timers of those that think, and the books.

    ``stop_fd``: once it is readable, the run is broken off, and `is_stopped` says so.
    """

    def __init__(self, task: Task, story: Story | None = None, stop_fd: int | None = None) -> None:
        self.books = Books()
        self.first_connect_ns = 0
        self.is_stopped = False
        self._task = task
        self._story = story
        self._epoll = select.epoll()
        self._links: dict[int, Link] = {}
        self._timers: list[tuple[int, int, Link]] = []
        self._think_ns = round(task.think_time_s * 1e9)
        if stop_fd is not None:
            self._epoll.register(stop_fd, EPOLLIN)

    def run(self, start_ns: int, on_tick: Callable[[int], None] | None = None) -> None:
        """Connect every user at once and serve them all to their ends, at most ``timeout_s``.

        ``on_tick`` is told every half second how many messages have been acknowledged. However the
        run ends, by an exception from ``on_tick`` too, the books balance.
        """
        deadline_ns = start_ns + round(self._task.timeout_s * 1e9)
        gc.disable()  # a collection would stop every user's clock
        failure: str | None = None
        try:
            self._connect_all(start_ns)
            self._serve(deadline_ns, on_tick)
            failure = None if self.is_stopped else "timed_out"
        finally:
            for link in list(self._links.values()):
                self._leave(link, failure)
            self._epoll.close()
            gc.enable()

    def phases(self) -> Counter[Phase]:
        """Return how many users are doing what."""
        return Counter(link.user.phase for link in self._links.values())

    def _connect_all(self, start_ns: int) -> None:
        task = self._task
        self.books.end_ns = start_ns
        self.first_connect_ns = monotonic_ns()
        for number in range(task.first_user, task.first_user + task.users):
            self._connect(User(number, task.script, start_ns))

    def _connect(self, user: User) -> None:
        try:
            sock = socket.socket(self._task.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError as exc:
            self._record_end(user, failure_kind(exc.errno))
            return
        link = self._links[sock.fileno()] = Link(user, sock)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(self._task.address)
        if code not in {0, errno.EINPROGRESS}:
            self._leave(link, failure_kind(code))
            return
        self._epoll.register(sock, select.EPOLLOUT)

    def _serve(self, deadline_ns: int, on_tick: Callable[[int], None] | None) -> None:
        links = self._links
        tick_ns = now_ns = monotonic_ns()
        while links and now_ns < deadline_ns and not self.is_stopped:
            for fd, ready in self._poll(now_ns, deadline_ns):
                link = links.get(fd)
                if link is not None and ready == EPOLLIN:
                    self._receive(link)
                elif link is not None:
                    self._on_ready(link, ready)
                else:  # no descriptor is used twice in a run, so this is not a user's
                    self.is_stopped = True
            now_ns = monotonic_ns()
            while self._timers and self._timers[0][0] <= now_ns:
                link = heapq.heappop(self._timers)[2]
                if link.user.phase is Phase.THINKING:  # else it has gone meanwhile
                    self._send(link)
            if on_tick is not None and now_ns - tick_ns >= TICK_NS:
                tick_ns = now_ns
                on_tick(self.books.acked)

    def _poll(self, now_ns: int, deadline_ns: int) -> list[tuple[int, int]]:
        """Wait for a socket, a timer, the tick or the deadline; return the sockets ready."""
        wait_ns = min(deadline_ns - now_ns, TICK_NS)
        if self._timers:
            wait_ns = min(wait_ns, self._timers[0][0] - now_ns)
            if wait_ns > 0:  # epoll_wait(2) counts whole milliseconds, and would be late
                select.select((self._epoll,), (), (), wait_ns / 1e9)
            wait_ns = 0
        return self._epoll.poll(wait_ns / 1e9)

    def _on_ready(self, link: Link, ready: int) -> None:
        if link.user.phase is CONNECTING:
            self._on_connected(link)
        elif ready & select.EPOLLOUT:
            self._transmit(link, link.unsent)
        else:
            self._receive(link)

    def _on_connected(self, link: Link) -> None:
        code = link.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._leave(link, failure_kind(code))
            return
        self._epoll.modify(link.sock, EPOLLIN)
        if self._story is not None:
            self._story.connected(link.user)
        self._send(link)

    def _send(self, link: Link) -> None:
        message = link.user.next_message(monotonic_ns())
        if self._story is not None:
            self._story.sending(link.user, message)
        self._transmit(link, message)

    def _transmit(self, link: Link, message: bytes) -> None:
        try:
            taken = link.sock.send(message)
        except BlockingIOError:
            taken = 0
        except OSError as exc:
            self._break(link, exc)
            return
        if taken < len(message):
            link.unsent = message[taken:]
            self._epoll.modify(link.sock, EPOLLIN | select.EPOLLOUT)
        elif link.unsent:
            link.unsent = b""
            self._epoll.modify(link.sock, EPOLLIN)

    def _receive(self, link: Link) -> None:
        try:
            segment = link.sock.recv(RECV_BYTES)
        except BlockingIOError:
            return
        except OSError as exc:
            self._break(link, exc)
            return
        now_ns = monotonic_ns()
        reply = link.user.receive(segment)
        if reply is ACKED:
            self._on_acked(link, now_ns)
        elif reply is Reply.END:
            self._leave(link, None)
        elif reply is not Reply.PARTIAL:
            self._leave(link, reply.value)

    def _on_acked(self, link: Link, now_ns: int) -> None:
        user, think_ns = link.user, self._think_ns
        self.books.record_ack(user, now_ns)
        if self._story is not None:
            self._story.acked(user, now_ns)
        if user.advance(now_ns + think_ns) and think_ns:
            heapq.heappush(self._timers, (user.due_ns, user.number, link))
        else:
            self._send(link)

    def _break(self, link: Link, error: OSError) -> None:
        """End a user whose connection broke; after the goodbye, that is an end like another."""
        is_leaving = link.user.phase is Phase.LEAVING
        self._leave(link, None if is_leaving else failure_kind(error.errno))

    def _leave(self, link: Link, failure: str | None) -> None:
        del self._links[link.sock.fileno()]
        link.sock.close()
        self._record_end(link.user, failure)

    def _record_end(self, user: User, failure: str | None) -> None:
        self.books.record_end(user, monotonic_ns(), failure)
        if self._story is not None:
            self._story.left(user, failure)
        user.phase = Phase.GONE
