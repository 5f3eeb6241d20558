"""Users who come and go: what the closed loop and the scripted one share."""

import sys
from abc import abstractmethod
from functools import partial
from time import monotonic_ns

from client.loop import Loop
from client.story import Story
from client.task import Task
from client.user import User


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
