"""Closed formulas of queues in their steady state, and which of them applies to a case.

Arrivals are Poisson, the queue is first come first served and unlimited. Times are in seconds,
rates per second; c is the number of workers, a = λ S the offered load in erlangs. Sources:
Kleinrock 1975, "Queueing Systems, volume 1"; Gross and Harris 1998, "Fundamentals of Queueing
Theory", third edition. Each raises `UnstableError` if there is no steady state, at ρ = a / c >= 1.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from labkit.protocol.work import CPU, SLEEP
from labkit.workload.distributions import Demands, Law
from orchestrator.analysis.statistics import Figures
from orchestrator.measures.sentences import counted
from orchestrator.scenario.clients import OpenGroup, pool_size
from orchestrator.scenario.plan import Case
from orchestrator.scenario.server import SERVER_DEFAULTS
from orchestrator.twin.parameters import EVENT_LOOPS, Discipline, Kind

BISECTIONS = 200
MAX_CUT = 1e-6
"""The share of an exponential distribution that the server's limit may cut off."""

MAX_WAITING = 1e-6
"""The share of messages that may wait in a queue that is called one without waiting."""


class UnstableError(ValueError):
    """More arrives than can be served: the queue grows without limit, and has no mean."""


@dataclass(frozen=True)
class Steady:
    """A queue's steady state; ``formula`` is its name in Kendall's notation.

    ``waiting_time_s`` is the mean over all arrivals. ``quantile_s`` returns the quantile of the
    response time at a share, between 0 and 1; None if there is no closed form.
    """

    formula: str
    arrival_rate_per_s: float
    service_time_s: float
    utilization: float
    waiting_time_s: float
    quantile_s: Callable[[float], float] | None = None

    @property
    def response_time_s(self) -> float:
        """The mean time from arrival to the end of service."""
        return self.waiting_time_s + self.service_time_s

    @property
    def queue_length(self) -> float:
        """The mean number of waiting messages: Little's law (Kleinrock 1975, 2.25)."""
        return self.arrival_rate_per_s * self.waiting_time_s

    @property
    def figures(self) -> Figures:
        """The steady state by the names of measures."""
        p50_s, p99_s = (self.quantile_s(q) if self.quantile_s else None for q in (0.5, 0.99))
        return {
            "utilization": self.utilization,
            "throughput": self.arrival_rate_per_s,
            "response_time_mean": self.response_time_s,
            "response_time_p50": p50_s,
            "response_time_p99": p99_s,
            "waiting_time_mean": self.waiting_time_s,
            "waiting_mean": self.queue_length,
        }


def steady_state(case: Case, discipline: Discipline) -> Steady | None:
    """Return the closed formula of ``case``, without overhead; None if there is none.

    There is one for Poisson arrivals at one rate, each with its own connection, whose demands have
    one distribution and are served one after another, by several workers, or all at once. If each
    worker has a listener, a share of the arrivals each comes to as many queues of one worker.

    Raises:
        UnstableError: there is a formula, but no steady state.
    """
    rate_per_s = _arrival_rate_per_s(case)
    if rate_per_s is None:
        return None
    service = _service(case)
    workers = _workers(discipline, service.kinds)
    if workers is None or not service.mean_s:
        return None
    if discipline.is_split and discipline.kind is Kind.PROCESSES_SPLIT:
        return _split(rate_per_s, service, discipline.workers)
    return _formula(rate_per_s, service, workers)


@dataclass(frozen=True)
class _Service:
    """The service of a message: the sum of independent parts, of the ``kinds`` of work."""

    kinds: frozenset[str]
    mean_s: float
    variance_s2: float
    is_exponential: bool


