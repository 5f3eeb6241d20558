"""Whole searches over simulated queues with known capacity, many in step, so that they are fast.

Each is a generator that asks for trials; those of one round are simulated together, by numpy, as
the recursion of Kiefer and Wolfowitz (1955, "On the theory of queues with many servers"). The unit
of time is the mean demand.
"""

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from orchestrator.capacity.case_run import length_of_trial, messages_of_trial
from orchestrator.capacity.case_search import CaseSearch
from orchestrator.capacity.classify import LoadTest, classify
from orchestrator.capacity.long_run import TRIAL_MESSAGES, LongRun, Share
from orchestrator.capacity.objectives import parse_objectives
from orchestrator.capacity.search import SearchSettings
from orchestrator.capacity.trial import Lateness, Trial
from orchestrator.results.capacity import Verdict
from tests.queue_fixtures import LIMIT_S, OBJECTIVE, capacity_of, late_share

OBJECTIVES = parse_objectives([OBJECTIVE])
WARMUP = 640  # even the queue of four workers has settled by then

Times = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Twin:
    """How far the twin is off: it is an M/M/c queue itself, so that its capacity is known, too.

    Demands are shorter by the share ``bias``, and each differs by about ``noise`` of the mean. Its
    long run has ``messages``.
    """

    noise: float
    bias: float
    messages: int = 200_000


@dataclass(frozen=True)
class System:
    """An M/M/c queue, and its twin if it has one."""

    workers: int
    twin: Twin | None = None

    @property
    def capacity(self) -> float:
        """The greatest load at which the objective holds."""
        return capacity_of(self.workers)

    @property
    def predicted(self) -> float | None:
        """The twin's capacity."""
        if self.twin is None:
            return None
        demand = 1 - self.twin.bias
        return capacity_of(self.workers, LIMIT_S / demand) / demand

    def long_run(self, load: float, random: np.random.Generator) -> LongRun | None:
        """Return what a long run of the twin would give: its share, with a long run's error.

        The clumps of late messages are Poisson many, their sizes exponential with half the
        dispersion as mean.
        """
        if self.twin is None:
            return None
        demand, messages = 1 - self.twin.bias, self.twin.messages
        share = late_share(self.workers, load * demand, LIMIT_S / demand)
        if share > 0.5:  # it only grows
            return LongRun(load, {OBJECTIVE: Share(share, 1000.0, messages)})
        dispersion = dispersion_of(self.workers, load * demand)
        clumps = random.poisson(2 * share * messages / dispersion)
        late = random.gamma(clumps) * dispersion / 2 if clumps else 0.0
        return LongRun(load, {OBJECTIVE: Share(late / messages, dispersion, messages)})


@dataclass
class Found:
    """How one search ended."""

    system: System
    search: CaseSearch
    verdicts: list[tuple[float, Verdict]] = field(default_factory=list)
    trials: int = 0

    @property
    def covers(self) -> bool:
        """Whether the capacity is between the bounds."""
        lower, upper, truth = self.search.lower, self.search.upper, self.system.capacity
        return (lower is None or lower <= truth) and (upper is None or truth <= upper)


@dataclass(frozen=True)
class Request:
    """A trial of ``system`` at ``load``, of ``messages`` after the warm-up."""

    system: System
    load: float
    seed: tuple[int, int]
    messages: int


Searching = Generator[Request, Trial, Found]


def searched(system: System, number: int, settings: SearchSettings, confidence: float) -> Searching:
    """Search the capacity of ``system``; ``number`` is the seed of all draws."""
    random = np.random.default_rng([number, 1])
    test = LoadTest(confidence, is_quick=settings.is_wide)
    found = Found(system, CaseSearch(settings, system.predicted, system.workers / 2, None))
    while (step := found.search.next()) is not None:
        trials: list[Trial] = []
        long_run = system.long_run(step.load, random)
        while (verdict := classify(OBJECTIVES, trials, test, long_run).verdict) is None:
            trial_seed = len(trials) + (test.max_trials if step.is_confirmation else 0)
            length = length_of_trial(step.load, system.predicted, len(trials), settings)
            messages = messages_of_trial(OBJECTIVES, length)
            trials.append((yield Request(system, step.load, (number, trial_seed), messages)))
        found.search.record(verdict)
        found.verdicts.append((step.load, verdict))
        found.trials += len(trials)
    return found


