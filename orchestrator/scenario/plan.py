"""The plan of a scenario: its cases and their runs, in order. Nothing is started."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from labkit.workload.load_order import POLITE, GroupOrder
from orchestrator.measures.percentiles import Percentiles
from orchestrator.scenario.clients import Group, seconds
from orchestrator.scenario.matrix import AxisValue, CaseSettings, case_name
from orchestrator.scenario.models import read_models
from orchestrator.scenario.scenario import INTERLEAVED, Scenario
from orchestrator.scenario.server import SERVER_DEFAULTS, ServerSettings
from orchestrator.scenario.versions import is_free_threaded

MAX_SLUG_CHARS = 100
_PLAIN_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._,=-]{{0,{MAX_SLUG_CHARS - 1}}}")


@dataclass(frozen=True)
class Case:
    """One model at one load point.

    ``axes`` are the matrix values of this point in the order of the file, which ``settings``
    include. ``seed`` is that of the repeat, so that all cases draw the same random numbers in it.
    ``percentiles`` are those that the scenario names, which are measured besides the usual ones;
    ``warmup_s`` is when measuring begins.
    """

    model: str
    axes: Mapping[str, AxisValue]
    settings: CaseSettings
    seed: int
    percentiles: Percentiles = field(default_factory=dict)
    warmup_s: float = 0.0

    @property
    def server(self) -> ServerSettings:
        """The settings of the server."""
        return self.settings.server

    @property
    def workers(self) -> int:
        """The most workers that the model may have: ``workers``, or its own setting for that."""
        known = read_models().get(self.model)
        if known is None or known.workers not in known.settings:
            return self.server.workers or SERVER_DEFAULTS.workers
        chosen = getattr(self.server, known.workers)
        return int(known.settings[known.workers].default if chosen is None else chosen)

    @property
    def interpreter(self) -> str | None:
        """The Python that runs the server, None for the lab's default."""
        return self.settings.runtime.interpreter

    @property
    def has_interpreter_lock(self) -> bool:
        """Whether only one thread of a process of the server computes at a time."""
        return not is_free_threaded(self.interpreter)

    def with_server(self, server: ServerSettings) -> "Case":
        """Return the same case with these settings of the server."""
        return replace(self, settings=replace(self.settings, server=server))

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups of clients."""
        return self.settings.groups

    @property
    def name(self) -> str:
        """The name for people: ``prefork``, ``prefork,workers=2,users=7``."""
        return case_name(self.model, self.axes)

    @property
    def slug(self) -> str:
        """The name of the case's folder, unique in its plan.

        It ends in a digest if the name is too long or has characters that a folder may not have.
        """
        slug = re.sub(r"[^A-Za-z0-9._-]", "-", self.name.replace(",", "_"))
        if _PLAIN_NAME.fullmatch(self.name):
            return slug
        digest = hashlib.sha256(self.name.encode(errors="surrogatepass")).hexdigest()[:8]
        return f"{slug[: MAX_SLUG_CHARS - len(digest) - 1]}-{digest}".lstrip("._-")

    @property
    def placed_on(self) -> tuple[str, ...]:
        """The name of the host on which each replica runs, in the order of the groups, or empty."""
        return tuple(group.placed_on for group in self.groups for _ in range(group.replicas))

    @property
    def orders(self) -> tuple[GroupOrder, ...]:
        """The order that the replicas of each group receive."""
        return tuple(group.order(self.server.max_service_time_s) for group in self.groups)

    def planned(self) -> dict[str, int | None]:
        """Return the number of messages that each group will send, None if the run decides it."""
        return {order.name: order.planned(self.seed) for order in self.orders}

    def open_groups(self) -> frozenset[str]:
        """Return the names of the groups that are open loops."""
        return frozenset(group.name for group in self.groups if group.is_open)

    def waiting(self) -> frozenset[str]:
        """Return the names of the groups whose clients wait for each ack before they send again."""
        return frozenset(order.name for order in self.orders if order.behaviour == POLITE)

    def loads(self) -> dict[str, tuple[float, float | None]]:
        """Return when the load of each group begins and ends, in seconds from the start.

        The end is None for a group that ends with a number of messages.
        """
        return {
            group.name: (
                group.start_s,
                None if getattr(group, "messages", None) is not None else group.end_s,
            )
            for group in self.groups
        }

    def deadlines(self) -> dict[str, float]:
        """Return the deadlines of the groups that have one, in seconds."""
        known = {group.name: seconds(group.deadline) for group in self.groups}
        return {name: each for name, each in known.items() if each is not None}

    def inputs(self) -> dict[str, float]:
        """Return the measures that are configured, by name, in base units.

        If the scenario sets none, they are the documented defaults of the server; a run replaces
        them by what its server reports. A measure in which groups differ has no value.
        """
        server = self.server
        known: dict[str, float | None] = {
            "users": sum(group.peak_users for group in self.groups) or None,
            "replicas": sum(group.replicas for group in self.groups),
            "messages": _common(self.groups, lambda group: getattr(group, "messages", None)),
            "arrival_rate": self._arrival_rate_per_s(),
            "offered_load": self._offered_load(),
            "duration": self._duration_s(),
            "connections": sum(order.connections for order in self.orders) or None,
            "workers": self.workers,
            "backlog": server.backlog or SERVER_DEFAULTS.backlog,
            "cpus": self.settings.limits.most_cpus,
            "memory_limit": self.settings.limits.memory_bytes,
            "service_time": _common(self.groups, self._service_time_s),
            "think_time": _common(self.groups, lambda group: group.think_time_s),
        }
        return {name: value for name, value in known.items() if value is not None}

    def _service_time_s(self, group: Group) -> float:
        demand_s = group.demand_s(self.server.max_service_time_s)
        return self.server.service_time_s if demand_s is None else demand_s

    def _arrival_rate_per_s(self) -> float | None:
        """Return the mean rate of all arrivals, from the start of the first group to the end."""
        groups = [group for group in self.groups if group.is_open]
        if not groups:
            return None
        begin_s = min(group.start_s for group in groups)
        end_s = max(group.end_s or 0.0 for group in groups)
        return sum(group.profile.area for group in groups) / (end_s - begin_s)

    def _offered_load(self) -> float | None:
        """Return arrival rate times service time, in erlangs."""
        rate_per_s = self._arrival_rate_per_s()
        service_s = _common([g for g in self.groups if g.is_open], self._service_time_s)
        return None if rate_per_s is None or service_s is None else rate_per_s * service_s

    def _duration_s(self) -> float | None:
        """Return the time of the last group's end, None if a group ends with its last message."""
        ends_s = [group.end_s for group in self.groups]
        known = [end_s for end_s in ends_s if end_s is not None]
        return max(known) if len(known) == len(ends_s) else None


