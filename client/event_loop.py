"""The client's event loop: many users in one thread, over non-blocking sockets and epoll.

Nothing but the sockets is touched while it runs; samples stay in memory until the end. What users
do, and when, is in the loops that derive from it.
"""
# MERGED: What the event loop leaves to those that derive from it: who connects, what is said, and when.
# MERGED: The connections of a client: made, written to, and closed, with each booked as it ends.
# MERGED: What closed and open loop share: one message in flight on a connection, and a goodbye.

import contextlib
import errno
import gc
import select
import socket
from abc import ABC, abstractmethod
from array import array
from collections import Counter
from collections.abc import Callable
from functools import partial
from time import monotonic_ns

from client.connection import Link, failure_kind
from client.console import Story
from client.message_format import Wording
from client.recorder import Books
from client.task import Task
from client.user import ACKED, CONNECTING, Phase, Reply, User
from labkit.timers import Timers
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


class Hooks(ABC):
    """Called by `client.event_loop.Loop`, in its own thread; none may block."""

    @property
    @abstractmethod
    def first_connections(self) -> int:
        """How many connections are asked for when the load begins."""

    @abstractmethod
    def begin(self, begin_ns: int) -> None:
        """Plan the load, which begins at ``begin_ns``."""

    @abstractmethod
    def has_more(self) -> bool:
        """Tell whether anybody is still to connect."""

    @abstractmethod
    def give_up(self) -> None:
        """Book what will not come, for the run is at its end; connections are still open."""

    @abstractmethod
    def on_connected(self, link: Link) -> None:
        """Go on with a user whose connection is established."""

    @abstractmethod
    def on_readable(self, link: Link) -> None:
        """Take what has come for a user, or the end of it."""

    @abstractmethod
    def on_gone(self, link: Link, failure: str | None) -> None:
        """Book what a user leaves behind; its connection is closed already."""


EPOLLIN, EPOLLOUT = select.EPOLLIN, select.EPOLLOUT


