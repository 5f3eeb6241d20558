"""What pictures of a case show: requests as client and server saw them, and figures over them.

Values only, thinned so that a page of them opens; instants are nanoseconds since the case's common
start.
"""

from dataclasses import dataclass

ACKED = "acked"


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A message of one user, in nanoseconds since the case's common start.

    The client measured ``due``, ``sent`` and ``ended``; the server ``received``, ``started`` and
    ``finished``, None where its log has no such request, and of its connection ``accepted``.
    ``outcome`` is ``acked`` or the kind of failure; ``ended`` is when that was known. ``user`` is
    its name in pictures: ``user 3``, ``slow user 3`` where there are several groups.
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
    accepted_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What a picture of a case shows: all requests of some users, of how many, to what instant."""

    requests: tuple[RequestRecord, ...] = ()
    users: int = 0
    sent: int = 0
    end_ns: int = 0


@dataclass(frozen=True, slots=True)
class Distribution:
    """How ``count`` durations are distributed: ``shares[i]`` of them are at most ``values_ns[i]``.

    Shares ascend to 1, by nearest rank; of a large sample only some ranks are kept, the more of
    them the farther out in the tail.
    """

    count: int = 0
    shares: tuple[float, ...] = ()
    values_ns: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Steps:
    """How many there were of something: ``levels[i]`` from ``instants_ns[i]`` to the next instant.

    ``peak`` is the highest of all. Where there are too many changes for a picture, each level is
    the average over an equal stretch of time.
    """

    peak: int = 0
    instants_ns: tuple[int, ...] = ()
    levels: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """What one worker took on over the whole case."""

    worker: int
    connections: int
    messages: int


@dataclass(frozen=True, slots=True)
class Exhibit:
    """All that the pictures of one run show.

    ``response`` is from due to acked, ``exchange`` from sent to acked, ``service`` from the begin
    of service to its end; ``predicted`` is what a model of queues says the response is, None where
    none was asked. ``depths`` are the queues by name, in the order in which a message meets them.
    """

    excerpt: Excerpt = Excerpt()
    response: Distribution = Distribution()
    exchange: Distribution = Distribution()
    service: Distribution = Distribution()
    predicted: Distribution | None = None
    depths: tuple[tuple[str, Steps], ...] = ()
    shares: tuple[Share, ...] = ()