@dataclass(frozen=True)
class Run:
    """One repeat of a case: ``repeat`` of ``repeats``, from 1.

    ``attempt`` is above 1 if the host disturbed the run and it takes place again.
    """

    case: Case
    repeat: int
    repeats: int
    attempt: int = 1

    @property
    def name(self) -> str:
        """The name for people: ``prefork``, ``prefork (2 of 5)``."""
        of_all = f" ({self.repeat} of {self.repeats})" if self.repeats > 1 else ""
        again = f", retry {self.attempt - 1}" if self.attempt > 1 else ""
        return f"{self.case.name}{of_all}{again}"

    @property
    def slug(self) -> str:
        """The folder under ``raw/``: that of the case, or one inside it if there are repeats.

        That of a retry ends in ``+`` and its number, which no case's name has.
        """
        own = f"{self.case.slug}/{self.repeat}" if self.repeats > 1 else self.case.slug
        return f"{own}+{self.attempt - 1}" if self.attempt > 1 else own


def schedule(scenario: Scenario, repeats_per_draw: int = 1) -> list[Run]:
    """Return all runs in the order in which they take place.

    If they are interleaved, each round runs every case once, and every second round in reverse
    order, so that a drift of the host (heat, other load) affects all cases alike. If draws vary,
    all cases of a round have the same seed, and each round, or ``repeats_per_draw`` rounds
    in succession, another.
    """
    cases, repeats, varies = plan_cases(scenario), scenario.repeats, scenario.draws_vary

    def run(case: Case, number: int) -> Run:
        seed = (
            seed_of_repeat(case.seed, 1 + (number - 1) // repeats_per_draw) if varies else case.seed
        )
        return Run(replace(case, seed=seed), number, repeats)

    if scenario.order != INTERLEAVED:
        return [run(case, n) for case in cases for n in range(1, repeats + 1)]
    return [
        run(case, n)
        for n in range(1, repeats + 1)
        for case in (cases if n % 2 else reversed(cases))
    ]


def seed_of_repeat(seed: int, repeat: int) -> int:
    """Return the seed of a repeat: of the first the scenario's own, then a hash of both numbers.

    Not their sum: two scenarios with neighbouring seeds would share nearly all draws.
    """
    if repeat == 1:
        return seed
    digest = hashlib.blake2b(f"{seed}/repeat {repeat}".encode(), digest_size=4).digest()
    return int.from_bytes(digest)


def plan_cases(scenario: Scenario) -> list[Case]:
    """Return all cases: at each matrix point, in the order of the file, each model.

    A model has one case for all points that differ only in axes that it ignores. Think times that
    are to be tuned have the means of the scenario, if it has them.
    """
    percentiles = scenario.percentiles
    return [
        Case(
            model,
            axes,
            scenario.settings.at(axes)
            .of(model)
            .with_think_times(scenario.tuned.get(case_name(model, axes), {})),
            scenario.seed,
            percentiles,
            scenario.warmup_s,
        )
        for model, axes in scenario.cases
    ]


def tuned_think_times(scenario: Scenario, case: Case) -> Iterator[str]:
    """Yield each think time of ``case`` that was found, and what it was found for."""
    written = scenario.settings.at(dict(case.axes)).groups
    for group, before in zip(case.groups, written, strict=True):
        wanted, found = (getattr(each, "think_time", "") for each in (before, group))
        if found != wanted:
            yield f"think_time of {group.name} is {found}: {wanted}, as the twin found"


def _common(groups: Sequence[Group], value_of: Callable[[Group], float | None]) -> float | None:
    """Return the value that all groups have, None if they differ."""
    values = {value_of(group) for group in groups}
    return values.pop() if len(values) == 1 else None
