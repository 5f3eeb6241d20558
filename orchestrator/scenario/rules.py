"""What no case may be, though each of its parts is allowed: rules over server, groups and time."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from labkit.workload.distributions import DemandsError
from orchestrator.scenario.clients import PACED, PIPELINE, ClosedGroup, Group
from orchestrator.scenario.fields import Scale
from orchestrator.scenario.server import ServerSettings

MAX_REPLICAS = 200


class Breach(NamedTuple):
    """A rule that is broken: at which ``key``, of a group by its index, of the server if None."""

    group: int | None
    key: str
    message: str


def breaches(
    server: ServerSettings, groups: Sequence[Group], timeout_s: float, scale: Scale
) -> Iterator[Breach]:
    """Yield what is wrong with a case of that scale."""
    yield from _of_server(server)
    for index, group in enumerate(groups):
        for key, message in (
            *_of_size(group, scale),
            *_of_demand(group, server.max_service_time_s),
            *_of_time(group, timeout_s),
            *_of_behaviour(group),
        ):
            yield Breach(index, key, message)
    yield from _of_all(groups, scale)


def _of_server(server: ServerSettings) -> Iterator[Breach]:
    limit_s = server.max_service_time_s
    if server.service_time_s > limit_s:
        asked = f"{server.service_time_s:g}s of service"
        message = f"{asked}; the server's max_service_time allows {limit_s:g}s"
        yield Breach(None, "service_time", message)


def _of_size(group: Group, scale: Scale) -> Iterator[tuple[str, str]]:
    pool = getattr(group, "connections", None)
    holders = pool if group.is_open else group.peak_users
    if isinstance(holders, int) and group.replicas > holders:
        one, many = ("connection", "connections") if group.is_open else ("user", "users")
        message = f"{group.replicas} replicas for {holders} {many}; allowed: a {one} or more each"
        yield "replicas", message
    if group.is_open and group.profile.area > scale.arrivals:
        message = f"{group.profile.area:.0f} arrivals a case; allowed: at most {scale.arrivals}"
        yield "stages" if group.executor == "ramp" else "rate", f"{message} (rate x duration)"
    if group.is_open and pool is None:
        yield "stages", "a rate needs connections: each, or the size of a pool"
    if isinstance(group, ClosedGroup):
        if group.messages is None and group.duration is None:
            yield "users", "nothing says when they are done; write messages, duration or both"
        total = group.users * (group.messages or 0)
        if total > scale.messages:
            message = f"{total} messages a case; allowed: at most {scale.messages}"
            yield "messages", f"{message} (users x messages)"


def _of_demand(group: Group, limit_s: float) -> Iterator[tuple[str, str]]:
    """Yield a constant demand above the limit; one by chance is cut to it."""
    try:
        group.demand_s(limit_s)
    except DemandsError as error:
        yield "demand", f"{error}; see max_service_time"


def _of_time(group: Group, timeout_s: float) -> Iterator[tuple[str, str]]:
    end_s = group.start_s if group.end_s is None else group.end_s
    if end_s >= timeout_s:
        key = next(key for key in ("duration", "stages", "start") if key in group.model_fields_set)
        message = f"the load goes on until {end_s:g}s and timeout ends it at {timeout_s:g}s"
        yield key, f"{message}; write a longer timeout"


def _of_behaviour(group: Group) -> Iterator[tuple[str, str]]:
    if not isinstance(group, ClosedGroup):
        return
    behaviour = group.behaviour
    if behaviour == PIPELINE and group.pipeline is None:
        yield "behaviour", "pipeline needs how many messages are in flight; write e.g. pipeline: 8"
    if behaviour == "silent" and group.duration is None:
        yield "behaviour", "who is silent never ends; write a duration"
    if group.pipeline is not None and behaviour != PIPELINE:
        yield "pipeline", f"this goes with behaviour: {PIPELINE} only"
    if group.pace is not None and behaviour not in PACED:
        yield "pace", f"this goes with the behaviours {', '.join(PACED)} only"


def _of_all(groups: Sequence[Group], scale: Scale) -> Iterator[Breach]:
    """Yield what is too much in all; what is too much in one group was said of it."""
    last = len(groups) - 1
    users = sum(group.peak_users for group in groups)
    if users > scale.users:
        key = "stages" if groups[last].executor == "ramp" else "users"
        yield Breach(last, key, f"{users} users in all groups; allowed: at most {scale.users}")
    replicas = sum(group.replicas for group in groups)
    if replicas > MAX_REPLICAS:
        message = f"{replicas} replicas in all groups; allowed: at most {MAX_REPLICAS}"
        yield Breach(last, "replicas", message)