def _formula(rate_per_s: float, service: _Service, workers: float) -> Steady | None:
    """Return the formula for Poisson arrivals; M/G/c has none for c above 1 if messages wait."""
    offered_load = rate_per_s * service.mean_s
    is_ample = 1 < workers < math.inf and _nobody_waits(offered_load, round(workers))
    if math.isinf(workers) or (is_ample and not service.is_exponential):
        steady = m_g_inf(rate_per_s, service.mean_s)
        return replace(steady, utilization=offered_load / workers)
    if service.is_exponential:
        return m_m_c(rate_per_s, service.mean_s, round(workers))
    if workers > 1:
        return None
    if not service.variance_s2:
        return m_d_1(rate_per_s, service.mean_s)
    return m_g_1(rate_per_s, service.mean_s, service.variance_s2 / service.mean_s**2)


def _split(rate_per_s: float, service: _Service, queues: int) -> Steady | None:
    """Return the formula of ``queues`` of one worker each, among which arrivals are drawn evenly.

    Each is Poisson, at its share of the rate (Kleinrock 1975, 2.4: the split of a Poisson process).
    """
    one = _formula(rate_per_s / queues, service, 1)
    if one is None or queues == 1:
        return one
    return replace(one, formula=f"{queues} x {one.formula}", arrival_rate_per_s=rate_per_s)


def _arrival_rate_per_s(case: Case) -> float | None:
    """Return the rate of a case whose load is one Poisson process, else None.

    With a time-out, the arrivals are not one: some leave, and some come back.
    """
    group = case.groups[0]
    if len(case.groups) > 1 or not isinstance(group, OpenGroup):
        return None
    is_poisson = group.arrivals == "poisson" and not pool_size(group.connections)
    has_one_law = group.demand is None or len(Demands.parse(group.demand).parts) == 1
    is_patient = group.answer_timeout is None
    return group.profile.initial if is_poisson and has_one_law and is_patient else None


def _service(case: Case) -> _Service:
    """Return the service of a message, from the group or the server's default."""
    demand, limit_s = case.groups[0].demand, case.server.max_service_time_s
    if demand is None:
        kind = case.server.work or SERVER_DEFAULTS.work
        return _Service(frozenset({kind}), case.server.service_time_s, 0.0, is_exponential=False)
    parts = [part for part in Demands.parse(demand, limit_s).parts[0] if part.mean_s]
    drawn = [part for part in parts if part.law.constant_s is None]
    return _Service(
        kinds=frozenset(part.kind for part in parts),
        mean_s=sum(part.mean_s for part in parts),
        variance_s2=sum(part.mean_square_s2 - part.mean_s**2 for part in drawn),
        is_exponential=len(parts) == 1 and _is_exponential(parts[0].law, limit_s),
    )


def _nobody_waits(offered_load: float, workers: int) -> bool:
    """Whether there are so many workers that, by Erlang's formula, messages hardly ever wait."""
    return offered_load < workers and erlang_c(offered_load, workers) < MAX_WAITING


def _workers(discipline: Discipline, kinds: frozenset[str]) -> float | None:
    """Return how many messages are served at once at full speed.

    None if they share a CPU, or if they wait side by side in a loop but compute one after another.
    """
    is_computing = CPU in kinds
    if discipline.kind in EVENT_LOOPS:
        if not discipline.is_blocking and SLEEP in kinds:
            return None if is_computing else math.inf
        return 1 if discipline.cpus >= 1 or not is_computing else None
    is_shared = is_computing and discipline.workers > discipline.cpus
    return None if is_shared else discipline.workers


def _is_exponential(law: Law, limit_s: float) -> bool:
    is_one = law.is_exponential and law.first_s == law.second_s and law.first_s > 0
    return is_one and math.exp(-limit_s / law.first_s) < MAX_CUT


def erlang_c(offered_load: float, workers: int) -> float:
    """Return the probability that an arrival has to wait in M/M/c.

    Gross and Harris 1998, 2.3, by the recursion of Erlang's B, B(n) = a B(n-1) / (n + a B(n-1)),
    which does not overflow; C = B / (1 - ρ (1 - B)).
    """
    share = _share(offered_load, workers)
    blocked = 1.0
    for n in range(1, workers + 1):
        blocked = offered_load * blocked / (n + offered_load * blocked)
    return blocked / (1 - share * (1 - blocked))


