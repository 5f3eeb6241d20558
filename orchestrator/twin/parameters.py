"""The parameters of a twin: how a model serves, and what messages cost beyond their demands."""

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from orchestrator.scenario.plan import Case


class Kind(StrEnum):
    """How a model serves: the label ``lab.twin`` of its service."""

    PROCESS = "process"
    PROCESSES = "processes"
    THREADS = "threads"
    LOOP = "loop"


WITH_WORKERS = (Kind.PROCESS, Kind.PROCESSES, Kind.THREADS)
"""The kinds whose workers serve one message at a time."""


@dataclass(frozen=True)
class Discipline:
    """How a model serves in one case.

    Each of ``workers`` keeps a connection to its end; ``places`` are for accepted connections that
    wait for a worker; messages that compute share ``cpus``. A loop has one worker, which keeps no
    connection; ``is_blocking``: it sleeps in the loop. Server and clients share ``host_cpus``.
    """

    kind: Kind
    workers: int
    places: int
    cpus: float
    is_blocking: bool = False
    host_cpus: float = math.inf

    @classmethod
    def of(cls, kind: Kind, case: Case, cpus: float) -> "Discipline":
        """Return the discipline of a case, on a machine with ``cpus`` CPUs.

        Threads share one interpreter lock, so that one of them computes at a time. Their main
        thread accepts into a queue with a place for each, and holds one more until it has room.
        """
        return replace(cls._on(kind, case, cpus), host_cpus=cpus)

    @classmethod
    def _on(cls, kind: Kind, case: Case, cpus: float) -> "Discipline":
        workers = case.workers
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

    Of a message: ``request_ns`` from the send call until a waiting server starts to serve;
    ``service_ns`` how much longer a service takes than its demand; ``answer_ns`` from the end of
    service until the client has the ack; ``turn_ns`` how long an event loop is busy with it, and
    with accepting a connection; ``resume_ns`` the same for a message that blocked the loop;
    ``cpu_ns`` the CPU time of all this, in server, client and kernel, on the CPUs that they share.

    Of a connection: ``connect_ns`` from the call until it is established; ``accept_ns`` from then
    until an idle worker takes it; ``turnover_ns`` from its client's last ack until its worker takes
    the next one that waits; ``switch_ns`` how much longer these two are, at most, while another
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
    cpu_ns: int = 0

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
    cpu_ns=100_000,
)
"""The order of magnitude on two cloud cores; a run calibrates its own.

A thread that returns from a system call waits for the interpreter lock until the computing thread
must release it, after 5 ms (`sys.getswitchinterval`); a turnover takes about three such waits.
"""
