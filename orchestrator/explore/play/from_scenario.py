"""The controls of a scenario, if Play has controls for all that decides who waits for whom."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from labkit.protocol.parsing import parse_duration_s
from labkit.workload.distributions import Demands, Law
from labkit.workload.load_order import POLITE
from orchestrator.explore.play.controls import (
    CONSTANT,
    EXPONENTIAL,
    HIGHER,
    MAX_MODELS,
    RATE,
    USERS,
    Controls,
    ControlsError,
)
from orchestrator.explore.play.to_scenario import HIGHER_SCV, LEAD_MS, LONG, SILENT
from orchestrator.measures.hints import listed
from orchestrator.scenario.clients import ClosedGroup, Group, OpenGroup
from orchestrator.scenario.fields import parse_rate_per_s
from orchestrator.scenario.matrix import CaseSettings, points
from orchestrator.scenario.models import discover_models
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.server import SERVER_DEFAULTS, ServerSettings

UNUSED_SERVER_KEYS = ("max_message_bytes", "max_service_time", "drain_timeout")
SERVER_KEYS = ("workers", "backlog", "work", "service_time", *UNUSED_SERVER_KEYS)
GROUP_KEYS = ("executor", "name", "replicas", "demand", "start", "deadline")
CLOSED_KEYS = (*GROUP_KEYS, "users", "messages", "think_time", "behaviour")
OPEN_KEYS = (*GROUP_KEYS, "rate", "duration", "connections", "arrivals")
ROUNDING = 1e-6
"""Above the errors of arithmetic."""


@dataclass(frozen=True)
class Fit:
    """The controls of a scenario; ``remarks`` say what of it they leave out."""

    controls: Controls
    remarks: tuple[str, ...] = ()


def controls_of(scenario: Scenario) -> Fit:
    """Return the controls of ``scenario``, at the first point of its matrix.

    Raises:
        ControlsError: it has what no control can be set to; with every such part.
    """
    settings = scenario.settings.at(next(iter(points(scenario.matrix))))
    server = settings.server
    problems = [*_of_all(scenario, settings), *_of_server(server)]
    found: dict[str, Any] = {"models": list(scenario.models[:MAX_MODELS])}
    try:
        found |= _numbers_of_server(server)
        found |= _of_groups(settings.groups, server)
    except ControlsError as error:
        problems += error.problems
    if problems:
        raise ControlsError(problems)
    return Fit(Controls.parse(found, discover_models()), tuple(_remarks(scenario)))


def _numbers_of_server(server: ServerSettings) -> dict[str, int]:
    return {
        "workers": server.workers or SERVER_DEFAULTS.workers,
        "backlog": server.backlog or SERVER_DEFAULTS.backlog,
    }


def _of_all(scenario: Scenario, settings: CaseSettings) -> Iterator[str]:
    if scenario.target is not None:
        yield "target: Play shows models of the lab only"
    if scenario.faults:
        yield "faults: Play has none"
    if settings.runtime.interpreter is not None:
        yield "interpreter: Play has the lab's own only"
    if any(value is not None for value in settings.limits.model_dump().values()):
        yield "limits: Play has none"


def _of_server(server: ServerSettings) -> Iterator[str]:
    others = [key for key in server.model_dump(exclude_none=True) if key not in SERVER_KEYS]
    if others:
        yield f"server: no control for {listed(others)}; allowed: workers, backlog"


def _remarks(scenario: Scenario) -> Iterator[str]:
    if scenario.models[MAX_MODELS:]:
        others = listed(scenario.models[MAX_MODELS:])
        yield f"two models can be shown side by side, so {others} is left out"
    if scenario.matrix:
        yield "the matrix is left out: the controls have its first point"


def _of_groups(groups: tuple[Group, ...], server: ServerSettings) -> dict[str, Any]:
    """Return what the groups set.

    Raises:
        ControlsError: they are not one group, and before it at most a long message and a silent
            client.
    """
    found: dict[str, Any] = {}
    long: dict[str, Any] = {}
    others = []
    for group in groups:
        if _is_silent(group) and "silent_ms" not in found:
            found["silent_ms"] = _whole_ms("duration", getattr(group, "duration", None) or "0s")
        elif _is_long(group) and "long_ms" not in found and len(groups) > 1:
            long = _parse_demand(group, server)
            found["long_ms"] = long["service_ms"]
        else:
            others.append(group)
    if len(others) != 1:
        names = listed(group.name for group in others) or "none"
        raise ControlsError([
            f"clients: besides one user of a group {SILENT!r} and one message of a group "
            f"{LONG!r}, Play has one group; here: {names}"
        ])  # fmt: skip
    (main,) = others
    if len(groups) == 1 and main.start_s:
        raise ControlsError([f"clients: {main.name} starts at {main.start}; Play has no start"])
    if len(groups) > 1 and not 0 < main.start_s <= 4 * LEAD_MS / 1e3:
        raise ControlsError([
            f"clients: {main.name} must start after the others, by {LEAD_MS}ms; "
            f"here: {main.start}"
        ])  # fmt: skip
    own = _of_main(main, server)
    if "long_ms" in found and (long["work"], long["variability"]) != (own["work"], CONSTANT):
        raise ControlsError([f"clients: in Play, {LONG} has a constant demand of {own['work']}"])
    return found | own


def _is_silent(group: Group) -> bool:
    return getattr(group, "behaviour", "") == "silent" and group.peak_users == 1


def _is_long(group: Group) -> bool:
    return group.name == LONG and group.peak_users == 1 and getattr(group, "messages", 0) == 1


def _of_main(group: Group, server: ServerSettings) -> dict[str, Any]:
    demand = _parse_demand(group, server)
    if isinstance(group, OpenGroup):
        _refuse_others(group, OPEN_KEYS)
        if group.connections != "each":
            raise ControlsError([f"clients: {group.name} has a pool; Play: connections: each"])
        rate_per_s = parse_rate_per_s(group.rate)
        seconds = parse_duration_s(group.duration)
        return {
            **demand,
            "load": RATE,
            "rate_per_s": _whole(f"rate of {group.name}", rate_per_s),
            "seconds": _whole(f"duration of {group.name} in s", seconds),
            "arrivals": group.arrivals,
        }
    if not isinstance(group, ClosedGroup) or group.messages is None:
        raise ControlsError([f"clients: {group.name} has no number of messages; Play needs one"])
    _refuse_others(group, CLOSED_KEYS)
    if group.behaviour != POLITE:
        raise ControlsError([f"clients: {group.name} is {group.behaviour}; Play: {POLITE}"])
    return {
        **demand,
        "load": USERS,
        "users": group.users,
        "messages": group.messages,
        "think_ms": _whole_ms(f"think_time of {group.name}", group.think_time),
    }


def _refuse_others(group: Group, keys: tuple[str, ...]) -> None:
    others = [key for key in group.model_dump(exclude_none=True) if key not in keys]
    if others:
        raise ControlsError([f"clients: no control for {listed(others)} of {group.name}"])


def _parse_demand(group: Group, server: ServerSettings) -> dict[str, Any]:
    usual = f"{server.work or SERVER_DEFAULTS.work}={server.service_time_s:.9g}s"
    turns = Demands.parse(group.demand or usual).parts
    part = turns[0][0]
    variability = _variability(part.law)
    if variability is None or len(turns) > 1 or len(turns[0]) > 1:
        raise ControlsError([
            f"clients: demand {group.demand} of {group.name}; Play has sleep or cpu of one "
            f"duration, exponential, or hyperexponential with scv={HIGHER_SCV}"
        ])  # fmt: skip
    return {
        "work": part.kind,
        "variability": variability,
        "service_ms": _whole(f"mean demand of {group.name} in ms", part.law.mean_s() * 1e3),
    }


def _variability(law: Law) -> str | None:
    """Return how variable the durations of ``law`` are, None if no control says so."""
    mean_s = law.mean_s()
    if law.constant_s is not None:
        return CONSTANT
    if law.is_exponential and mean_s:
        scv = law.mean_square_s2() / mean_s**2 - 1
        of_controls = {1: EXPONENTIAL, HIGHER_SCV: HIGHER}
        return next(
            (name for each, name in of_controls.items() if abs(scv - each) < ROUNDING), None
        )
    return None


def _whole_ms(what: str, written: str) -> int:
    try:
        return _whole(f"{what} in ms", parse_duration_s(written) * 1e3)
    except ValueError as error:
        if isinstance(error, ControlsError):
            raise
        raise ControlsError([f"clients: {what} is {written}; Play has constant ones"]) from None


def _whole(what: str, value: float) -> int:
    if abs(value - round(value)) > ROUNDING:
        raise ControlsError([f"clients: {what} is {value:g}; Play has whole numbers"])
    return round(value)
