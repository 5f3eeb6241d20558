"""The closed loop: each user waits for its ack, thinks, and sends again."""
# MERGED: Users who come and go: what the closed loop and the scripted one share.

import sys
from abc import abstractmethod
from functools import partial
from time import monotonic_ns

from client.connection import Link
from client.console import Story
from client.event_loop import Loop, PoliteLoop
from client.task import Task
from client.user import THINKING, WAITING, User
from labkit.workload.distributions import Draws, parse_law
from labkit.workload.profile import NS_PER_S


class ClosedLoop(PoliteLoop, UserLoop):
    """Users who come, send their messages one after another, and say goodbye."""

    def __init__(self, task: Task, story: Story | None = None, stop_fd: int | None = None) -> None:
        super().__init__(task, story, stop_fd)
        self._think_law = parse_law(self.group.think_time)
        self._think_draws = Draws(task.share.seed, self.group.name, "think time")
        self._is_thinking = self._think_law.constant_s != 0

    def make_user(self, number: int, start_ns: int, stop_ns: int) -> User:
        """Return a user who waits for each ack."""
        return User(number, self.wording, start_ns, stop_ns)

    def on_connected(self, link: Link) -> None:
        """Send a user's first message."""
        self._go_on(link)

    def on_acked(self, link: Link, now_ns: int) -> None:
        """Think, and send the next message or say goodbye."""
        user = link.user
        following = user.message + 1
        if not self._is_thinking or following == self.messages:
            user.turn_to(following, now_ns)
            self._go_on(link)
            return
        draws = self._think_draws.pair(user.number, user.message)
        think_ns = round(self._think_law.duration_s(draws) * NS_PER_S)
        user.turn_to(following, max(now_ns, min(now_ns + think_ns, user.stop_ns)))
        self.timers.at(user.due_ns, partial(self._on_thought, link))

    def on_gone(self, link: Link, failure: str | None) -> None:
        """Book the message in flight, and those that this user will not send."""
        user = link.user
        is_waiting = user.phase is WAITING
        if is_waiting:
            self.books.record_loss(user, monotonic_ns(), failure)
        self.book_unsent(self.messages - user.message - is_waiting)

    def _go_on(self, link: Link) -> None:
        user = link.user
        if user.message == self.messages or user.due_ns >= user.stop_ns:
            self.say_goodbye(link)
        else:
            self.send_message(link)

    def _on_thought(self, link: Link) -> None:
        if link.user.phase is THINKING:  # else it has gone meanwhile
            self.lags_ns.append(monotonic_ns() - link.user.due_ns)
            self._go_on(link)


class UserLoop(Loop):
    """The users of a group, each of whom comes in its time and has so many messages to send."""

    def __init__(self, task: Task, story: Story | None = None, stop_fd: int | None = None) -> None:
        super().__init__(task, story, stop_fd)
        self.messages = self.group.messages or sys.maxsize
        self._is_planned = task.share.planned is not None
        self._lifetimes = task.share.lifetimes()
        self._to_come = len(self._lifetimes)

    @abstractmethod
    def make_user(self, number: int, start_ns: int, stop_ns: int) -> User:
        """Return a user who comes at ``start_ns`` and begins nothing from ``stop_ns`` on."""

    @property
    def first_connections(self) -> int:
        """How many users come when the group does."""
        return sum(1 for _, lifetime in self._lifetimes if not lifetime.start_ns)

    def begin(self, begin_ns: int) -> None:
        """Have each user connect when it is to come."""
        for number, lifetime in self._lifetimes:
            start_ns = begin_ns + lifetime.start_ns
            stop_ns = sys.maxsize if lifetime.stop_ns is None else begin_ns + lifetime.stop_ns
            user = self.make_user(number, start_ns, stop_ns)
            self.timers.at(start_ns, partial(self._enter, user))

    def has_more(self) -> bool:
        """Tell whether a user is still to come."""
        return self._to_come > 0

    def give_up(self) -> None:
        """Book the messages of users who never came."""
        self.book_unsent(self._to_come * self.messages)

    def book_unsent(self, messages: int) -> None:
        """Book messages that were planned; of users with a stop, nobody knows how many were."""
        if self._is_planned:
            self.books.record_unsent(messages, monotonic_ns())

    def _enter(self, user: User) -> None:
        self._to_come -= 1
        self.connect(user)
