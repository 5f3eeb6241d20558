"""One request as client and server saw it, joined on its id. Values only."""

from dataclasses import dataclass

ACKED = "acked"


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A message of one user, in nanoseconds since the case's common start.

    The client measured ``due``, ``sent`` and ``ended``; the server ``received``, ``started`` and
    ``finished``, None where its log has no such request. ``outcome`` is ``acked`` or the kind of
    failure; ``ended`` is when that was known.
    """

    id: str
    user: int
    message: int
    worker: int | None
    outcome: str
    due_ns: int
    sent_ns: int
    ended_ns: int
    received_ns: int | None
    started_ns: int | None
    finished_ns: int | None