class Connections(Hooks):
    """Non-blocking sockets of one task, by descriptor; time-outs where the group has them."""

    def __init__(self, task: Task, story: Story | None = None) -> None:
        group = task.share.group
        self.books = Books()
        self.wording = Wording(task.share)
        self.group = group
        self.task = task
        self.story = story
        self.links: dict[int, Link] = {}
        self.epoll = select.epoll()
        self.timers = Timers()
        self.answer_timeout_ns = _ns(group.answer_timeout_s)
        self._connect_timeout_ns = _ns(group.connect_timeout_s)
        self._stock: list[socket.socket] = []

    def prepare(self) -> None:
        """Make the sockets of those who come at the very start, as many as there may be.

        Worth it where many replicas start at one instant: it takes 23 of the 83 µs in which one
        keeps the next from its first connect.
        """
        with contextlib.suppress(OSError):  # whoever finds none is told why
            for _ in range(self.first_connections):
                self._stock.append(self._make_socket())

    def close(self) -> None:
        """Close what is open, but for connections."""
        for sock in self._stock:
            sock.close()
        self.epoll.close()

    def connect(self, user: User) -> None:
        """Begin to connect a user."""
        link = Link(user, monotonic_ns())
        try:
            sock = self._stock.pop() if self._stock else self._make_socket()
        except OSError as exc:
            self._part(link, failure_kind(exc.errno))
            return
        link.attach(sock)
        self.links[sock.fileno()] = link
        code = sock.connect_ex(self.task.address)
        if code not in {0, errno.EINPROGRESS}:
            self.leave(link, failure_kind(code))
            return
        self.epoll.register(sock, EPOLLOUT)
        if self._connect_timeout_ns is not None:
            due_ns = link.begun_ns + self._connect_timeout_ns
            self.timers.at(due_ns, partial(self._on_unconnected, link))

    def _make_socket(self) -> socket.socket:
        sock = socket.socket(self.task.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.set_up(sock)
        return sock

    def set_up(self, sock: socket.socket) -> None:
        """Set the options of a socket that is about to connect."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def on_writable(self, link: Link) -> None:
        """Go on with a message that the kernel took in part."""
        self.transmit(link, link.unsent)

    def transmit(self, link: Link, message: bytes) -> None:
        """Hand the kernel as much of ``message`` as it takes, and the rest once it has room."""
        try:
            taken = link.send(message)
        except BlockingIOError:
            taken = 0
        except OSError as exc:
            self.break_off(link, exc)
            return
        if taken < len(message):
            link.unsent = message[taken:]
            self.watch(link)
        elif link.unsent:
            link.unsent = b""
            self.watch(link)

    def watch(self, link: Link) -> None:
        """Wait for what the connection may bring next."""
        self.epoll.modify(link.sock, EPOLLIN | EPOLLOUT if link.unsent else EPOLLIN)

    def limit_answer(self, link: Link, message: int) -> None:
        """Give the answer to the message that is about to be sent its time-out, if there is one."""
        if self.answer_timeout_ns is not None:
            due_ns = monotonic_ns() + self.answer_timeout_ns
            self.timers.at(due_ns, partial(self._on_unanswered, link, message))

    def break_off(self, link: Link, error: OSError) -> None:
        """End a user whose connection broke; after the goodbye, that is an end like another."""
        is_leaving = link.user.phase is Phase.LEAVING
        self.leave(link, None if is_leaving else failure_kind(error.errno))

    def leave(self, link: Link, failure: str | None) -> None:
        """Close a connection and book it."""
        del self.links[link.sock.fileno()]
        link.sock.close()
        self._part(link, failure)

    def _part(self, link: Link, failure: str | None) -> None:
        self.books.record_connection(link, monotonic_ns(), failure)
        self.on_gone(link, failure)
        if self.story is not None:
            self.story.left(link.user, failure)
        link.user.phase = Phase.GONE

    def on_ready(self, link: Link, ready: int) -> None:
        """Do what a connection is ready for, where that is more than to be read."""
        if link.user.phase is CONNECTING:
            self._on_connect_ended(link)
        elif ready & EPOLLOUT:
            self.on_writable(link)
        else:
            self.on_readable(link)

    def _on_connect_ended(self, link: Link) -> None:
        code = link.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self.leave(link, failure_kind(code))
            return
        link.connected_ns = monotonic_ns()
        link.port = link.sock.getsockname()[1]
        self.watch(link)
        if self.story is not None:
            self.story.connected(link.user)
        self.on_connected(link)

    def _on_unconnected(self, link: Link) -> None:
        if link.user.phase is CONNECTING:
            self.leave(link, "timed_out")

    def _on_unanswered(self, link: Link, message: int) -> None:
        if link.user.awaits(message):
            self.leave(link, "timed_out")


def _ns(duration_s: float | None) -> int | None:
    return None if duration_s is None else round(duration_s * NS_PER_S)


RECV_BYTES = 64  # more than an ack: larger ones cost an allocation beyond Python's own pools


class PoliteLoop(Loop):
    """Users who wait for the ack of one message before they send the next."""

    @abstractmethod
    def on_acked(self, link: Link, now_ns: int) -> None:
        """Go on with a user whose message was acknowledged and booked."""

    def on_readable(self, link: Link) -> None:
        """Take an ack, or the end."""
        try:
            segment = link.recv(RECV_BYTES)
        except BlockingIOError:
            return
        except OSError as exc:
            self.break_off(link, exc)
            return
        now_ns = monotonic_ns()
        reply = link.user.receive(segment)
        if reply is ACKED:
            self.books.record_ack(link.user, now_ns)
            if self.story is not None:
                self.story.acked(link.user, now_ns)
            self.on_acked(link, now_ns)
        else:
            self._on_other(link, reply, now_ns)

    def send_message(self, link: Link) -> None:
        """Send a user's next message."""
        user = link.user
        message = user.next_message()
        if self.story is not None:
            self.story.sending(user, message)
        if self.answer_timeout_ns is not None:
            self.limit_answer(link, user.message)
        user.sent_ns = monotonic_ns()
        self.transmit(link, message)

    def say_goodbye(self, link: Link) -> None:
        """Ask the server to close."""
        message = link.user.goodbye()
        if self.story is not None:
            self.story.sending(link.user, message)
        self.transmit(link, message)

    def _on_other(self, link: Link, reply: Reply, now_ns: int) -> None:
        """Take what is no ack; the value of a failure is its kind."""
        user = link.user
        if reply is Reply.PARTIAL:
            user.first_byte_ns = user.first_byte_ns or now_ns
        elif reply is Reply.END:
            self.leave(link, None)
        else:
            if user.has_ack:
                self.books.record_ack(user, now_ns)
                user.turn_to(user.message + 1, now_ns)
            self.leave(link, reply.value)
