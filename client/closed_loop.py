"""The closed loop: each user waits for its ack, thinks, and sends again."""

from functools import partial
from time import monotonic_ns

from client.link import Link
from client.polite_loop import PoliteLoop
from client.story import Story
from client.task import Task
from client.user import THINKING, WAITING, User
from client.user_loop import UserLoop
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
