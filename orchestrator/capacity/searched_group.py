"""The group of clients whose load is searched, and cases with another load of that group.

Pure. A case of a trial differs from that of the scenario in its load only: in how much of it there
is, how long it lasts, and that arrivals are random unless the scenario says that they are not.
"""

from dataclasses import dataclass, replace

from orchestrator.capacity.figures import load_text
from orchestrator.measures.hints import listed
from orchestrator.measures.percentiles import Percentiles
from orchestrator.results.capacity import LoadKind
from orchestrator.results.exit_codes import MisuseError
from orchestrator.scenario.clients import POISSON, ClosedGroup, Group, OpenGroup, RampGroup
from orchestrator.scenario.fields import parse_rate_per_s
from orchestrator.scenario.matrix import axes_over, points
from orchestrator.scenario.plan import Case
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.tuned import tuned_share

KEYS = {LoadKind.RATE: "rate", LoadKind.USERS: "users"}


@dataclass(frozen=True)
class TrialLoad:
    """The load of one trial: its level, how long it lasts in all, and what of it is warm-up."""

    load: float
    duration_s: float
    warmup_s: float
    seed: int


@dataclass(frozen=True)
class SearchedGroup:
    """The group of that index and name; ``kind`` is what its load is measured in."""

    index: int
    name: str
    kind: LoadKind

    @property
    def has_rate(self) -> bool:
        """Whether the load is a rate of arrivals."""
        return self.kind is LoadKind.RATE

    def of(self, case: Case) -> Group:
        """Return the group in ``case``."""
        return case.groups[self.index]

    def offered(self, case: Case) -> float:
        """Return the load that the scenario itself has in ``case``."""
        group = self.of(case)
        if isinstance(group, OpenGroup):
            return parse_rate_per_s(group.rate)
        return float(group.peak_users)

    def is_constant(self, case: Case) -> bool:
        """Whether the scenario asks for arrivals at constant intervals, so that none are drawn."""
        group = self.of(case)
        is_written = "arrivals" in group.model_fields_set
        return isinstance(group, OpenGroup) and is_written and group.arrivals != POISSON

    def at(self, case: Case, trial: TrialLoad, percentiles: Percentiles) -> Case:
        """Return ``case`` under the load of ``trial``; ``percentiles`` are measured besides."""
        groups = [_lasting(group, trial.duration_s) for group in case.groups]
        groups[self.index] = self._loaded(groups[self.index], trial.load)
        return replace(
            case,
            settings=replace(case.settings, groups=tuple(groups)),
            seed=trial.seed,
            percentiles={
                each: (*case.percentiles.get(each, ()), *percentiles.get(each, ()))
                for each in {**case.percentiles, **percentiles}
            },
            warmup_s=trial.warmup_s,
        )

    def _loaded(self, group: Group, load: float) -> Group:
        if isinstance(group, OpenGroup):
            is_written = "arrivals" in group.model_fields_set
            arrivals = group.arrivals if is_written else POISSON
            return group.model_copy(update={"rate": f"{plain(load)}/s", "arrivals": arrivals})
        users = max(round(load), 1)
        replicas = min(group.replicas, users)
        return group.model_copy(update={"users": users, "replicas": replicas})

    def throughput_per_s(self, case: Case, load: float, workers: int | None) -> float:
        """Return about how many messages of the group are due per second at ``load``.

        Users can send no faster than ``workers`` serve, if each serves one message at a time.
        """
        if self.has_rate:
            return load
        group, service_s = self.of(case), service_time_s(self, case)
        sent_per_s = load / max(service_s + (group.think_time_s or 0.0), 1e-3)
        most_per_s = workers / service_s if service_s and workers else sent_per_s
        return min(sent_per_s, most_per_s)

    def guess(self, case: Case, workers: int | None) -> float:
        """Return a first load for a case without a twin: what keeps all workers busy.

        A loop has no such bound; for it, and without a demand, it is the load of the scenario.
        ``workers`` serve one message at a time each; None if there are none such.
        """
        service_s = service_time_s(self, case)
        if not service_s or not workers:
            return self.offered(case)
        rate_per_s = workers / service_s
        think_s = self.of(case).think_time_s or 0.0
        return rate_per_s if self.has_rate else max(rate_per_s * (service_s + think_s), 1.0)

    def text(self, load: float) -> str:
        """Return ``load`` for people: ``200/s``, ``40 users``."""
        return load_text(load, self.kind)

    def slug(self, load: float) -> str:
        """Return ``load`` as part of a folder's name: ``200-per-s``, ``40-users``."""
        return f"{load:.5g}-per-s" if self.has_rate else f"{load:.0f}-users"


def find_searched(scenario: Scenario) -> SearchedGroup:
    """Return the only group, or the only open one, whose load can be searched.

    Raises:
        MisuseError: there is none, or the load of the scenario changes while it runs.
    """
    groups = scenario.clients
    ramps = [group.name for group in groups if isinstance(group, RampGroup)]
    if ramps:
        raise MisuseError(
            f"capacity: the load of {listed(ramps)} is a ramp; a search chooses the load itself, "
            "so write executor: open with a rate, or closed with users"
        )
    if scenario.faults:
        raise MisuseError("capacity: the scenario has faults; a capacity is that without any")
    _refuse_tuned(scenario)
    found = [each for each in enumerate(groups) if len(groups) == 1 or each[1].is_open]
    if len(found) != 1:
        names, verb = listed(group.name for group in groups), "are" if found else "is"
        raise MisuseError(
            f"capacity: {len(found) or 'none'} of the groups {names} {verb} open; of "
            "several groups exactly one may be, whose rate is searched, and the others keep their "
            "load"
        )
    ((index, group),) = found
    kind = LoadKind.RATE if isinstance(group, OpenGroup) else LoadKind.USERS
    searched = SearchedGroup(index, group.name, kind)
    _refuse_axis(scenario, searched)
    return searched


def _refuse_tuned(scenario: Scenario) -> None:
    """Refuse a think time that is tuned for the load of the scenario, which a search changes."""
    for point in points(scenario.matrix):
        for group in scenario.settings.at(point).groups:
            if tuned_share(getattr(group, "think_time", "")) is not None:
                raise MisuseError(
                    f"capacity: the think_time of {group.name} is tuned for one load, and a search "
                    "tries many; write it (orchestrate.py plan prints what the twin finds)"
                )


def _refuse_axis(scenario: Scenario, searched: SearchedGroup) -> None:
    """Refuse a matrix over the load itself."""
    axes = axes_over(scenario.clients)
    for name in points(scenario.matrix)[0]:
        if (axes[name].group, axes[name].key) == (searched.index, KEYS[searched.kind]):
            raise MisuseError(
                f"capacity: {name} is an axis of the matrix, and it is what is searched; remove it "
                "from the matrix"
            )


def service_time_s(searched: SearchedGroup, case: Case) -> float:
    """Return the mean demand of a message of the searched group, in seconds."""
    demand_s = searched.of(case).demand_s(case.server.max_service_time_s)
    return case.server.service_time_s if demand_s is None else demand_s


def _lasting(group: Group, duration_s: float) -> Group:
    """Return ``group`` with a load from the start on for ``duration_s``."""
    update: dict[str, object] = {"duration": f"{plain(duration_s)}s", "start": "0s"}
    if isinstance(group, ClosedGroup):
        update["messages"] = None
    return group.model_copy(update=update)


def plain(number: float) -> str:
    """Return ``number`` without an exponent, as scenarios have it."""
    return f"{number:.6f}".rstrip("0").rstrip(".")
