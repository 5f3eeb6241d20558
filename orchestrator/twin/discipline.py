"""How each model serves: what its twin is built from."""

from dataclasses import dataclass
from enum import StrEnum

from orchestrator.plan import Case
from orchestrator.scenario.sections import SERVER_DEFAULTS


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
