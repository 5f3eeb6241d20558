"""What kept a case from more than its capacity: from the measures of the load that did not hold.

Pure. The first explanation that the measures support is the answer, from the most specific one to
queueing, which is what remains: waits of random arrivals while nothing is used up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from orchestrator.analysis.statistics import Figures
from orchestrator.capacity.trial_validity import CpuUse, median_of, median_of_known
from orchestrator.results.capacity import Limit
from orchestrator.scenario.plan import Case
from orchestrator.twin.parameters import EVENT_LOOPS, WITH_LOCK, WITH_WORKERS

FULL_CPU = 0.85
"""Of the CPU time that a server may use. The rest goes in switches, and in waits of its clients."""

MOST_UNDER_LOCK = 1.2
"""CPUs that the threads of one process use under its lock, with what they do without it."""

BUSY_WORKERS = 0.9
IDLE_WHILE_WAITING = 0.1
"""Of the workers' time: idle while messages wait that no worker takes."""

OVERFLOWS = {
    "refused": "connections were refused",
    "listen_overflows": "connections found the accept queue full",
    "listen_drops": "connections were dropped at the listener",
}


@dataclass(frozen=True)
class LoadMeasures:
    """The measures and the CPU time of the valid trials at one load."""

    figures: Sequence[Figures]
    uses: Sequence[CpuUse]

    def median_of(self, name: str) -> float | None:
        """Return the median of a measure, None if no trial has it."""
        return median_of(self.figures, name)

    @property
    def cpus_used(self) -> float | None:
        """How many CPUs the server used in the mean, None if unknown."""
        used = [each.server_s / each.wall_s for each in self.uses if each.server_s and each.wall_s]
        return median(used) if used else None

    @property
    def busy_share(self) -> float | None:
        """The share of the CPUs that were in use, None if unknown."""
        return median_of_known([each.busy_share for each in self.uses])

    @property
    def cpus(self) -> float | None:
        """How many CPUs the lab could use."""
        return next((each.cpus for each in self.uses if each.cpus), None)

    def workers(self, case: Case) -> int:
        """Return how many workers the server said that it has, else how many were configured."""
        return round(self.median_of("workers") or case.workers)


Explanation = tuple[Limit, str]
"""What limits a case, and a sentence with the numbers that show it."""


def limited_by(case: Case, label: str, at: LoadMeasures) -> Explanation:
    """Return what limits ``case``, whose model has that ``label``.

    ``at`` is the least load that did not hold.
    """
    if not at.figures:
        return Limit.UNKNOWN, "no load was found that does not hold"
    return next(_explanations(case, label, at))


def _explanations(case: Case, label: str, at: LoadMeasures) -> Iterator[Explanation]:
    yield from _of_cpu(case, label, at)
    utilization, workers = at.median_of("utilization"), at.workers(case)
    if utilization is None:
        yield Limit.UNKNOWN, "the server writes no event log, so it is not known what it waits for"
    elif label not in WITH_WORKERS:
        yield from _of_overflows(at)
        sentence = "nothing is used up; messages that arrive close together wait for each other"
        yield Limit.QUEUEING, sentence
    else:
        subject = "its worker was" if workers == 1 else f"its {workers} workers were"
        in_service = f"{subject} in service {utilization:.0%} of the time"
        if utilization >= BUSY_WORKERS:
            yield Limit.WORKERS, in_service
        needed = at.median_of("offered_load")
        if needed is not None and needed >= BUSY_WORKERS * workers:
            # An accept queue that overflows may leave them idle, but they are what is too few.
            yield (
                Limit.WORKERS,
                f"the arrivals keep {needed:.3g} workers busy, and it has {workers}",
            )
        yield from _of_overflows(at)
        yield from _of_idle_workers(workers, at)
        sentence = f"{in_service}; messages that arrive close together wait for each other"
        yield Limit.QUEUEING, sentence


def _of_cpu(case: Case, label: str, at: LoadMeasures) -> Iterator[Explanation]:
    """Yield that the server used nearly all CPU time that it can use."""
    used, limit, loops = at.cpus_used, case.settings.limits.most_cpus, at.workers(case)
    if used is None:
        return
    has_lock = label in WITH_LOCK and case.has_interpreter_lock
    if has_lock and FULL_CPU <= used <= MOST_UNDER_LOCK:
        rule = "under the interpreter lock one of them computes at a time"
        yield Limit.INTERPRETER_LOCK, f"its threads used {used:.2f} CPUs together; {rule}"
    if label in EVENT_LOOPS and used >= FULL_CPU * loops:
        subject = "its loop" if loops == 1 else f"its {loops} loops"
        yield Limit.CPU, f"{subject} used {used:.2f} CPUs, and a loop can use no more than one"
    if limit is not None and used >= FULL_CPU * limit:
        yield Limit.CPU, f"it used {used:.2f} CPUs of the {limit:g} that its limit allows"
    busy, cpus = at.busy_share, at.cpus
    if busy is not None and cpus and busy >= FULL_CPU and used >= cpus / 2:
        yield Limit.CPU, f"it used {used:.2f} of {cpus:g} CPUs, which were {busy:.0%} in use"


def _of_overflows(at: LoadMeasures) -> Iterator[Explanation]:
    """Yield that connections were lost before a worker could accept them."""
    for name, what in OVERFLOWS.items():
        if number := at.median_of(name):
            yield Limit.ACCEPT_QUEUE, f"{number:.0f} {what} in the median trial"


def _of_idle_workers(workers: int, at: LoadMeasures) -> Iterator[Explanation]:
    """Yield that connections wait though workers are idle."""
    idle_s, makespan_s = at.median_of("idle_while_waiting"), at.median_of("makespan")
    share = idle_s / (makespan_s * workers) if idle_s and makespan_s else 0.0
    if share >= IDLE_WHILE_WAITING:
        sentence = f"its {workers} workers were idle {share:.0%} of the time though messages waited"
        yield Limit.ACCEPT_QUEUE, sentence
