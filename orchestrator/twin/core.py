"""The core of the simulation: connections, the event queue, the record of events, and CPUs.

A server is a `Model`, the clients of a group are a `Source`. Both schedule handlers in the
`EventQueue`; acks go to the `Record`. No sockets, clock or files.
"""

import heapq
import sys
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from struct import Struct
from typing import Any, TypeAlias

from labkit.workload.distributions import Draws
from orchestrator.twin.demands import Work
from orchestrator.twin.parameters import Overhead

NEVER = -1
CONNECTION_COLUMNS = (
    "group", "user", "worker", "begun_ns", "connected_ns", "accepted_ns", "taken_ns", "ended_ns",
    "given_up_ns", "attempt", "is_retried",
)  # fmt: skip
MESSAGE_COLUMNS = (
    "connection", "message", "due_ns", "sent_ns", "received_ns", "started_ns", "finished_ns",
    "ended_ns",
)  # fmt: skip
_message_row = Struct("=8q").pack
NOISE_NS = 1e-3

Handler: TypeAlias = Callable[[int, Any], None]
"""Called with an instant and a subject."""


class Connection:
    """A connection, and its current message.

    Instants are in ns from the common start, `NEVER` until they are reached. ``taken_ns`` is when a
    worker, or the loop, took it; ``accepted_ns`` is earlier if the model has a queue of its own.
    ``has_message``: a message is to be served; ``has_arrived``: the server has received it.
    ``demand_ns`` and ``is_computing`` are those of the part of the message that is served, or to be
    served next; ``parts`` follow it. The service of the message takes ``least_ns`` at least.
    ``received_ns``: if that is before the service starts, when the server read the message.
    ``worker`` is the one whose queue the kernel chose, from 1; 0 if that is not known.
    ``given_up_ns`` is when its client closed it because its message, the ``attempt``-th of this
    one, timed out; ``is_retried``: that was sent again.
    """

    __slots__ = (
        "accepted_ns", "attempt", "begun_ns", "connected_ns", "demand_ns", "due_ns", "ended_ns",
        "finished_ns", "given_up_ns", "has_arrived", "has_message", "is_closing", "is_computing",
        "is_retried", "least_ns", "message", "number", "parts", "received_ns", "sent_ns",
        "source", "started_ns", "stop_ns", "taken_ns", "user", "worker",
    )  # fmt: skip

    def __init__(self, source: "Source", user: int, begun_ns: int, stop_ns: int) -> None:
        self.source = source
        self.user = user
        self.begun_ns = self.due_ns = self.sent_ns = begun_ns
        self.stop_ns = stop_ns
        self.connected_ns = self.accepted_ns = self.taken_ns = self.ended_ns = NEVER
        self.message = 0
        self.demand_ns = 0
        self.is_computing = False
        self.parts: tuple[Work, ...] = ()
        self.least_ns = 0
        self.has_message = self.has_arrived = False
        self.received_ns = self.started_ns = self.finished_ns = NEVER
        self.number = 0
        self.is_closing = False
        self.worker = 0
        self.given_up_ns = NEVER
        self.attempt = 1
        self.is_retried = False

    def set_work(self, work: Work) -> None:
        """Set the work of the current message; its number and instants are set by the caller."""
        self.demand_ns, self.is_computing, self.parts, self.least_ns = work
        self.has_message = True
        self.begin_next_part()

    def begin_next_part(self) -> bool:
        """Let the message go on to its next part; return False if there is none."""
        if not self.parts:
            return False
        self.demand_ns, self.is_computing = self.parts[0][:2]
        self.parts = self.parts[1:]
        return True


class Model(ABC):
    """The server of the simulation: it decides which message is served when."""

    @abstractmethod
    def queued(self, conn: Connection) -> int:
        """Return how many connections are in the accept queue that ``conn`` is to join."""

    @abstractmethod
    def connect(self, now_ns: int, conn: Connection) -> None:
        """Add a connection that was just established to the accept queue."""

    @abstractmethod
    def deliver(self, conn: Connection) -> None:
        """Receive the message of an idle connection, at the instant it is sent."""

    @abstractmethod
    def close(self, now_ns: int, conn: Connection) -> None:
        """Close an idle connection."""


