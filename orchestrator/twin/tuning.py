"""Finds a mean think time: the one at which the workers of a case are busy for a share of the time.

The group is simulated as it will run, with those that run at the same time, with its length and its
warm-up, typical overhead and the draws of its repeats: a short one with more of them, a long one in
part. More thinking is less load, so the think time is bracketed and the bracket narrowed. By the
utilization law (Denning and Buzen 1978, "The Operational Analysis of Queueing Network Models")
1 / U = c (R + Z) / (N S) is nearly a straight line over the think time Z, so a few simulations are
enough.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import NamedTuple

from orchestrator.measures.dimensions import TIME, format_value
from orchestrator.results.exit_codes import MisuseError
from orchestrator.scenario.axis_numbers import written_number
from orchestrator.scenario.clients import ClosedGroup
from orchestrator.scenario.plan import Case, plan_cases, seed_of_repeat
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.tuned import tuned_share
from orchestrator.twin.core import TooManyMessagesError
from orchestrator.twin.parameters import TYPICAL, Discipline
from orchestrator.twin.predict import NoTwinError, discipline_of
from orchestrator.twin.simulate import Simulated, simulate, sources_of

MESSAGES, MESSAGES_OF_USER = 30_000, 20
"""Of all draws with one think time, a third of a second; more if each user would have fewer."""

MAX_MESSAGES = 500_000
PILOT_MESSAGES = 1_000
MOST_DRAWS = 20
CLOSE, ENOUGH = 0.001, 0.01
"""How close to the wanted utilization the search ends, and how close it must come."""

LONGEST_S, SHORTEST_STEP_S = 3600.0, 1e-6
WIDER = 4
MOST_STEPS, BISECT_EVERY = 60, 3
MARGIN = 0.05
"""How far from both ends of the bracket a think time is tried, as a share of its length."""

DIGITS = 4

Utilization = Callable[[float], float]
"""Returns the utilization with a mean think time in s."""


class TuningError(MisuseError):
    """A think time cannot be tuned; the message has the case and the reason."""


class NoThinkTimeError(Exception):
    """No think time gives the utilization; the text is the reason."""


def tuned(scenario: Scenario, twins: Mapping[str, str], cpus: float) -> Scenario:
    """Return ``scenario`` with the mean of each think time that is to be tuned, case by case.

    Those that it has, as a stored scenario does, are kept. ``twins`` are the labels of the models,
    ``cpus`` how many CPUs the machine has.

    Raises:
        TuningError: a case has no twin, or no think time gives the utilization.
    """
    search = _Search(twins, cpus, varies=scenario.draws_vary)
    means = {case.name: dict(scenario.tuned.get(case.name, {})) for case in plan_cases(scenario)}
    for case in plan_cases(scenario):
        for group in case.groups:
            if isinstance(group, ClosedGroup) and (share := tuned_share(group.think_time)):
                means[case.name][group.name] = search.mean_of(case, group, share)
    return scenario.model_copy(update={"tuned": {name: of for name, of in means.items() if of}})


class _Search:
    """Searches case by case; of models that serve alike, once."""

    def __init__(self, twins: Mapping[str, str], cpus: float, *, varies: bool) -> None:
        self._twins, self._cpus, self._varies = twins, cpus, varies
        self._known: dict[str, str] = {}

    def mean_of(self, case: Case, group: ClosedGroup, share: float) -> str:
        """Return the mean think time of ``group`` in ``case``, as a scenario has it."""
        try:
            discipline = discipline_of(case, self._twins, self._cpus)
            alike = f"{discipline} {group.name} {case.groups} {case.server.complete()}"
            if alike not in self._known:
                loaded = _Loaded.of(case, group, discipline, varies=self._varies)
                found_s = think_time_s(loaded.utilization, share, loaded.guess_s(share))
                self._known[alike] = _written(found_s)
        except (NoTwinError, TooManyMessagesError, NoThinkTimeError) as exc:
            raise TuningError(
                f"{case.name}: no think_time of {group.name} is known at which its workers are "
                f"busy {100 * share:g}% of the time: {exc}"
            ) from exc
        return self._known[alike]


@dataclass(frozen=True)
class _Loaded:
    """A case to be simulated until ``end_ns`` with several think times of ``group``.

    It has only the groups that run at the same time. Each think time is tried with the draws of all
    ``seeds``.
    """

    case: Case
    group: ClosedGroup
    discipline: Discipline
    end_ns: int
    seeds: Sequence[int]

    @classmethod
    def of(
        cls, case: Case, group: ClosedGroup, discipline: Discipline, *, varies: bool
    ) -> "_Loaded":
        """Return the case with as much of its load, and as many draws, as `MESSAGES` need.

        How many messages are served in a second if nobody thinks is seen in a short simulation.
        """
        groups = tuple(each for each in case.groups if each.overlaps(group))
        case = replace(case, settings=replace(case.settings, groups=groups))
        begin_s = max(case.warmup_s, *(each.start_s for each in groups))
        pilot_s = PILOT_MESSAGES * _service_s(case, group) / group.users
        pilot = cls(case, group, discipline, _ns(begin_s + pilot_s), [case.seed])
        ended_ns = pilot.simulated(0.0, case.seed).messages["ended_ns"]
        served = int((ended_ns >= _ns(begin_s)).sum())
        if not served:
            return pilot
        wanted = max(MESSAGES, MESSAGES_OF_USER * group.users)
        enough_s = wanted / served * pilot_s
        load_s = min(enough_s, (group.end_s or math.inf) - group.start_s)
        messages = min(wanted * load_s / enough_s, group.users * (group.messages or math.inf))
        draws = min(max(int(wanted / messages), 1), MOST_DRAWS) if varies else 1
        seeds = [seed_of_repeat(case.seed, each) for each in range(1, draws + 1)]
        return replace(pilot, end_ns=_ns(begin_s + enough_s), seeds=seeds)

    def guess_s(self, share: float) -> float:
        """Return a think time that may be too long, but not by far: that without any waiting."""
        needed_s = self.group.users * _service_s(self.case, self.group)
        return needed_s / (self.discipline.workers * share)

    def utilization(self, think_s: float) -> float:
        """Return the mean utilization over the draws."""
        return fmean(self._busy_share(self.simulated(think_s, seed)) for seed in self.seeds)

    def _busy_share(self, simulated: Simulated) -> float:
        """Return the share of the time for which the workers are busy while the group runs.

        From its start, or the end of the warm-up, to its planned end or, without one, its last ack:
        if it is alone, that is the measure ``utilization`` of a run.
        """
        rows = simulated.messages
        number = self.case.groups.index(self.group)
        of_group = simulated.connections["group"][rows["connection"]] == number
        begin_ns = _ns(max(self.case.warmup_s, self.group.start_s))
        if self.group.messages is None:
            end_ns = min(self.end_ns, _ns(self.group.end_s or 0.0))
        else:
            end_ns = int(rows["ended_ns"][of_group].max(initial=begin_ns))
        if end_ns <= begin_ns:
            return 0.0
        span = ("started_ns", "finished_ns")
        begun, finished = (rows[each].clip(begin_ns, end_ns) for each in span)
        return float((finished - begun).sum()) / (self.discipline.workers * (end_ns - begin_ns))

    def simulated(self, think_s: float, seed: int) -> Simulated:
        """Simulate the load with this think time and the draws of ``seed``."""
        settings = self.case.settings.with_think_times({self.group.name: f"{think_s:.9f}s"})
        case = replace(self.case, settings=settings, seed=seed)
        discipline = replace(self.discipline, seed=seed)
        return simulate(sources_of(case), discipline, TYPICAL, self.end_ns, MAX_MESSAGES)


def _service_s(case: Case, group: ClosedGroup) -> float:
    """Return the mean demand of a message of ``group``."""
    demand_s = group.demand_s(case.server.max_service_time_s)
    return case.server.service_time_s if demand_s is None else demand_s


def _written(seconds: float) -> str:
    return str(written_number(float(f"{seconds:.{DIGITS}g}"), TIME))


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)


class _Tried(NamedTuple):
    """A think time in s, and the utilization with it."""

    think_s: float
    utilization: float


def think_time_s(utilization: Utilization, wanted: float, guess_s: float) -> float:
    """Return the think time in s with which ``utilization`` is ``wanted``.

    It falls, but for the chance of its draws. ``guess_s`` is where the search begins.

    Raises:
        NoThinkTimeError: there is none.
    """
    none = _Tried(0.0, utilization(0.0))
    if none.utilization < wanted - ENOUGH:
        raise NoThinkTimeError(f"without any thinking they are busy {none.utilization:.1%} of it")
    if none.utilization <= wanted + CLOSE:
        return 0.0
    low, high = _narrowed(utilization, wanted, *_bracket(utilization, wanted, none, guess_s))
    found = min(low, high, key=lambda each: abs(each.utilization - wanted))
    if abs(found.utilization - wanted) > ENOUGH:
        fall = f"from {low.utilization:.1%} it falls to {high.utilization:.1%}"
        raise NoThinkTimeError(f"{fall} at {format_value(high.think_s, TIME)}")
    return found.think_s


def _bracket(
    utilization: Utilization, wanted: float, none: _Tried, guess_s: float
) -> tuple[_Tried, _Tried]:
    """Return two think times: with the first the workers are busier than wanted.

    Raises:
        NoThinkTimeError: they always are.
    """
    low, next_s = none, min(max(guess_s, SHORTEST_STEP_S), LONGEST_S)
    while (high := _Tried(next_s, utilization(next_s))).utilization > wanted:
        if next_s >= LONGEST_S:
            raise NoThinkTimeError(f"other groups keep them busy {high.utilization:.1%} of it")
        low, next_s = high, min(WIDER * next_s, LONGEST_S)
    return low, high


def _narrowed(
    utilization: Utilization, wanted: float, low: _Tried, high: _Tried
) -> tuple[_Tried, _Tried]:
    """Return a narrower bracket, one end of which is close if any think time is."""
    for step in range(1, MOST_STEPS):
        is_close = min(low.utilization - wanted, wanted - high.utilization) <= CLOSE
        if is_close or high.think_s - low.think_s < SHORTEST_STEP_S:
            break
        part = 0.5 if step % BISECT_EVERY == 0 else _part(low.utilization, high.utilization, wanted)
        middle_s = low.think_s + part * (high.think_s - low.think_s)
        middle = _Tried(middle_s, utilization(middle_s))
        if middle.utilization > wanted:
            low = middle
        else:
            high = middle
    return low, high


def _part(low: float, high: float, wanted: float) -> float:
    """Return where ``wanted`` is between two utilizations, if their inverses are on a line."""
    if not high:
        return 0.5
    part = (1 / wanted - 1 / low) / (1 / high - 1 / low)
    return min(max(part, MARGIN), 1 - MARGIN)
