"""The connections of a client: made, written to, and closed, with each booked as it ends."""

import contextlib
import errno
import select
import socket
from functools import partial
from time import monotonic_ns

from client.books import Books
from client.hooks import Hooks
from client.link import Link, failure_kind
from client.story import Story
from client.task import Task
from client.user import CONNECTING, Phase, User
from client.wording import Wording
from labkit.timers import Timers
from labkit.workload.profile import NS_PER_S

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
