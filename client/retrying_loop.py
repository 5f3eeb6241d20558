"""The open loop whose messages are sent again if they time out.

A time-out closes the connection, as in any loop, so a server may still be busy with the message;
the next attempt is sent on another connection. All attempts have the due instant of the first one,
and so a response time includes the time-outs and the pauses before the retries.
"""

from collections import deque
from dataclasses import dataclass
from functools import partial
from itertools import islice
from time import monotonic_ns

from client.connection import Connection
from client.console import Console
from client.event_loop import MOST_AGED
from client.open_loop import OpenLoop
from client.task import Task
from client.user import THINKING
from labkit.wire.histogram import bucket_of
from labkit.workload.retries import RetryPolicy


@dataclass(slots=True)
class TimedOut:
    """The last attempt of a message that is to be sent again; see `labkit.wire.samples.Row`."""

    number: int
    message: int
    due_ns: int
    sent_ns: int
    first_byte_ns: int
    ended_ns: int


class RetryingLoop(OpenLoop):
    """Arrivals, and the messages that are to be sent again.

    The row of an attempt is written when the next one is sent. If that never happens, since the run
    ends or no connection is established, the message has failed, and has timed out.
    """

    def __init__(
        self, task: Task, console: Console | None = None, stop_fd: int | None = None
    ) -> None:
        super().__init__(task, console, stop_fd)
        self._policy = RetryPolicy(task.share.group, task.share.seed)
        self._timed_out: dict[int, TimedOut] = {}  # by message
        self._attempts: dict[int, int] = {}  # of messages that were sent again
        self._pausing: set[int] = set()

    def has_more(self) -> bool:
        """Tell whether an arrival or a retry is still to come, or waits for a connection."""
        return super().has_more() or bool(self._pausing)

    def give_up(self) -> None:
        """Record the messages that were to be sent again, and the arrivals, as they are."""
        numbers = {self._number(arrival): arrival for arrival in self._waiting}
        again = numbers.keys() & self._timed_out.keys()
        self._waiting = deque(each for number, each in numbers.items() if number not in again)
        for message in (*again, *self._pausing):
            self.drop(message)
        self._pausing.clear()
        super().give_up()

    def add_ages(self, times: list[int], now_ns: int) -> None:
        """Add messages that pause before a retry, too."""
        super().add_ages(times, now_ns)
        step = 1 + len(self._pausing) // MOST_AGED
        for message in islice(self._pausing, 0, None, step):
            times[bucket_of(now_ns - self._timed_out[message].due_ns)] += step

    def send_message(self, connection: Connection) -> None:
        """Send a message for the first time, or again."""
        timed_out = self._timed_out.pop(connection.user.message, None)
        if timed_out is None:
            self._policy.count_first()
            super().send_message(connection)
            return
        self.recorder.record_retried(timed_out, timed_out.ended_ns)
        self.recorder.retries += 1
        user = connection.user
        message = user.next_message()
        if self.console is not None:
            self.console.report_sending(user, message)
        self.limit_answer(connection, user.message)
        user.sent_ns = monotonic_ns()
        self.transmit(connection, message)

    def drop(self, message: int) -> None:
        """Record that a message will not be sent, or not again."""
        timed_out = self._timed_out.pop(message, None)
        if timed_out is None:
            super().drop(message)
        else:
            self.recorder.record_loss(timed_out, monotonic_ns(), "timed_out")

    def on_answer_timeout(self, connection: Connection, message: int) -> None:
        """Close the connection, and send its message again if attempts and budget allow it."""
        user = connection.user
        if not user.awaits(message):
            return
        attempt = self._attempts.get(message, 1)
        pause_ns = self._policy.pause_ns(message, attempt)
        if pause_ns is not None:
            now_ns = monotonic_ns()
            self._attempts[message] = attempt + 1
            self._timed_out[message] = TimedOut(
                user.number, message, user.due_ns, user.sent_ns, user.first_byte_ns, now_ns
            )
            self._pausing.add(message)
            self.timers.at(now_ns + pause_ns, partial(self._retry, message))
            user.phase = THINKING  # so that the message is not recorded as lost
        self.close_connection(connection, "timed_out")

    def _retry(self, message: int) -> None:
        self._pausing.discard(message)
        self._start_arrival((message - self.task.share.place) // self.group.replicas)
        self.close_if_last()
