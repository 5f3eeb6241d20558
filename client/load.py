"""The load: many closed-loop users in one thread, over non-blocking sockets and ``select.epoll``.

Nothing but the sockets is touched while it runs; samples stay in memory until the end.
"""

import errno
import gc
import heapq
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

from client.books import Books
from client.resolve import Address
from client.story import Story
from client.user import Phase, Reply, Script, User

RECV_BYTES = 4096
TICK_NS = 500_000_000
CONNECT_PENDING = {errno.EINPROGRESS, errno.EAGAIN}


@dataclass(frozen=True)
class Task:
    """What one client does: for whom, against which address, and until when.

    ``address`` is resolved. ``first_user`` is the number of its first user over all replicas.
    """

    family: int
    address: Address
    script: Script
    users: int
    first_user: int = 0
    replica: int = 0
    think_time_s: float = 0.0
    timeout_s: float = 120.0


class Load:
    """Users, their sockets, the timers of those that think, and the books."""

    def __init__(self, task: Task, story: Story | None = None) -> None:
        self.books = Books()
        self.first_connect_ns = 0
        self._task = task
        self._story = story
        self._epoll = select.epoll()
        self._users: dict[int, User] = {}
        self._socks: dict[int, socket.socket] = {}
        self._unsent: dict[int, bytes] = {}
        self._timers: list[tuple[int, int, int, User]] = []
        self._order = count()
        self._think_ns = round(task.think_time_s * 1e9)

    def run(self, start_ns: int, on_tick: Callable[[int], None] | None = None) -> None:
        """Connect every user at once and serve them all to their ends, at most ``timeout_s``.

        ``on_tick`` is told every half second how many messages have been acknowledged. An exception
        from it, or KeyboardInterrupt, ends the run with the books balanced.
        """
        deadline_ns = start_ns + round(self._task.timeout_s * 1e9)
        gc.disable()  # a collection would stop every user's clock
        failure: str | None = None
        try:
            self._connect_all(start_ns)
            self._serve(deadline_ns, on_tick)
            failure = "timed_out"
        finally:
            self._end_all(failure)
            gc.enable()

    def _serve(self, deadline_ns: int, on_tick: Callable[[int], None] | None) -> None:
        tick_ns = now_ns = time.monotonic_ns()
        while self._users and now_ns < deadline_ns:
            for fd, ready in self._epoll.poll(self._wait_s(now_ns, deadline_ns)):
                user = self._users.get(fd)
                if user is not None:
                    self._on_ready(fd, user, ready)
            now_ns = time.monotonic_ns()
            while self._timers and self._timers[0][0] <= now_ns:
                _, _, fd, user = heapq.heappop(self._timers)
                if self._users.get(fd) is user:
                    self._send(fd, user)
            if now_ns - tick_ns >= TICK_NS:
                tick_ns = now_ns
                if on_tick is not None:
                    on_tick(self.books.acked)

    def _wait_s(self, now_ns: int, deadline_ns: int) -> float:
        until_ns = min(deadline_ns, now_ns + TICK_NS)
        if self._timers:
            until_ns = min(until_ns, self._timers[0][0])
        return max(until_ns - now_ns, 0) / 1e9

    def _connect_all(self, start_ns: int) -> None:
        task = self._task
        self.first_connect_ns = time.monotonic_ns()
        for number in range(task.first_user, task.first_user + task.users):
            self._connect(User(number, task.script, start_ns))

    def _connect(self, user: User) -> None:
        try:
            sock = socket.socket(self._task.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError:
            self._record_end(user, "unreachable")
            return
        fd = sock.fileno()
        self._users[fd], self._socks[fd] = user, sock
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(self._task.address)
        if code and code not in CONNECT_PENDING:
            self._leave(fd, user, connect_failure(code))
            return
        self._epoll.register(fd, select.EPOLLOUT)

    def _on_ready(self, fd: int, user: User, ready: int) -> None:
        if user.phase is Phase.CONNECTING:
            self._on_connected(fd, user)
        elif ready & select.EPOLLOUT:
            self._transmit(fd, user, self._unsent[fd])
        else:
            self._receive(fd, user)

    def _on_connected(self, fd: int, user: User) -> None:
        code = self._socks[fd].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self._leave(fd, user, connect_failure(code))
            return
        self._epoll.modify(fd, select.EPOLLIN)
        if self._story is not None:
            self._story.connected(user)
        self._send(fd, user)

    def _send(self, fd: int, user: User) -> None:
        message = user.next_message(self._task.replica, time.monotonic_ns())
        if self._story is not None:
            self._story.sending(user, message)
        self._transmit(fd, user, message)

    def _transmit(self, fd: int, user: User, message: bytes) -> None:
        try:
            taken = self._socks[fd].send(message)
        except BlockingIOError:
            taken = 0
        except OSError:
            self._leave(fd, user, None if user.phase is Phase.LEAVING else "reset")
            return
        if taken < len(message):
            self._unsent[fd] = message[taken:]
            self._epoll.modify(fd, select.EPOLLIN | select.EPOLLOUT)
        elif fd in self._unsent:
            del self._unsent[fd]
            self._epoll.modify(fd, select.EPOLLIN)

    def _receive(self, fd: int, user: User) -> None:
        try:
            segment = self._socks[fd].recv(RECV_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._leave(fd, user, None if user.phase is Phase.LEAVING else "reset")
            return
        now_ns = time.monotonic_ns()
        reply = user.receive(segment)
        if reply is Reply.ACKED:
            self._on_acked(fd, user, now_ns)
        elif reply is Reply.END:
            self._leave(fd, user, None)
        elif reply is not Reply.PARTIAL:
            self._leave(fd, user, reply.value)

    def _on_acked(self, fd: int, user: User, now_ns: int) -> None:
        self.books.record_ack(user, now_ns)
        if self._story is not None:
            self._story.acked(user, now_ns)
        think_ns = self._think_ns
        if user.advance(now_ns + think_ns) and think_ns:
            heapq.heappush(self._timers, (user.due_ns, next(self._order), fd, user))
        else:
            self._send(fd, user)

    def _end_all(self, failure: str | None) -> None:
        """End whoever is left: at the deadline with a failure, when interrupted without."""
        for fd, user in list(self._users.items()):
            self._leave(fd, user, failure)
        self._epoll.close()

    def _leave(self, fd: int, user: User, failure: str | None) -> None:
        del self._users[fd]
        self._unsent.pop(fd, None)
        self._socks.pop(fd).close()
        self._record_end(user, failure)

    def _record_end(self, user: User, failure: str | None) -> None:
        self.books.record_end(user, time.monotonic_ns(), failure)
        if self._story is not None:
            self._story.left(user, failure)
        user.phase = Phase.GONE


def connect_failure(code: int) -> str:
    """Return the kind of failure that an errno of ``connect`` is."""
    kinds = {
        errno.ECONNREFUSED: "refused",
        errno.ECONNRESET: "reset",
        errno.ETIMEDOUT: "timed_out",
    }
    return kinds.get(code, "unreachable")
