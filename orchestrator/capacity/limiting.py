"""What kept a case from more than its capacity: from the measures of the load that did not hold.

Pure. The first explanation that the measures support is the answer, from the most specific one to
queueing, which is what remains: waits of random arrivals while nothing is used up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from orchestrator.analysis.statistics import Figures
from orchestrator.capacity.trial_validity import CpuUse, median_of
from orchestrator.results.capacity import Limit
from orchestrator.scenario.plan import Case
from orchestrator.twin.parameters import EVENT_LOOPS, WITH_LOCK, WITH_WORKERS

FULL_CPU = 0.85
"""Of the CPU time that a server may use. The rest goes in switches, and in waits of its clients."""

BUSY_WORKERS = 0.9
IDLE_WHILE_WAITING = 0.1
"""Of the workers' time: idle while messages wait that no worker takes."""

OVERFLOWS = ("refused", "listen_overflows", "listen_drops")


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
    def cpus(self) -> float | None:
        """How many CPUs the lab could use."""
        return next((each.cpus for each in self.uses if each.cpus), None)


def limited_by(case: Case, label: str, at: LoadMeasures) -> tuple[Limit, str]:
    """Return what limits ``case``, whose model has that ``label``, and a sentence with evidence.

    ``at`` is the least load that did not hold.
    """
    if not at.figures:
        return Limit.UNKNOWN, "no load was found that does not hold"
    return next(_explanations(case, label, at))


def _explanations(case: Case, label: str, at: LoadMeasures) -> Iterator[tuple[Limit, str]]:
    yield from _of_cpu(case, label, at)
    utilization = at.median_of("utilization")
    if utilization is None:
        yield Limit.UNKNOWN, "the server writes no event log, so it is not known what it waits for"
        return
    if label in WITH_WORKERS and utilization >= BUSY_WORKERS:
        yield Limit.WORKERS, f"its {_workers(case)} {utilization:.0%} of the time in service"
    yield from _of_accept_queue(case, label, at)
    in_service = f"its {_workers(case)} {utilization:.0%} of the time in service"
    yield (
        Limit.QUEUEING,
        (
            f"{in_service if label in WITH_WORKERS else 'nothing is used up'}; messages that arrive "
            "close together wait for each other"
        ),
    )


def _of_cpu(case: Case, label: str, at: LoadMeasures) -> Iterator[tuple[Limit, str]]:
    """Yield that the server used nearly all CPU time that it can use."""
    used, quota = at.cpus_used, case.settings.limits.cpus
    if used is None:
        return
    if (
        label in WITH_LOCK
        and case.has_interpreter_lock
        and used >= FULL_CPU
        and used < 1 / FULL_CPU
    ):
        yield (
            Limit.INTERPRETER_LOCK,
            (
                f"its threads used {used:.2f} CPUs together; under the interpreter lock one of them "
                "computes at a time"
            ),
        )
    if label in EVENT_LOOPS and used >= FULL_CPU * case.workers:
        loops = "its loop" if case.workers == 1 else f"its {case.workers} loops"
        yield Limit.CPU, f"{loops} used {used:.2f} CPUs, and a loop can use no more than one"
    if quota is not None and used >= FULL_CPU * quota:
        yield Limit.CPU, f"it used {used:.2f} CPUs of the {quota:g} that its limit allows"
    busy, cpus = median_of_busy(at.uses), at.cpus
    if busy is not None and cpus and busy >= FULL_CPU and used >= cpus / 2:
        yield Limit.CPU, f"it used {used:.2f} of {cpus:g} CPUs, which were {busy:.0%} in use"


def median_of_busy(uses: Sequence[CpuUse]) -> float | None:
    """Return the median share of the CPUs that were in use, None if unknown."""
    known = [each for use in uses if (each := use.busy_share) is not None]
    return median(known) if known else None


def _of_accept_queue(case: Case, label: str, at: LoadMeasures) -> Iterator[tuple[Limit, str]]:
    """Yield that connections wait, or are lost, though workers are idle."""
    for name in OVERFLOWS:
        if number := at.median_of(name):
            yield Limit.ACCEPT_QUEUE, f"{number:.0f} {name.replace('_', ' ')} in the median trial"
    idle_s, makespan_s = at.median_of("idle_while_waiting"), at.median_of("makespan")
    if label not in WITH_WORKERS or not idle_s or not makespan_s:
        return
    share = idle_s / (makespan_s * case.workers)
    if share >= IDLE_WHILE_WAITING:
        yield (
            Limit.ACCEPT_QUEUE,
            (
                f"its {case.workers} workers were idle {share:.0%} of the time although messages waited"
            ),
        )


def _workers(case: Case) -> str:
    return "worker was" if case.workers == 1 else f"{case.workers} workers were"