class Source(ABC):
    """A group of clients, or one replica of it: its connections and their messages.

    ``is_shared``: an ack on one connection can decide on the next message of another, so acks must
    be reported in the order of time.
    """

    is_shared = False
    group = 0

    @abstractmethod
    def connections(self) -> Iterator[Connection]:
        """Yield each connection, in the order in which they begin."""

    @abstractmethod
    def on_connected(self, conn: Connection) -> bool | None:
        """Set the first message of a connection, as `on_acked` sets the next."""

    @abstractmethod
    def on_acked(self, conn: Connection, now_ns: int) -> bool | None:
        """Set the next message of a connection, and when it will be sent; return True.

        False if the client closes the connection instead, None if it only waits.
        """


class TooManyMessagesError(ValueError):
    """The simulation has more messages than it may take."""


@dataclass
class Record:
    """The acks, as rows of `MESSAGE_COLUMNS`, and all connections, numbered as they begin.

    Events after ``end_ns`` are not recorded. ``max_messages`` limits the time that it takes.
    """

    end_ns: int
    max_messages: int = sys.maxsize
    messages: "array[int]" = field(default_factory=lambda: array("q"))
    connections: list[Connection] = field(default_factory=list)

    def begin(self, conn: Connection) -> None:
        """Add a connection and set its number."""
        conn.number = len(self.connections)
        self.connections.append(conn)

    def ack(self, conn: Connection, ended_ns: int) -> None:
        """Add the message of ``conn``, whose ack reaches its client at ``ended_ns``.

        Raises:
            TooManyMessagesError: it is one too many.
        """
        if len(self.messages) >= self.max_messages * len(MESSAGE_COLUMNS):
            raise TooManyMessagesError(f"more than {self.max_messages} messages")
        self.messages.frombytes(
            _message_row(
                conn.number, conn.message, conn.due_ns, conn.sent_ns,
                conn.started_ns if conn.received_ns == NEVER else conn.received_ns,
                conn.started_ns, conn.finished_ns, ended_ns,
            )
        )  # fmt: skip


class EventQueue:
    """Handlers to call at instants, in ns; those of one instant in scheduling order."""

    def __init__(self) -> None:
        self._due: list[tuple[int, int, Handler, Any]] = []
        self._count = 0

    def schedule(self, at_ns: int, handler: Handler, subject: Any = None) -> None:  # noqa: ANN401 the handler knows it
        """Call ``handler`` with ``subject`` at ``at_ns``."""
        self._count += 1
        heapq.heappush(self._due, (at_ns, self._count, handler, subject))

    def run(self, until_ns: int) -> None:
        """Call all handlers due by ``until_ns``, including those scheduled meanwhile."""
        due, pop = self._due, heapq.heappop
        while due and due[0][0] <= until_ns:
            at_ns, _, handler, subject = pop(due)
            handler(at_ns, subject)


