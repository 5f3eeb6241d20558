"""The twin of a queue whose capacity is known, as a case of a scenario."""

from collections.abc import Sequence

from orchestrator.capacity.long_run import CaseTwin, settling_s
from orchestrator.capacity.objectives import parse_objectives
from orchestrator.scenario.plan import Case
from orchestrator.twin.parameters import NONE, Kind
from tests.queue_fixtures import LIMIT_S, capacity_of
from tests.unit.orchestrator.twin.load_fixtures import CPUS, case_of

DEMAND_S = 0.01
BELOW_TIMEOUT_S = 3_500.0
OBJECTIVE = f"p99 <= {LIMIT_S * DEMAND_S:g}s"


def capacity_per_s(workers: int) -> float:
    """Return the greatest arrival rate at which `OBJECTIVE` holds."""
    return capacity_of(workers) / DEMAND_S


def open_twin(
    workers: int, texts: Sequence[str] = (OBJECTIVE,), kind: str = Kind.PROCESSES
) -> CaseTwin:
    """Return a case with Poisson arrivals and exponential demands, without overhead."""

    def at(load: float, duration_s: float, seed: int) -> Case:
        clients = (
            f"[{{executor: open, arrivals: poisson, rate: {load:.4f}/s, connections: each, "
            f"duration: {min(duration_s, BELOW_TIMEOUT_S):.3f}s, demand: sleep=exponential({DEMAND_S * 1000:g}ms)}}]"
        )
        return case_of(clients, server=f"{{workers: {workers}}}", seed=seed)

    settled_s = settling_s(DEMAND_S, capacity_per_s(workers), workers)
    return CaseTwin(
        at, lambda load: load, parse_objectives(texts), {"any": kind}, CPUS, NONE, settled_s
    )


def closed_twin(texts: Sequence[str], workers: int = 2) -> CaseTwin:
    """Return a case with users that think for 10 ms on average between constant demands."""

    def at(load: float, duration_s: float, seed: int) -> Case:
        clients = (
            f"[{{executor: closed, users: {load:.0f}, duration: {duration_s:.3f}s, "
            f"think_time: exponential(10ms), demand: sleep={DEMAND_S * 1000:g}ms}}]"
        )
        return case_of(clients, server=f"{{workers: {workers}}}", seed=seed)

    def per_s(load: float) -> float:
        return min(load / (2 * DEMAND_S), workers / DEMAND_S)

    kinds = {"any": Kind.LOOP_AND_POOL.value}
    return CaseTwin(at, per_s, parse_objectives(texts), kinds, CPUS, NONE)
