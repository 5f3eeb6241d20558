"""How each model serves: what its twin is built from.

What a message and a connection cost beside the demand: the one thing that no theory tells.
"""

from dataclasses import dataclass
from enum import StrEnum

from orchestrator.scenario.plan import Case
from orchestrator.scenario.server import SERVER_DEFAULTS


class Kind(StrEnum):
    """What a model says of itself, by the label ``lab.twin`` of its service."""

    PROCESS = "process"
    PROCESSES = "processes"
    THREADS = "threads"
    LOOP = "loop"


WITH_WORKERS = (Kind.PROCESS, Kind.PROCESSES, Kind.THREADS)
"""Those whose workers serve one message at a time."""


@dataclass(frozen=True)
class Discipline:
    """A model at one load point.

    ``workers`` each keep a connection to its end, ``places`` are for connections accepted and not
    taken yet, ``cpus`` for those who compute. A loop has one worker and keeps nobody;
    ``is_blocking`` where it sleeps in the loop.
    """

    kind: Kind
    workers: int
    places: int
    cpus: float
    is_blocking: bool = False

    @classmethod
    def of(cls, kind: Kind, case: Case, cpus: float) -> "Discipline":
        """Return that of a case, on a machine with so many CPUs.

        Threads share one interpreter lock, so that one of them computes at a time. Their main
        thread accepts into a queue with a place for each, and holds one more until it has room.
        """
        workers = case.server.workers or SERVER_DEFAULTS.workers
        cpus = min(cpus, case.settings.limits.cpus or cpus)
        match kind:
            case Kind.PROCESS:
                return cls(kind, 1, 0, min(cpus, 1.0))
            case Kind.PROCESSES:
                return cls(kind, workers, 0, cpus)
            case Kind.THREADS:
                return cls(kind, workers, workers + 1, min(cpus, 1.0))
            case Kind.LOOP:
                blocking = bool(case.server.blocking_sleep)
                return cls(kind, 1, 0, min(cpus, 1.0), is_blocking=blocking)


@dataclass(frozen=True)
class Overhead:
    """Durations in ns, the same for every message or connection of a case.

    Of a message: ``request_ns`` from the send call until a server that waits for it begins to
    serve; ``service_ns`` how much longer a service takes than its demand; ``answer_ns`` from the
    end of service until the client knows; ``turn_ns`` how long an event loop is busy with it, and
    with a connection that it accepts; ``resume_ns`` the same of a message that blocked the loop.

    Of a connection: ``connect_ns`` from the call until it is established; ``accept_ns`` from then
    until it is taken, where somebody is free to; ``turnover_ns`` from its client's last ack until
    its worker takes the next that waits; ``switch_ns`` how much longer these two are while another
    thread computes under the same interpreter lock.
    """

    request_ns: int = 0
    service_ns: int = 0
    answer_ns: int = 0
    turn_ns: int = 0
    resume_ns: int = 0
    connect_ns: int = 0
    accept_ns: int = 0
    turnover_ns: int = 0
    switch_ns: int = 0


NONE = Overhead()
TYPICAL = Overhead(
    request_ns=100_000,
    service_ns=100_000,
    answer_ns=200_000,
    turn_ns=40_000,
    resume_ns=150_000,
    connect_ns=200_000,
    accept_ns=100_000,
    turnover_ns=250_000,
    switch_ns=15_000_000,
)
"""Of two cores of a cloud, in the order of magnitude; a run calibrates its own.

A thread that comes back from a call of the kernel waits for the interpreter lock until the one that
computes is made to give it up, after 5 ms (`sys.getswitchinterval`); a turnover takes some three.
"""
