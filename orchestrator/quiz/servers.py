"""The servers of problems: a model of the lab, and by what mechanism it serves.

A mechanism is what decides who waits for whom. Which models have it, their twins say; a model whose
queue the kernel chooses by a hash has no problems, since nobody can know whom it lets wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.measures.sentences import counted
from orchestrator.quiz.dice import Dice
from orchestrator.scenario.models import read_models
from orchestrator.twin.parameters import Kind


class Mechanism(StrEnum):
    """How many connections or messages a server serves at once, and of whom."""

    ONE = "one connection at a time"
    POOL = "one connection for each of some workers"
    EACH = "a worker for each connection"
    LOOP = "all connections in a loop"
    BLOCKED = "one message at a time, in a loop that sleeps"
    SHARED = "one message for each of some threads"


KEEPING = (Mechanism.ONE, Mechanism.POOL)
"""Those in which a worker keeps a connection until it is closed, and others wait for that."""

SIDE_BY_SIDE = (Mechanism.EACH, Mechanism.LOOP)
"""Those in which no user waits for another."""

_KINDS = {
    Mechanism.ONE: (Kind.PROCESS,),
    Mechanism.POOL: (
        Kind.PROCESSES,
        Kind.PROCESSES_PASSED,
        Kind.THREADS,
        Kind.THREADS_ACCEPTING,
    ),
    Mechanism.EACH: (Kind.PROCESSES_EACH, Kind.THREADS_EACH),
    Mechanism.LOOP: (Kind.LOOP, Kind.LOOPS),
    Mechanism.BLOCKED: (Kind.LOOP,),
    Mechanism.SHARED: (Kind.LOOP_AND_POOL,),
}
_SENTENCES = {
    Mechanism.ONE: "{model} serves one connection after another, each until its client closes it.",
    Mechanism.POOL: "{model} has {workers}. Each serves one connection until its client closes it.",
    Mechanism.EACH: "{model} starts a worker for each connection.",
    Mechanism.LOOP: (
        "{model} serves all connections in an event loop. A message that waits is a timer in it."
    ),
    Mechanism.BLOCKED: (
        "{model} serves all connections in an event loop. While a message waits, the loop itself "
        "sleeps (blocking_sleep)."
    ),
    Mechanism.SHARED: (
        "{model} reads all connections in an event loop, and has a pool of {workers}. A thread "
        "serves one message at a time, of any connection."
    ),
}


@dataclass(frozen=True)
class Server:
    """A model, its mechanism, and the number of its workers if it has a pool, else 1."""

    model: str
    mechanism: Mechanism
    workers: int = 1

    @property
    def sentence(self) -> str:
        """What a reader must know of it, in a sentence or two."""
        noun = "threads" if self.mechanism is Mechanism.SHARED else "workers"
        workers = counted(self.workers, noun)
        return _SENTENCES[self.mechanism].format(model=self.model, workers=workers)

    @property
    def settings(self) -> dict[str, object]:
        """The key ``server`` of its scenario."""
        return {
            "workers": self.workers,
            **({"blocking_sleep": True} if self.mechanism is Mechanism.BLOCKED else {}),
        }


def draw_server(dice: Dice, mechanisms: Sequence[Mechanism], most_workers: int = 4) -> Server:
    """Return a server with one of ``mechanisms``; a pool has 2 workers to ``most_workers``."""
    mechanism = dice.pick(mechanisms)
    model = dice.pick(models_with(mechanism))
    has_pool = mechanism in {Mechanism.POOL, Mechanism.SHARED}
    return Server(model, mechanism, dice.whole(2, most_workers) if has_pool else 1)


def models_with(mechanism: Mechanism) -> list[str]:
    """Return the models of this checkout that serve by ``mechanism``, at least one."""
    return [
        model.name
        for model in read_models().values()
        if model.twin in _KINDS[mechanism]
        and not (mechanism is Mechanism.BLOCKED and "blocking_sleep" in model.ignores)
    ]
