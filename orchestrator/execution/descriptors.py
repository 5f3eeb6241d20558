"""The file descriptors that a campaign needs, against the limit of this shell.

A program that has none left fails in ways that do not name the reason, often after minutes. So the
need is computed before anything starts. Connections of open groups without a pool are not counted:
how many are open at once depends on the server.
"""

import math
import resource
from collections.abc import Iterable, Mapping

from labkit.workload.load_order import OPEN, GroupOrder
from orchestrator.execution.backend import BackendError
from orchestrator.scenario.models import discover_twins
from orchestrator.scenario.plan import Case

OWN = 64
"""What each program needs besides connections: its modules, logs, pipes, and some to spare."""


def provide_descriptors(cases: Iterable[Case], backend: str) -> None:
    """Check that the programs of ``cases`` get enough descriptors; raise our soft limit to that.

    The programs that we start inherit it. Those in containers have limits of their own.

    Raises:
        BackendError: the hard limit is too low.
    """
    is_local = backend == "process"
    twins = discover_twins()
    needed = max([OWN, *(descriptors_of(case, twins) for case in cases if is_local)])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise BackendError(
            f"too few file descriptors: a program of this campaign needs {needed}, the hard limit "
            f"is {hard}; raise `ulimit -n` to {needed}"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def descriptors_of(case: Case, twins: Mapping[str, str]) -> int:
    """Return how many descriptors the program of a case needs that needs most.

    That is the conductor with its replicas, a client with its users, or the server with all users
    that it serves at once. Of a target it is not known how many those are, so it is not counted.
    """
    orders = case.orders
    replicas = sum(order.replicas for order in orders)
    connections = sum(_connections(order) for order in orders)
    served = min(float(connections), _served_at_once(case, twins))
    largest_client = max(-(-_connections(order) // order.replicas) for order in orders)
    return OWN + round(max(replicas, served, largest_client))


def _served_at_once(case: Case, twins: Mapping[str, str]) -> float:
    """Return how many connections one process of the server has accepted at once at most."""
    twin = twins.get(case.model, "")
    if twin in ("", "process"):
        return float(bool(twin))
    return math.inf if "loop" in twin else case.inputs()["workers"]


def _connections(order: GroupOrder) -> int:
    """Return how many connections a group has open at once at most."""
    if order.loop == OPEN:
        return order.connections
    return round(max([order.initial, *(level for _, level in order.stages)]))
