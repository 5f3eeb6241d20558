"""The demand of each message and the think times of users, drawn as the clients draw them."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from labkit.protocol.work import CPU, Demand, parse_demand
from labkit.wire.samples import request_id
from labkit.workload.distributions import Demands, Draws, parse_law
from labkit.workload.load_order import OPEN, SLOW_SENDER, GroupOrder
from labkit.workload.profile import NS_PER_S
from orchestrator.measures.sentences import counted
from orchestrator.results.client_samples import ACKED
from orchestrator.results.tables import Table
from orchestrator.scenario.plan import Case
from orchestrator.scenario.server import SERVER_DEFAULTS

TOLERANCE, TOLERANCE_NS = 0.01, 100_000
"""By how much a message may be faster than its demand: clocks and timers are not exact."""

MAX_CHECKED = 100_000
"""Of more messages in a group, evenly chosen ones are checked: drawing a demand takes a few us."""


class Work(NamedTuple):
    """The work of one message: its duration, and whether it uses a CPU.

    Work that both computes and waits has ``parts``, which do one or the other, in order and in
    turn; ``demand_ns`` is their sum. ``least_ns`` is how long its service takes at least, including
    its waits for a CPU.
    """

    demand_ns: int
    is_computing: bool
    parts: tuple["Work", ...] = ()
    least_ns: int = 0


def join_parts(parts: Iterable[Work]) -> Work:
    """Return the work of ``parts``; those of one kind in a row become one, and empty ones none."""
    joined: list[Work] = []
    for part in parts:
        if joined and (joined[-1].is_computing == part.is_computing or not part.demand_ns):
            joined[-1] = joined[-1]._replace(demand_ns=joined[-1].demand_ns + part.demand_ns)
        elif joined and not joined[-1].demand_ns:
            joined[-1] = part
        else:
            joined.append(part)
    if len(joined) == 1:
        return joined[0]
    return Work(sum(part.demand_ns for part in joined), is_computing=True, parts=tuple(joined))


def group_demands(case: Case) -> list["GroupDemands"]:
    """Return the demands of each group of ``case``."""
    server = case.server
    default = Demand(server.work or SERVER_DEFAULTS.work, server.service_time_s)
    return [GroupDemands(order, case.seed, default) for order in case.orders]


def keeps_loops_busy(case: Case) -> bool:
    """Whether a message of ``case`` may compute, or sleep in an event loop instead of beside it."""
    if case.server.blocking_sleep:
        return True
    default = case.server.work or SERVER_DEFAULTS.work
    return any(
        default == CPU
        if order.demand is None
        else any(part.kind == CPU for turn in Demands.parse(order.demand).parts for part in turn)
        for order in case.orders
    )


class GroupDemands:
    """The demands of a group's messages; ``default`` is that of a message that carries none.

    The draws are those of the clients, so each message has the same demand as in a run.
    """

    def __init__(self, order: GroupOrder, seed: int, default: Demand) -> None:
        self._draws = Draws(seed, order.name, "demand")
        self._is_open = order.loop == OPEN
        is_slow = order.behaviour == SLOW_SENDER
        self._pace_ns = round(order.pace_s * NS_PER_S * (1 - TOLERANCE)) if is_slow else 0
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

    def sending_ns(self, user: int, message: int) -> int:
        """Return the least time from the first byte of a message to its last.

        A slow sender sends one byte at a time; others send all at once.
        """
        if not self._pace_ns:
            return 0
        word = b"" if self._demands is None else self._demands.constant
        if word is None and self._demands is not None:
            word = self._demands.of(self._draws, 0 if self._is_open else user, message)
        return (len(request_id(0, user, message)) + len(word or b"")) * self._pace_ns


def faster_than_demanded(case: Case, requests: Table, *, has_default: bool) -> Iterator[str]:
    """Yield how many acknowledged ``requests`` took less time than their demands.

    No server can do that: it acknowledged what it had not served, or the client took the ack of
    another message for it. The demands are drawn anew, so the records cannot agree by themselves.
    ``has_default``: the server has a known demand for messages that carry none.
    """
    is_acked = requests["outcome"] == ACKED
    for number, (order, demands) in enumerate(zip(case.orders, group_demands(case), strict=True)):
        rows = np.flatnonzero(is_acked & (requests["group"] == number))
        own = requests[rows[:: max(len(rows) // MAX_CHECKED, 1)]]
        if order.demand is None and not has_default:
            continue
        drawn = [*zip(own["user"].tolist(), own["message"].tolist(), strict=True)]
        least_ns = np.array([demands.of(*each).demand_ns for each in drawn], np.int64)
        sending_ns = np.array([demands.sending_ns(*each) for each in drawn], np.int64)
        least_ns = (least_ns * (1 - TOLERANCE)).astype(np.int64) - TOLERANCE_NS
        served = own["finished_ns"] > 0
        answered_ns, served_ns = (
            own[end].astype(np.int64) - own[begin].astype(np.int64)
            for begin, end in (("sent_ns", "ended_ns"), ("started_ns", "finished_ns"))
        )
        if early := np.count_nonzero(answered_ns < least_ns + sending_ns):
            messages = counted(early, "messages were")
            yield f"{order.name}: {messages} acked faster than the demand allows"
        if short := np.count_nonzero(served & (served_ns < least_ns)):
            messages = counted(short, "messages were")
            yield f"{order.name}: {messages} logged as served in less time than the demand"


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
    return join_parts(
        Work(round(part.duration_s * NS_PER_S), part.kind == CPU) for part in demand.steps
    )