def run_together(searches: Sequence[Searching]) -> list[Found]:
    """Run all ``searches`` to their ends, a trial of each at a time."""
    ended: list[Found] = []
    waiting = [(search, next(search)) for search in searches]
    while waiting:
        answers = trials_of([request for _, request in waiting])
        going_on = []
        for (search, _), answer in zip(waiting, answers, strict=True):
            try:
                going_on.append((search, search.send(answer)))
            except StopIteration as stop:
                ended.append(stop.value)
        waiting = going_on
    return ended


def trials_of(requests: Sequence[Request]) -> list[Trial]:
    """Simulate a trial for each request; equal seeds have equal draws at any load."""
    size = WARMUP + max(request.messages for request in requests)
    drawn: Times = np.zeros((6, size, len(requests)), np.float32)
    for row, request in enumerate(requests):
        drawn[:, : WARMUP + request.messages, row] = _draws(request)
    gap, pause, one, other, noise, more = drawn
    gaps, demands = _exponential(gap, pause), _exponential(one, other)
    late = late_flags(requests, gaps, demands)
    predicted = late_flags(requests, gaps, _twin_demands(requests, (one, other), (noise, more)))
    return [
        Trial(
            request.load,
            request.seed[1],
            {OBJECTIVE: _lateness(request, late[row], predicted[row])},
            utilization=min(request.load / request.system.workers, 1.0),
        )
        for row, request in enumerate(requests)
    ]


def _lateness(request: Request, late: Flags, predicted: Flags) -> Lateness:
    predicted = predicted[: request.messages]
    return Lateness(late[: request.messages], predicted if request.system.twin else None)


def _draws(request: Request) -> Times:
    """Return two parts of each gap between arrivals, two of each demand, and two of its noise.

    Draws to which a small part of others is added are normal again, so that the twin's demands are
    exponential as well. A longer trial begins as a shorter one of the same seed does.
    """
    random = np.random.default_rng(request.seed)
    drawn: Times = random.standard_normal((WARMUP + request.messages, 6), np.float32).T
    return drawn


def _twin_demands(
    requests: Sequence[Request], parts: tuple[Times, Times], noises: tuple[Times, Times]
) -> Times:
    twins = [request.system.twin or Twin(0.0, 0.0) for request in requests]
    noise = np.array([twin.noise for twin in twins], np.float32)
    kept = np.sqrt(1 - noise * noise)
    one, other = (kept * part + noise * off for part, off in zip(parts, noises, strict=True))
    shorter = np.array([1 - each.bias for each in twins], np.float32)
    demands: Times = _exponential(one, other) * shorter
    return demands


def _exponential(one: Times, other: Times) -> Times:
    """Return half the sum of two squared normal draws, which is exponential."""
    return ((one * one + other * other) / 2).astype(np.float32)


def late_flags(requests: Sequence[Request], gaps: Times, demands: Times) -> Flags:
    """Return which messages after the warm-up are late, a row for each request.

    ``gaps`` between arrivals are in units of their mean; both have a column for each request.
    """
    workers = np.array([request.system.workers for request in requests])
    per_mean = np.array([1 / request.load for request in requests], np.float32)
    busy = np.zeros((max(workers), len(requests)), np.float32)  # sorted, the next free one first
    busy[np.arange(len(busy))[:, None] >= workers] = np.inf
    least = np.empty(len(requests), np.float32)
    late = np.empty(gaps.shape, bool)
    for gap, demand, is_late in zip(gaps * per_mean, demands, late, strict=True):
        busy[0] += demand
        np.greater(busy[0], LIMIT_S, out=is_late)
        for this, following in pairwise(busy):
            np.minimum(this, following, out=least)
            np.maximum(this, following, out=following)
            this[:] = least
        busy -= gap
        np.maximum(busy, 0, out=busy)
    return np.ascontiguousarray(late[WARMUP:].T)


def dispersion_of(workers: int, load: float) -> float:
    """Return the dispersion of late messages in trials, between loads where it was measured."""
    loads, dispersions = _dispersions(workers)
    return math.exp(float(np.interp(load, loads, dispersions)))


@cache
def _dispersions(workers: int, runs: int = 60) -> tuple[list[float], list[float]]:
    """Return loads and the logarithms of the dispersions at them."""
    system = System(workers)
    loads = [share * system.capacity for share in (0.7, 0.85, 0.95, 1.0, 1.05, 1.1)]
    requests = [
        Request(system, load, (workers, run), TRIAL_MESSAGES)
        for load in loads
        for run in range(runs)
    ]
    flags = [trial.lateness[OBJECTIVE].late for trial in trials_of(requests)]
    together = (np.concatenate(flags[start : start + runs]) for start in range(0, len(flags), runs))
    return loads, [math.log(Share.of(late).dispersion) for late in together]