def m_m_c(arrival_rate_per_s: float, service_time_s: float, workers: int) -> Steady:
    """Return M/M/c, for c = 1 M/M/1: exponential service (Gross and Harris 1998, 2.2 and 2.3).

    Wq = C(c, a) / (c μ - λ). The response time exceeds t with probability
    exp(-μ t) (1 + C (1 - exp(-μ t (c - 1 - a))) / (c - 1 - a)).
    """
    offered_load = arrival_rate_per_s * service_time_s
    waits = erlang_c(offered_load, workers)

    def exceeds(t_s: float) -> float:
        served = t_s / service_time_s
        spare = workers - 1 - offered_load
        if abs(spare) < 1e-9:  # noqa: PLR2004 the limit of what follows
            return math.exp(-served) * (1 + waits * served)
        slower = math.exp(-served * min(1.0, 1.0 + spare))  # factored out, so that none overflows
        return math.exp(-served) - waits * slower * math.expm1(-served * abs(spare)) / abs(spare)

    return Steady(
        formula="M/M/1" if workers == 1 else f"M/M/{workers}",
        arrival_rate_per_s=arrival_rate_per_s,
        service_time_s=service_time_s,
        utilization=offered_load / workers,
        waiting_time_s=waits * service_time_s / (workers - offered_load),
        quantile_s=lambda share: _inverse(exceeds, 1 - share, service_time_s),
    )


def m_g_1(
    arrival_rate_per_s: float, service_time_s: float, scv: float, formula: str = "M/G/1"
) -> Steady:
    """Return M/G/1 by Pollaczek and Khinchine (Kleinrock 1975, 5.7): any distribution of service.

    Wq = ρ S (1 + C²) / (2 (1 - ρ)), with ``scv`` C² the squared coefficient of variation.
    """
    share = _share(arrival_rate_per_s * service_time_s, 1)
    return Steady(
        formula=formula,
        arrival_rate_per_s=arrival_rate_per_s,
        service_time_s=service_time_s,
        utilization=share,
        waiting_time_s=share * service_time_s * (1 + scv) / (2 * (1 - share)),
    )


def m_d_1(arrival_rate_per_s: float, service_time_s: float) -> Steady:
    """Return M/D/1, constant service: M/G/1 without variance (Kleinrock 1975, 5.7)."""
    return m_g_1(arrival_rate_per_s, service_time_s, 0.0, "M/D/1")


def m_g_inf(arrival_rate_per_s: float, service_time_s: float) -> Steady:
    """Return M/G/∞, without waiting (Gross and Harris 1998, 2.7); it is always stable."""
    return Steady(
        formula="M/G/inf",
        arrival_rate_per_s=arrival_rate_per_s,
        service_time_s=service_time_s,
        utilization=0.0,
        waiting_time_s=0.0,
    )


def _share(offered_load: float, workers: int) -> float:
    """Return the utilization ρ = a / c of a queue that has a steady state."""
    if offered_load >= workers:
        load = f"{offered_load:g} erlangs for {counted(workers, 'workers')}"
        raise UnstableError(f"{load}: the queue grows without limit")
    return offered_load / workers


def _inverse(exceeds: Callable[[float], float], share: float, scale_s: float) -> float:
    """Return the time that is exceeded with probability ``share``, by bisection."""
    low_s, high_s = 0.0, scale_s
    while exceeds(high_s) > share:
        low_s, high_s = high_s, high_s * 2
    for _ in range(BISECTIONS):
        middle_s = (low_s + high_s) / 2
        if exceeds(middle_s) > share:
            low_s = middle_s
        else:
            high_s = middle_s
    return high_s
