"""Queues with exactly known capacity, simulated fast: Poisson arrivals, exponential demands.

The unit of time is the mean demand. The capacity is the greatest arrival rate at which the response
times' `PERCENTILE` is at most `LIMIT_S`.
"""

import heapq
import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from orchestrator.capacity.long_run import LongRun, Share
from orchestrator.capacity.trial import Lateness, Trial

OBJECTIVE = "p99 <= 10s"
LIMIT_S, PERCENTILE = 10.0, 0.99
MESSAGES = 2_000

Times = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Queue:
    """``workers`` that share one queue.

    Its twin has demands that are ``bias`` less on average and differ from the true ones by a
    random factor whose logarithm has the standard deviation ``noise``; no twin if that is None.
    """

    workers: int
    noise: float | None = 0.05
    bias: float = 0.0

    @property
    def capacity(self) -> float:
        """The greatest arrival rate at which the objective holds."""
        return capacity_of(self.workers)

    @property
    def twin_capacity(self) -> float | None:
        """The same of its twin, None if there is none."""
        if self.noise is None:
            return None
        demand_s = 1 - self.bias
        return capacity_of(self.workers, LIMIT_S / demand_s) / demand_s

    def late_share(self, load: float) -> float:
        """Return the share of messages beyond the limit, 1 if the queue only grows."""
        return late_share(self.workers, load, LIMIT_S)

    def trial(self, load: float, seed: int, messages: int = MESSAGES) -> Trial:
        """Simulate one trial at ``load`` from the empty queue; the warm-up is left out."""
        draws = np.random.default_rng([seed, 17])
        warmup = round(self.settling_s * load)
        total = warmup + messages
        arrivals = np.cumsum(draws.exponential(1 / load, total))
        demands = draws.exponential(1.0, total)
        late = responses_s(self.workers, arrivals, demands)[warmup:] > LIMIT_S
        predicted = None
        if self.noise is not None:
            twin = demands * (1 - self.bias) * np.exp(draws.normal(0, self.noise, total))
            predicted = responses_s(self.workers, arrivals, twin)[warmup:] > LIMIT_S
        utilization = min(load / self.workers, 1.0)
        return Trial(load, seed, {OBJECTIVE: Lateness(late, predicted)}, {}, utilization)

    def long_run(self, load: float, messages: int = 100_000, seed: int = 1) -> LongRun | None:
        """Return the share of late messages of the twin at ``load``, None if there is no twin."""
        if self.noise is None:
            return None
        draws = np.random.default_rng([seed, 18])
        warmup = round(self.settling_s * load)
        arrivals = np.cumsum(draws.exponential(1 / load, warmup + messages))
        demands = draws.exponential(1 - self.bias, warmup + messages)
        noise = np.exp(draws.normal(0, self.noise, warmup + messages))
        late = responses_s(self.workers, arrivals, demands * noise)[warmup:] > LIMIT_S
        return LongRun(load, {OBJECTIVE: Share.of(late)})

    @property
    def settling_s(self) -> float:
        """Three relaxation times at the capacity, after which the queue has settled."""
        gap = math.sqrt(self.workers) - math.sqrt(self.capacity)
        return 3 / gap**2


def responses_s(workers: int, arrivals: Times, demands: Times) -> Times:
    """Return each message's time from its arrival to its end, first come first served."""
    if workers == 1:
        work = np.cumsum(demands)
        return work - arrivals + np.maximum.accumulate(arrivals - (work - demands))
    free = [0.0] * workers
    replace = heapq.heapreplace
    ended = []
    for arrival, demand in zip(arrivals.tolist(), demands.tolist(), strict=True):
        end = max(free[0], arrival) + demand
        replace(free, end)
        ended.append(end)
    return np.array(ended) - arrivals


def late_share(workers: int, load: float, limit_s: float) -> float:
    """Return P(response > ``limit_s``) of M/M/c with mean demand 1; 1 at a full load.

    A response is a demand, plus with the probability of Erlang's C formula an exponential wait
    (Kleinrock 1975, "Queueing Systems, volume 1", 3.5).
    """
    if load >= workers:
        return 1.0
    blocked = 1.0
    for number in range(1, workers + 1):
        blocked = load * blocked / (number + load * blocked)
    waits = blocked / (1 - load / workers * (1 - blocked))
    rate = workers - load + (1e-9 if workers - load == 1 else 0)  # two equal rates: the limit
    both = (rate * math.exp(-limit_s) - math.exp(-rate * limit_s)) / (rate - 1)
    return (1 - waits) * math.exp(-limit_s) + waits * both


@cache
def capacity_of(workers: int, limit_s: float = LIMIT_S) -> float:
    """Return the greatest arrival rate of M/M/c at which the objective holds, by bisection."""
    low, high = 0.0, float(workers)
    while high - low > 1e-9 * workers:
        middle = (low + high) / 2
        if late_share(workers, middle, limit_s) <= 1 - PERCENTILE:
            low = middle
        else:
            high = middle
    return low
