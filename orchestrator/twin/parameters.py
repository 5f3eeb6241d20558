"""The parameters of a twin: how a model serves, and what messages cost beyond their demands."""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from enum import StrEnum
from statistics import fmean

from orchestrator.scenario.plan import Case


class Kind(StrEnum):
    """How a model serves: the label ``lab.twin`` of its service."""

    PROCESS = "process"
    PROCESSES = "processes"
    PROCESSES_EACH = "processes_each"
    PROCESSES_PASSED = "processes_passed"
    PROCESSES_SPLIT = "processes_split"
    THREADS = "threads"
    THREADS_ACCEPTING = "threads_accepting"
    THREADS_EACH = "threads_each"
    LOOP = "loop"
    LOOPS = "loops"
    LOOP_AND_POOL = "loop_and_pool"


EVENT_LOOPS = (Kind.LOOP, Kind.LOOPS)
"""The kinds whose workers serve many messages at a time."""

WITH_WORKERS = tuple(kind for kind in Kind if kind not in EVENT_LOOPS)
"""The kinds whose workers serve one message at a time."""

STARTING = (Kind.PROCESSES_EACH, Kind.THREADS_EACH)
"""The kinds that start a worker for each connection."""

KEEPING = tuple(kind for kind in WITH_WORKERS if kind is not Kind.LOOP_AND_POOL)
"""The kinds whose workers keep a connection until its client closes it."""

WITH_LOCK = (Kind.THREADS, Kind.THREADS_ACCEPTING, Kind.THREADS_EACH, Kind.LOOP_AND_POOL)
"""The kinds whose workers share one interpreter lock."""

PASSING_ON = (Kind.THREADS, Kind.THREADS_EACH, Kind.PROCESSES_EACH, Kind.PROCESSES_PASSED)
"""The kinds in which one thread or process accepts, and a worker takes the connection later."""


@dataclass(frozen=True)
class Discipline:
    """How a model serves in one case.

    Each of ``workers`` keeps a connection to its end; ``places`` are for accepted connections that
    wait for a worker; messages that compute share ``cpus``. A loop has one worker, which keeps no
    connection; ``is_blocking``: it sleeps in the loop. Server and clients share ``host_cpus``.

    ``has_lock``: of all threads, one computes at a time. ``is_split``: each worker has a listener,
    and a connection joins the queue of one of them, which is drawn with ``seed``.

    ``backlog`` limits the accept queue, or that of each listener; None: it has no limit.
    """

    kind: Kind
    workers: int
    places: int
    cpus: float
    is_blocking: bool = False
    host_cpus: float = math.inf
    has_lock: bool = False
    is_split: bool = False
    seed: int = 0
    backlog: int | None = None

    @classmethod
    def of(cls, kind: Kind, case: Case, cpus: float) -> "Discipline":
        """Return the discipline of a case, on a machine with ``cpus`` CPUs.

        Threads share one interpreter lock, so that one of them computes at a time, unless their
        interpreter is free-threaded. If their main thread accepts into a queue, that has a place
        for each, and the main thread holds one more connection until it has room.
        """
        workers = case.workers
        limits = case.settings.limits
        shared = min(cpus, limits.most_cpus or cpus)
        has_lock = kind in WITH_LOCK and case.has_interpreter_lock
        of_one = min(shared, 1.0)
        of_all = min(cpus, limits.shared_cpus or cpus)
        discipline = cls(kind, workers, 0, shared, host_cpus=of_all, seed=case.seed)
        match kind:
            case Kind.PROCESS:
                return replace(discipline, workers=1, cpus=of_one)
            case Kind.LOOP:
                blocking = bool(case.server.blocking_sleep)
                return replace(discipline, workers=1, cpus=of_one, is_blocking=blocking)
            case Kind.LOOPS:
                return replace(discipline, cpus=of_one, is_split=_has_listeners(case))
            case Kind.PROCESSES_SPLIT:
                return replace(discipline, is_split=True)
        places = workers + 1 if kind is Kind.THREADS else 0
        cpus = of_one if has_lock else shared
        return replace(discipline, places=places, cpus=cpus, has_lock=has_lock)


def _has_listeners(case: Case) -> bool:
    """Whether each worker of a model that leaves the choice to a setting has a listener."""
    return getattr(case.server, "accept", None) == "reuseport"


@dataclass(frozen=True)
class Overhead:
    """Durations in ns, the same for every message or connection of a case.

    Of a message: ``request_ns`` from the send call until a waiting server starts to serve;
    ``service_ns`` how much longer a service takes than its demand; ``answer_ns`` from the end of
    service until the client has the ack; ``turn_ns`` how long an event loop is busy with it, and
    with accepting a connection; ``resume_ns`` the same for a message that blocked the loop;
    ``cpu_ns`` the CPU time of all this, in server, client and kernel, on the CPUs that they share.

    Of a connection: ``connect_ns`` from the call until it is established; ``accept_ns`` from then
    until an idle worker takes it; ``turnover_ns`` from its client's last ack until its worker takes
    the next one that waits; ``switch_ns`` how much longer these two are, at most, while another
    thread computes under the same interpreter lock. ``handover_ns`` from when a connection is
    accepted until its worker has it, if another thread or process accepts; ``fork_ns`` how much
    longer that is if a process is forked for the connection; ``dispatch_ns`` until the one which
    accepts can accept the next, 0 if that is as long as the hand-over.
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
    handover_ns: int = 0
    fork_ns: int = 0
    dispatch_ns: int = 0
    cpu_ns: int = 0

    @classmethod
    def mean_of(cls, several: Sequence["Overhead"]) -> "Overhead":
        """Return the mean of each duration of ``several``, at least one."""
        columns = zip(*map(astuple, several), strict=True)
        return cls(*(round(fmean(column)) for column in columns))

    def handing_ns(self, kind: Kind) -> int:
        """Return how long a model of ``kind`` hands over a connection; 0 if a queue does it."""
        match kind:
            case Kind.PROCESSES_EACH:
                return self.handover_ns + self.fork_ns
            case Kind.THREADS_EACH | Kind.PROCESSES_PASSED:
                return self.handover_ns
        return 0

    def may_exhaust(self, discipline: Discipline) -> bool:
        """Whether the workers could do nothing but overhead, and need more CPUs than there are."""
        message_ns = self.request_ns + self.service_ns + self.answer_ns
        return self.cpu_ns * discipline.workers > message_ns * discipline.host_cpus


NONE = Overhead()
TYPICAL = Overhead(
    request_ns=100_000,
    service_ns=100_000,
    answer_ns=200_000,
    turn_ns=15_000,
    resume_ns=150_000,
    connect_ns=200_000,
    accept_ns=100_000,
    turnover_ns=250_000,
    switch_ns=15_000_000,
    handover_ns=100_000,
    fork_ns=1_000_000,
    cpu_ns=100_000,
)
"""The order of magnitude on two cloud cores; a run calibrates its own.

A thread that returns from a system call waits for the interpreter lock until the computing thread
must release it, after 5 ms (`sys.getswitchinterval`); a turnover takes about three such waits.
"""
