"""Which textbook queue a case is, if it is one."""

import math

from labkit.protocol.work import CPU
from labkit.workload.distributions import Demands, Law
from orchestrator.plan import Case
from orchestrator.scenario.groups import OpenGroup, pool_size
from orchestrator.scenario.sections import SERVER_DEFAULTS
from orchestrator.twin.discipline import Discipline, Kind
from orchestrator.twin.formulas import Steady, m_d_1, m_g_1, m_g_inf, m_m_c

CUT = 1e-6
"""Share of an exponential's durations that the server's limit may cut for it to count as one."""


def steady_state(case: Case, discipline: Discipline) -> Steady | None:
    """Return the closed formula of ``case``, without overhead; None where there is none.

    There is one for Poisson arrivals at one rate, each with a connection of its own, whose demands
    follow one law and are served one after another, by several workers, or all at once.

    Raises:
        UnstableError: it is such a queue, and only grows.
    """
    rate_per_s = _arrival_rate_per_s(case)
    if rate_per_s is None:
        return None
    kind, law = _law(case)
    workers = _workers(discipline, is_computing=kind == CPU)
    limit_s = case.server.max_service_time_s
    if workers is None or not law.mean_s(limit_s):
        return None
    return _formula(rate_per_s, law, limit_s, workers)


def _formula(rate_per_s: float, law: Law, limit_s: float, workers: float) -> Steady | None:
    """Return the formula of Poisson arrivals at so many workers; M/G/c has none for c above 1."""
    mean_s = law.mean_s(limit_s)
    if math.isinf(workers):
        return m_g_inf(rate_per_s, mean_s)
    if _is_exponential(law, limit_s):
        return m_m_c(rate_per_s, mean_s, round(workers))
    if workers > 1:
        return None
    if law.constant_s is not None:
        return m_d_1(rate_per_s, mean_s)
    return m_g_1(rate_per_s, mean_s, law.mean_square_s2(limit_s) / mean_s**2 - 1)


def _arrival_rate_per_s(case: Case) -> float | None:
    """Return the rate of a case whose load is one Poisson process, None of any other."""
    group = case.groups[0]
    if len(case.groups) > 1 or not isinstance(group, OpenGroup):
        return None
    is_poisson = group.arrivals == "poisson" and not pool_size(group.connections)
    has_one_law = group.demand is None or len(Demands.parse(group.demand).laws) == 1
    return group.profile.initial if is_poisson and has_one_law else None


def _law(case: Case) -> tuple[str, Law]:
    """Return the kind of work and its law, of the group or by the server's default."""
    demand = case.groups[0].demand
    if demand is not None:
        return Demands.parse(demand, case.server.max_service_time_s).laws[0]
    seconds = case.server.service_time_s
    kind = case.server.work or SERVER_DEFAULTS.work
    return kind, Law(1.0, seconds, seconds, is_exponential=False)


def _workers(discipline: Discipline, *, is_computing: bool) -> float | None:
    """Return how many are served at once, at full speed; None where those served share a CPU."""
    if discipline.kind is Kind.LOOP:
        if not is_computing and not discipline.is_blocking:
            return math.inf
        return 1 if discipline.cpus >= 1 or not is_computing else None
    is_shared = is_computing and discipline.workers > discipline.cpus
    return None if is_shared else discipline.workers


def _is_exponential(law: Law, limit_s: float) -> bool:
    is_one = law.is_exponential and law.first_s == law.second_s and law.first_s > 0
    return is_one and math.exp(-limit_s / law.first_s) < CUT
