"""The closed loop: each user waits for its ack, thinks, and sends its next message."""

import sys
from collections.abc import Callable
from functools import partial
from time import monotonic_ns

from client.connection import Connection
from client.console import Console
from client.event_loop import EventLoop
from client.task import Task
from client.user import THINKING, WAITING, User
from labkit.workload.distributions import Draws, parse_law
from labkit.workload.profile import NS_PER_S

MakeUser = Callable[[int, int, int], User]
"""From the number of a user, when it connects, and when it stops, both in nanoseconds."""


class UserSchedule:
    """When the users of one replica connect, and how many messages each has to send.

    ``messages`` is that number, `sys.maxsize` if users send as long as they are connected.
    """

    def __init__(self, loop: EventLoop) -> None:
        share = loop.task.share
        self.messages = share.group.messages or sys.maxsize
        self._loop = loop
        self._is_planned = share.planned is not None
        self._lifetimes = share.lifetimes()
        self._to_come = len(self._lifetimes)

    @property
    def first_connections(self) -> int:
        """How many users connect when the load begins."""
        return sum(1 for _, lifetime in self._lifetimes if not lifetime.start_ns)

    @property
    def has_more(self) -> bool:
        """Whether a user is still to connect."""
        return self._to_come > 0

    def begin(self, begin_ns: int, make_user: MakeUser) -> None:
        """Set a timer for each user to connect."""
        for number, lifetime in self._lifetimes:
            start_ns = begin_ns + lifetime.start_ns
            stop_ns = sys.maxsize if lifetime.stop_ns is None else begin_ns + lifetime.stop_ns
            user = make_user(number, start_ns, stop_ns)
            self._loop.timers.at(start_ns, partial(self._connect, user))

    def give_up(self) -> None:
        """Record the messages of users who never connected."""
        self.record_unsent(self._to_come * self.messages)

    def record_unsent(self, messages: int) -> None:
        """Record messages as unsent, unless the group has no planned number of messages."""
        if self._is_planned:
            self._loop.recorder.record_unsent(messages, monotonic_ns())

    def _connect(self, user: User) -> None:
        self._to_come -= 1
        self._loop.connect(user)


class ClosedLoop(EventLoop):
    """Users who connect, send their messages one after another, and say goodbye."""

    def __init__(
        self, task: Task, console: Console | None = None, stop_fd: int | None = None
    ) -> None:
        super().__init__(task, console, stop_fd)
        self._users = UserSchedule(self)
        self._messages = self._users.messages
        self._think_law = parse_law(self.group.think_time)
        self._think_draws = Draws(task.share.seed, self.group.name, "think time")
        self._is_thinking = self._think_law.constant_s != 0

    @property
    def first_connections(self) -> int:
        """How many users connect when the load begins."""
        return self._users.first_connections

    def begin(self, begin_ns: int) -> None:
        """Plan when each user connects."""
        self._users.begin(begin_ns, self._make_user)

    def has_more(self) -> bool:
        """Tell whether a user is still to connect."""
        return self._users.has_more

    def give_up(self) -> None:
        """Record the messages of users who never connected."""
        self._users.give_up()

    def on_connected(self, connection: Connection) -> None:
        """Send a user's first message."""
        self._continue(connection)

    def on_acked(self, connection: Connection, now_ns: int) -> None:
        """Think, and send the next message or the goodbye."""
        user = connection.user
        following = user.message + 1
        if not self._is_thinking or following == self._messages:
            user.schedule(following, now_ns)
            self._continue(connection)
            return
        draws = self._think_draws.pair(user.number, user.message)
        think_ns = round(self._think_law.duration_s(draws) * NS_PER_S)
        user.schedule(following, max(now_ns, min(now_ns + think_ns, user.stop_ns)))
        self.timers.at(user.due_ns, partial(self._on_thought, connection))

    def on_closed(self, connection: Connection, failure: str | None) -> None:
        """Record the message in flight, and those that this user will not send."""
        user = connection.user
        is_waiting = user.phase is WAITING
        if is_waiting:
            self.recorder.record_loss(user, monotonic_ns(), failure)
        self._users.record_unsent(self._messages - user.message - is_waiting)

    def _make_user(self, number: int, start_ns: int, stop_ns: int) -> User:
        return User(number, self.message_format, start_ns, stop_ns)

    def _continue(self, connection: Connection) -> None:
        user = connection.user
        if user.message == self._messages or user.due_ns >= user.stop_ns:
            self.send_goodbye(connection)
        else:
            self.send_message(connection)

    def _on_thought(self, connection: Connection) -> None:
        if connection.user.phase is THINKING:  # it may have gone meanwhile
            self.lags_ns.append(monotonic_ns() - connection.user.due_ns)
            self._continue(connection)
