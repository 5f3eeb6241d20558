"""How long a run will take, estimated from its load alone, without measurement or simulation.

For models without a queueing twin (`plan` asks the twin first). The estimate does not depend on the
model, so it has three values: no client waits; each worker of a pool serves one connection to its
end; one connection is served after another.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.scenario.clients import Group
from orchestrator.scenario.plan import Case

START_AND_STOP_S = {"process": 0.5, "docker": 4.0}
"""Time that a run needs besides its load, to an order of magnitude."""


@dataclass(frozen=True)
class Estimate:
    """Seconds of load if no client waits, with a pool, and one at a time; at most the timeout."""

    least_s: float
    likely_s: float
    most_s: float


def estimate(case: Case, timeout_s: float) -> Estimate:
    """Return the estimate for ``case``."""
    workers = case.workers
    least_s = max(_without_waiting_s(case, group) for group in case.groups)
    begin_s = min(group.start_s for group in case.groups)
    in_turn_s = [
        sum(_with_workers_s(case, group, n) for group in case.groups) for n in (workers, 1)
    ]
    likely_s, most_s = (max(least_s, begin_s + each_s) for each_s in in_turn_s)
    return Estimate(*(min(each_s, timeout_s) for each_s in (least_s, likely_s, most_s)))


def total(estimates: Iterable[Estimate]) -> Estimate:
    """Return the sum of ``estimates``."""
    every = list(estimates)
    return Estimate(
        sum(each.least_s for each in every),
        sum(each.likely_s for each in every),
        sum(each.most_s for each in every),
    )


def _without_waiting_s(case: Case, group: Group) -> float:
    """Return when ``group`` ends if no client waits for another."""
    messages = getattr(group, "messages", None)
    end_s = math.inf if group.end_s is None else group.end_s
    done_s = math.inf if messages is None else group.start_s + _conversation_s(case, group, 1)
    return min(end_s + _service_s(case, group), done_s)


def _with_workers_s(case: Case, group: Group, workers: int) -> float:
    """Return how long that number of workers needs for ``group``.

    Of users with a duration and no number of messages, those that find a worker keep it to the end;
    each of the others has a connection by then, and is served one message.
    """
    if group.is_open:
        return group.profile.area * _service_s(case, group) / workers
    turns = math.ceil(group.peak_users / workers)
    longest_s = math.inf if group.end_s is None else group.end_s - group.start_s
    if getattr(group, "messages", None) is None:
        return longest_s + turns * _service_s(case, group)
    return min(_conversation_s(case, group, turns), longest_s)


def _conversation_s(case: Case, group: Group, turns: int) -> float:
    """Return how long ``turns`` users need one after another, each with all its messages."""
    messages = getattr(group, "messages", None) or 0
    pauses_s = max(messages - 1, 0) * (group.think_time_s or 0.0)
    return turns * (messages * _service_s(case, group) + pauses_s)


def _service_s(case: Case, group: Group) -> float:
    """Return the mean service time of a message."""
    demand_s = group.demand_s(case.server.max_service_time_s)
    return case.server.service_time_s if demand_s is None else demand_s
