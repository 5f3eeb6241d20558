"""What the twin of a case says of a load, in runs that are long enough, and of its capacity.

Simulation only: nothing is run, and the only clock is the CPU time that bounds it.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from orchestrator.capacity.objectives import Objective, Percentile
from orchestrator.capacity.trial import Flags
from orchestrator.results.tables import Table
from orchestrator.scenario.plan import Case, seed_of_repeat
from orchestrator.twin.core import TooManyMessagesError
from orchestrator.twin.parameters import Overhead
from orchestrator.twin.predict import NO_END_NS, NoTwinError, discipline_of, predict
from orchestrator.twin.simulate import Simulated, simulate, sources_of

TRIAL_MESSAGES = 2_000
"""Batches are as long as a trial, so that their sums vary as those of trials do."""

MIN_BATCHES = 20

CHUNK = 40_000
"""Messages of one simulation; one takes about 10 us."""

MOST_SIMULATED = 1_600_000
"""Messages of one simulation, at which it is given up."""

PREDICTION_CPU_S = 2.0

COARSE, FINE = 8_000, 40_000
"""Messages at a load while a capacity is bracketed, and while its bounds are narrowed."""

DOUBLINGS, HALVINGS = 20, 7
CLOSE = 1.1
"""A capacity that is known so well begins a search: its first bracket is 0.9 to 1.1 of it."""

LEAST_PER_S, MOST_PER_S = 0.1, 100_000.0
"""Beyond, no capacity is looked for: a twin without overhead may have none, or hold at none."""

MOST_DURATION_S = 3_600.0
"""The longest load of a scenario."""

LEAST_SETTLING_S, MOST_SETTLING_S = 0.5, 10.0
RELAXATIONS = 3.0
FULL = 0.95
"""A queue at a higher utilization than this takes longer than any warm-up to settle."""

TABLES = {
    "response_time": ("due_ns", "ended_ns"),
    "exchange_time": ("sent_ns", "ended_ns"),
    "send_delay": ("due_ns", "sent_ns"),
}
"""The instants between which each measure of a message lies."""


@dataclass(frozen=True)
class Share:
    """The share of late messages in a long run of ``messages``.

    Late messages come in clumps: ``dispersion`` is the variance of their number in a batch over
    that of as many independent messages; 1 or more. ``error`` is the standard error of the share.
    """

    share: float
    dispersion: float
    messages: int

    @property
    def error(self) -> float:
        """The standard error; as if one clump had been seen if none was."""
        seen = max(self.share * (1 - self.share), self.dispersion / self.messages)
        return math.sqrt(self.dispersion * seen / self.messages)

    @classmethod
    def of(cls, late: Flags) -> "Share":
        """Return the share of ``late`` messages, which were due in this order."""
        share = float(late.mean())
        size = max(min(TRIAL_MESSAGES, len(late) // MIN_BATCHES), 1)
        sums = late[: len(late) // size * size].reshape(-1, size).sum(axis=1)
        independent = size * share * (1 - share)
        clumped = float(sums.var(ddof=1)) / independent if independent and len(sums) > 1 else 1.0
        return cls(share, max(clumped, 1.0), len(late))


@dataclass(frozen=True)
class LongRun:
    """The shares of late messages in the twin at ``load``, by the texts of objectives."""

    load: float
    shares: Mapping[str, Share] = field(default_factory=dict)


@dataclass(frozen=True)
class Budget:
    """When a long run ends: after ``cpu_s`` or ``messages``, or once its share is known.

    That is so if the error of the share would be less than ``error`` of what is allowed. As it is,
    it serves trials of 2,000 messages: for one worker, the error of a long run of 100,000 messages
    is more than that of nine such trials, of one of 400,000 less.
    """

    cpu_s: float = 4.0
    messages: int = 400_000
    error: float = 0.05

    def times(self, factor: float) -> "Budget":
        """Return the budget for trials that are ``factor`` times as long."""
        return Budget(
            self.cpu_s * factor, round(self.messages * factor), self.error / math.sqrt(factor)
        )

    def is_known(self, share: Share, objective: Objective) -> bool:
        """Whether the error would be small enough if the share were just what is allowed."""
        if objective.percentile is None or not share.messages:
            return True
        allowed = objective.percentile.allowed
        return math.sqrt(allowed * share.dispersion / share.messages) < self.error * allowed


@dataclass(frozen=True)
class CaseTwin:
    """The twin of a case, which is simulated at any load.

    ``at`` returns the case at a load, for a duration in seconds, with a seed; ``per_s`` about how
    many messages a load sends per second. ``twins`` and ``cpus`` are as for `predict`.
    ``settling_s`` is left out at the beginning of each simulation.
    """

    at: Callable[[float, float, int], Case]
    per_s: Callable[[float], float]
    objectives: Sequence[Objective]
    twins: Mapping[str, str]
    cpus: float
    overhead: Overhead
    settling_s: float = LEAST_SETTLING_S

    def late(self, load: float, messages: int, seed: int) -> dict[str, Flags]:
        """Return which messages are late at ``load``, by the texts of objectives of a percentile.

        Raises:
            NoTwinError: the model or its clients have no twin.
        """
        case = self._case(load, messages, seed)
        discipline = discipline_of(case, self.twins, self.cpus)
        try:
            found = simulate(sources_of(case), discipline, self.overhead, NO_END_NS, MOST_SIMULATED)
        except TooManyMessagesError as exc:
            raise NoTwinError(f"the load has {exc}") from exc
        settled = _settled(found, self.settling_s)
        return {
            each.text: late_of(settled, found, case, each.percentile)
            for each in self.objectives
            if each.percentile is not None
        }

    def holds(self, load: float, messages: int) -> bool:
        """Whether all objectives of which the twin has values hold at ``load``.

        Raises:
            NoTwinError: the model or its clients have no twin.
        """
        others = [each for each in self.objectives if each.percentile is None]
        if len(others) < len(self.objectives) and not self._shares_hold(load, messages):
            return False
        return not others or self._values_hold(others, load, min(messages, COARSE))

    def _shares_hold(self, load: float, messages: int) -> bool:
        late = self.late(load, messages, seed=1)
        return not any(
            len(late[each.text]) and late[each.text].mean() > each.percentile.allowed
            for each in self.objectives
            if each.percentile is not None
        )

    def _case(self, load: float, messages: int, seed: int) -> Case:
        """Return the case at ``load`` for so many messages, or as long as a load may be."""
        duration_s = self.settling_s + messages / max(self.per_s(load), 1e-6)
        return self.at(load, min(duration_s, MOST_DURATION_S), seed)

    def _values_hold(self, others: Sequence[Objective], load: float, messages: int) -> bool:
        values = predict(
            self._case(load, messages, 1), self.twins, self.cpus, self.overhead
        ).as_measured
        margins = [each.margin(values) for each in others]
        return all(margin is None or margin < 0 for margin in margins)


def _settled(found: Simulated, settling_s: float) -> Table:
    """Return the messages that are due after the queue has settled, in the order of due."""
    rows = found.messages[found.messages["due_ns"] >= settling_s * 1e9]
    return rows[np.argsort(rows["due_ns"], kind="stable")]


def late_of(rows: Table, found: Simulated, case: Case, percentile: Percentile) -> Flags:
    """Return which of the simulated messages ``rows`` are late, of the group that counts."""
    if percentile.group:
        names = [group.name for group in case.groups]
        groups = found.connections["group"][rows["connection"]]
        rows = rows[groups == names.index(percentile.group)]
    begin, end = TABLES[percentile.measure]
    return percentile.late((rows[end] - rows[begin]) / 1e9)


def long_run(twin: CaseTwin, load: float, budget: Budget, seed: int = 1) -> LongRun | None:
    """Return the shares of late messages of ``twin`` at ``load``; None if there is no twin.

    It simulates at least `CHUNK` messages, and more until its ``budget`` is spent. Its error is
    common to all trials at this load, so each load, and its confirmation, needs a ``seed`` of its
    own; else one unlucky run spoils both bounds.
    """
    begun_s = time.process_time()
    late: dict[str, list[Flags]] = {}
    done = 0
    while not done or (done < budget.messages and time.process_time() - begun_s < budget.cpu_s):
        try:
            found = twin.late(load, CHUNK, seed_of_repeat(seed, 2 + done // CHUNK))
        except NoTwinError:
            return None
        for text, flags in found.items():
            late.setdefault(text, []).append(flags)
        done += CHUNK
        shares = {text: Share.of(np.concatenate(flags)) for text, flags in late.items() if flags}
        if all(
            budget.is_known(shares[each.text], each) for each in twin.objectives if each.percentile
        ):
            break
    return LongRun(load, {text: share for text, share in shares.items() if share.messages})


def predicted_capacity(
    twin: CaseTwin, start: float, cpu_s: float = PREDICTION_CPU_S, *, is_whole: bool = False
) -> float | None:
    """Return the greatest load at which the objectives hold in ``twin``; None if it is not known.

    The search begins at the load ``start``. It takes about ``cpu_s``; after twice that it ends as
    soon as its bounds are `CLOSE`. ``is_whole``: the load is a number of users.

    Raises:
        NoTwinError: the model or its clients have no twin.
    """
    begun_s = time.process_time()
    low, high = _bracket(twin, start)
    if low is None or high is None:
        return None
    messages = min(max(int(cpu_s / HALVINGS * CHUNK / 0.4), COARSE), FINE)
    for _ in range(HALVINGS):
        is_late = time.process_time() - begun_s > 2 * cpu_s
        if (is_whole and high - low <= 1) or (is_late and high <= CLOSE * low):
            break
        middle = math.sqrt(low * high)
        middle = float(min(max(round(middle), low + 1), high - 1)) if is_whole else middle
        if twin.holds(middle, messages):
            low = middle
        else:
            high = middle
    return low if is_whole else math.sqrt(low * high)


def _bracket(twin: CaseTwin, start: float) -> tuple[float | None, float | None]:
    """Return a load that holds and one, twice as large, that does not; None for one not found."""
    load = start
    low: float | None = None
    high: float | None = None
    for _ in range(DOUBLINGS):
        if not LEAST_PER_S <= twin.per_s(load) <= MOST_PER_S:
            break
        if twin.holds(load, COARSE):
            low = load
            if high is not None:
                break
            load *= 2
        else:
            high = load
            if low is not None:
                break
            load /= 2
    return low, high


def settling_s(service_s: float, per_s: float, workers: int | None) -> float:
    """Return how long a queue takes to settle, in seconds, from `LEAST_SETTLING_S` on.

    ``service_s`` is the mean time of a service, ``per_s`` the arrivals of a queue with this many
    ``workers``; None if it has no bound, as in a loop that sleeps beside its messages. The time is
    `RELAXATIONS` of 1 / (mu (√c - √a)²), the relaxation time of M/M/c (Odoni and Roth 1983, "An
    Empirical Investigation of the Transient Behavior of Stationary Queueing Systems").
    """
    if workers is None:
        settled_s = RELAXATIONS * service_s
    else:
        offered = min(per_s * service_s, FULL * workers)
        settled_s = RELAXATIONS * service_s / (math.sqrt(workers) - math.sqrt(offered)) ** 2
    return min(max(settled_s, LEAST_SETTLING_S), MOST_SETTLING_S)