class Processors:
    """CPUs that are shared evenly by the messages that compute; none uses more than one.

    Processor sharing (Kleinrock 1976, "Queueing Systems, volume 2", 4.4): the limit of
    round robin with ever shorter turns. ``capacity`` may be a fraction, as a container's limit.

    A virtual clock runs at the speed of each message: one that begins at v with a demand of d is
    done when the clock shows v + d, however many begin and end meanwhile.
    """

    def __init__(
        self, events: EventQueue, capacity: float, on_done: Callable[[int, Connection], None]
    ) -> None:
        self._events = events
        self._capacity = capacity
        self._on_done = on_done
        self._progress_ns = 0.0
        self._updated_ns = 0
        self._computing: list[tuple[float, int, Connection]] = []
        self._version = 0

    @property
    def is_busy(self) -> bool:
        """Whether a message is computing."""
        return bool(self._computing)

    def busy_ns(self, now_ns: int, most_ns: int) -> int:
        """Return how long the messages that compute now still do so, ``most_ns`` at most."""
        progress_ns = self._progress_ns + (now_ns - self._updated_ns) * self._speed
        longest_ns = total_ns = 0.0
        for done_at, _, _ in self._computing:
            left_ns = max(done_at - progress_ns, 0.0)
            longest_ns, total_ns = max(longest_ns, left_ns), total_ns + left_ns
            if total_ns / self._capacity >= most_ns:
                return most_ns
        return min(round(max(longest_ns, total_ns / self._capacity)), most_ns)

    def begin(self, now_ns: int, conn: Connection) -> None:
        """Start to compute the message of ``conn``."""
        self._advance(now_ns)
        done_at = self._progress_ns + conn.demand_ns
        heapq.heappush(self._computing, (done_at, self._version, conn))
        self._schedule_next(now_ns)

    def _advance(self, now_ns: int) -> None:
        self._progress_ns += (now_ns - self._updated_ns) * self._speed
        self._updated_ns = now_ns

    @property
    def _speed(self) -> float:
        return min(1.0, self._capacity / max(len(self._computing), 1))

    def _schedule_next(self, now_ns: int) -> None:
        """Schedule the end of the next one, unless their number changes before."""
        self._version += 1
        if self._computing:
            left_ns = max(self._computing[0][0] - self._progress_ns, 0) / self._speed
            self._events.schedule(now_ns + round(left_ns), self._complete, self._version)

    def _complete(self, now_ns: int, version: int) -> None:
        if version != self._version:
            return
        self._advance(now_ns)
        done: list[Connection] = []
        # The first one is done, even if rounding to a nanosecond says otherwise.
        limit = max(self._progress_ns, self._computing[0][0]) + NOISE_NS
        while self._computing and self._computing[0][0] <= limit:
            done.append(heapq.heappop(self._computing)[2])
        self._schedule_next(now_ns)
        for conn in done:
            self._on_done(now_ns, conn)


class Services:
    """The work of messages, part by part: a ``sleep`` takes its time, a computation shares CPUs.

    ``on_finished`` is called when all of it, and the overhead of the service, is done.
    """

    def __init__(
        self, events: EventQueue, overhead: Overhead, cpus: float, on_finished: Handler
    ) -> None:
        self._events = events
        self._service_ns = overhead.service_ns
        self._on_finished = on_finished
        self.processors = Processors(events, cpus, self._on_part_done)

    def begin(self, at_ns: int, conn: Connection) -> None:
        """Start to serve the message of ``conn`` at ``at_ns``."""
        conn.started_ns = at_ns
        if conn.is_computing:
            self._events.schedule(at_ns, self.processors.begin, conn)
        else:
            self._events.schedule(at_ns + conn.demand_ns, self._on_part_done, conn)

    def _on_part_done(self, now_ns: int, conn: Connection) -> None:
        """Begin the next part of a message, or end its service."""
        if not conn.begin_next_part():
            conn.finished_ns = max(now_ns + self._service_ns, conn.started_ns + conn.least_ns)
            self._events.schedule(conn.finished_ns, self._on_finished, conn)
        elif conn.is_computing:
            self.processors.begin(now_ns, conn)
        else:
            self._events.schedule(now_ns + conn.demand_ns, self._on_part_done, conn)


class Listeners:
    """A listener for each worker: stands for the kernel, whose hash chooses one for a connection.

    The hash has a secret key, so it cannot be computed; over many connections it is even.
    """

    def __init__(self, seed: int, workers: int) -> None:
        self._draws = Draws(seed, "", "listener")
        self._workers = workers

    def choose(self, conn: Connection) -> None:
        """Draw a worker for a connection of which it is not known."""
        if not conn.worker:
            share, _ = self._draws.pair(conn.number, 0)
            conn.worker = 1 + int(share * self._workers)


class OverheadCpus:
    """The CPU time of overhead: ``capacity`` CPUs do it for one message after another.

    Messages must come in the order of time.
    """

    def __init__(self, cpu_ns: int, capacity: float) -> None:
        self._cpu_ns = cpu_ns
        self._each_ns = cpu_ns / capacity
        self._free_ns = 0.0

    def delay_ns(self, now_ns: int) -> int:
        """Return how much later than by its own overhead a message is over."""
        self._free_ns = max(self._free_ns, now_ns) + self._each_ns
        return max(round(self._free_ns - now_ns) - self._cpu_ns, 0)
