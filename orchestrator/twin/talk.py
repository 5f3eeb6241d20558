"""A connection of the simulation, and the message on it."""

from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct

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
