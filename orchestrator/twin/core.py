"""A connection of the simulation, and the message on it.

What is to happen when: the heart of a simulation of discrete events.

CPUs, shared by those who compute at the same time.
"""

import heapq
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from struct import Struct
from typing import Any, TypeAlias

from orchestrator.twin.demands import Work


class Talk:
    """One connection: whose it is, its instants, and its current message with its own.

    Instants are in ns from the common start. ``taken_ns`` is when a worker, or the loop, took it;
    ``accepted_ns`` is before that where a model has a queue of its own. Each is `NEVER` until then.
    ``has_message``: one is to be served; ``is_here``: its server has it.
    """

    __slots__ = (
        "accepted_ns", "begun_ns", "connected_ns", "demand_ns", "due_ns", "ended_ns",
        "finished_ns", "has_message", "is_computing", "is_here", "is_leaving", "message",
        "number", "sent_ns", "source", "started_ns", "stop_ns", "taken_ns", "user",
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
        self.has_message = self.is_here = False
        self.started_ns = self.finished_ns = NEVER
        self.number = 0
        self.is_leaving = False

    def take(self, work: Work) -> None:
        """Have a message that asks for ``work``; whoever calls says which, and when it is sent."""
        self.demand_ns, self.is_computing = work
        self.has_message = True


class Server(ABC):
    """A model: who serves which message when."""

    @abstractmethod
    def connect(self, now_ns: int, talk: Talk) -> None:
        """Take a connection that was just established into the accept queue."""

    @abstractmethod
    def deliver(self, talk: Talk) -> None:
        """Take a message over a connection that was silent; it is sent at its instant."""

    @abstractmethod
    def dismiss(self, now_ns: int, talk: Talk) -> None:
        """Take the goodbye of a connection that was silent."""


class Source(ABC):
    """A group of clients, or a replica of one: its connections, and what is sent over them.

    ``is_shared`` where one connection's ack decides on another's message, so that acks must be
    told in the order of time.
    """

    is_shared = False
    group = 0

    @abstractmethod
    def talks(self) -> Iterator[Talk]:
        """Yield each connection, in the order in which they are asked for."""

    @abstractmethod
    def connected(self, talk: Talk) -> bool | None:
        """Set the first message of a connection, as `acked` does the next."""

    @abstractmethod
    def acked(self, talk: Talk, now_ns: int) -> bool | None:
        """Set the next message of a connection, for the instant it will be sent at.

        False where the client says goodbye instead, None where it only waits.
        """


NEVER = -1
TALK = ("group", "user", "begun_ns", "connected_ns", "accepted_ns", "taken_ns", "ended_ns")
MESSAGE = ("talk", "message", "due_ns", "sent_ns", "started_ns", "finished_ns", "ended_ns")
_seven = Struct("=7q").pack


@dataclass
class Record:
    """What happened: a row of `MESSAGE` for each ack, of `TALK` for each connection begun.

    Connections are numbered as they begin. Nothing that would happen after ``end_ns`` is noted.
    """

    end_ns: int
    messages: "array[int]" = field(default_factory=lambda: array("q"))
    talks: list[Talk] = field(default_factory=list)
    busy_ns: int = 0

    def begin(self, talk: Talk) -> None:
        """Give a connection its number."""
        talk.number = len(self.talks)
        self.talks.append(talk)

    def ack(self, talk: Talk, ended_ns: int) -> None:
        """Note the message of ``talk``, whose client knows its ack at ``ended_ns``."""
        self.messages.frombytes(
            _seven(
                talk.number, talk.message, talk.due_ns, talk.sent_ns,
                talk.started_ns, talk.finished_ns, ended_ns,
            )
        )  # fmt: skip
        self.busy_ns += talk.finished_ns - talk.started_ns


Act: TypeAlias = Callable[[int, Any], None]
"""What happens at an instant, to a subject."""


class Agenda:
    """Acts by their instants, in ns; those of one instant happen in the order set."""

    def __init__(self) -> None:
        self._due: list[tuple[int, int, Act, Any]] = []
        self._count = 0

    def at(self, at_ns: int, act: Act, subject: Any = None) -> None:  # noqa: ANN401 the act knows it
        """Have ``act`` happen to ``subject`` at ``at_ns``."""
        self._count += 1
        heapq.heappush(self._due, (at_ns, self._count, act, subject))

    def run(self, until_ns: int) -> None:
        """Let everything happen that is due by ``until_ns``, and all that follows from it."""
        due, pop = self._due, heapq.heappop
        while due and due[0][0] <= until_ns:
            at_ns, _, act, subject = pop(due)
            act(at_ns, subject)


NOISE_NS = 1e-3


class Processors:
    """So many CPUs, of which nobody uses more than one, shared evenly.

    Processor sharing (Kleinrock 1976, "Queueing Systems, volume 2", 4.4): the limit of turns
    that become ever shorter. ``capacity`` need not be whole: a container may have half a CPU.

    By a clock that runs as fast as each of them gets on: whoever begins at v with a demand of d is
    done when it shows v + d, however many come and go meanwhile.
    """

    def __init__(
        self, agenda: Agenda, capacity: float, on_done: Callable[[int, Talk], None]
    ) -> None:
        self._agenda = agenda
        self._capacity = capacity
        self._on_done = on_done
        self._shown_ns = 0.0
        self._looked_ns = 0
        self._computing: list[tuple[float, int, Talk]] = []
        self._plan = 0

    @property
    def is_busy(self) -> bool:
        """Whether anybody computes."""
        return bool(self._computing)

    def begin(self, now_ns: int, talk: Talk) -> None:
        """Compute the message of ``talk`` from now on."""
        self._look(now_ns)
        done_at = self._shown_ns + talk.demand_ns
        heapq.heappush(self._computing, (done_at, self._plan, talk))
        self._replan(now_ns)

    def _look(self, now_ns: int) -> None:
        self._shown_ns += (now_ns - self._looked_ns) * self._speed
        self._looked_ns = now_ns

    @property
    def _speed(self) -> float:
        return min(1.0, self._capacity / max(len(self._computing), 1))

    def _replan(self, now_ns: int) -> None:
        """Come back when the next is done, unless the number of them changes before."""
        self._plan += 1
        if self._computing:
            left_ns = max(self._computing[0][0] - self._shown_ns, 0) / self._speed
            self._agenda.at(now_ns + round(left_ns), self._complete, self._plan)

    def _complete(self, now_ns: int, plan: int) -> None:
        if plan != self._plan:
            return
        self._look(now_ns)
        done: list[Talk] = []
        # The one that was waited for is done, whatever the rounding to a nanosecond says.
        limit = max(self._shown_ns, self._computing[0][0]) + NOISE_NS
        while self._computing and self._computing[0][0] <= limit:
            done.append(heapq.heappop(self._computing)[2])
        self._replan(now_ns)
        for talk in done:
            self._on_done(now_ns, talk)
