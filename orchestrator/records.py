"""One request as client and server saw it, for a person to look at. Values only."""

from dataclasses import dataclass

ACKED = "acked"


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A message of one user, in nanoseconds since the case's common start.

    The client measured ``due``, ``sent`` and ``ended``; the server ``received``, ``started`` and
    ``finished``, None where its log has no such request. ``outcome`` is ``acked`` or the kind of
    failure; ``ended`` is when that was known. ``user`` is its name in pictures: ``user 3``,
    ``slow user 3`` where there are several groups.
    """

    id: str
    user: str
    message: int
    worker: int | None
    outcome: str
    due_ns: int
    sent_ns: int
    ended_ns: int
    received_ns: int | None
    started_ns: int | None
    finished_ns: int | None


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What a picture of a case shows: all requests of some users, of how many, to what instant."""

    requests: tuple[RequestRecord, ...] = ()
    users: int = 0
    sent: int = 0
    end_ns: int = 0
