"""The demand of each message and the think times of users, drawn as the clients draw them."""

from typing import NamedTuple

from labkit.protocol.work import CPU, Demand, parse_demand
from labkit.workload.distributions import Demands, Draws, parse_law
from labkit.workload.load_order import OPEN, GroupOrder
from labkit.workload.profile import NS_PER_S
from orchestrator.scenario.plan import Case
from orchestrator.scenario.server import SERVER_DEFAULTS


class Work(NamedTuple):
    """The work of one message: its duration, and whether it uses a CPU."""

    demand_ns: int
    is_computing: bool


def group_demands(case: Case) -> list["GroupDemands"]:
    """Return the demands of each group of ``case``."""
    server = case.server
    default = Demand(server.work or SERVER_DEFAULTS.work, server.service_time_s)
    return [GroupDemands(order, case.seed, default) for order in case.orders]


class GroupDemands:
    """The demands of a group's messages; ``default`` is that of a message that carries none.

    The draws are those of the clients, so each message has the same demand as in a run.
    """

    def __init__(self, order: GroupOrder, seed: int, default: Demand) -> None:
        self._draws = Draws(seed, order.name, "demand")
        self._is_open = order.loop == OPEN
        self._demands = None
        self._constant: Work | None = _work(default)
        if order.demand is not None:
            self._demands = Demands.parse(order.demand, order.demand_limit_s)
            constant = self._demands.constant
            self._constant = None if constant is None else _read(constant)

    def of(self, user: int, message: int) -> Work:
        """Return the work of a message; ``message`` is the arrival in an open loop."""
        if self._constant is not None or self._demands is None:
            return self._constant or Work(0, is_computing=False)
        return _read(self._demands.of(self._draws, 0 if self._is_open else user, message))


class Thinking:
    """The pauses of a group's users, by the draws of `client.closed_loop`."""

    def __init__(self, order: GroupOrder, seed: int) -> None:
        self._law = parse_law(order.think_time)
        self._draws = Draws(seed, order.name, "think time")
        constant_s = self._law.constant_s
        self._constant_ns = None if constant_s is None else round(constant_s * NS_PER_S)

    def after(self, user: int, message: int) -> int:
        """Return how long a user thinks after the ack of a message, in ns."""
        if self._constant_ns is not None:
            return self._constant_ns
        return round(self._law.duration_s(self._draws.pair(user, message)) * NS_PER_S)


def _read(word: bytes) -> Work:
    demand = parse_demand(word.decode("ascii").strip())
    assert demand is not None  # noqa: S101 made by Demands, for the type checker
    return _work(demand)


def _work(demand: Demand) -> Work:
    return Work(round(demand.duration_s * NS_PER_S), demand.kind == CPU)
