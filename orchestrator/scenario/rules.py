"""Rules for a whole case, over server, groups and timeout, when each value by itself is allowed."""

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from labkit.wire.samples import request_id
from labkit.workload.distributions import Demands, DemandsError
from orchestrator.measures.sentences import counted
from orchestrator.scenario.clients import PACED, PIPELINE, ClosedGroup, Group
from orchestrator.scenario.fields import MaxLoad
from orchestrator.scenario.server import SERVER_DEFAULTS, ServerSettings
from orchestrator.scenario.tuned import tuned_share

MAX_REPLICAS = 1000
OTHER_MESSAGES = ("silent", "garbage", "oversize")
"""The behaviours whose messages carry no demand."""


class Violation(NamedTuple):
    """A broken rule: the index of the group, None for the server; the key; the message."""

    group: int | None
    key: str
    message: str


def violations(
    server: ServerSettings, groups: Sequence[Group], timeout_s: float, max_load: MaxLoad
) -> Iterator[Violation]:
    """Yield the rules that a case breaks."""
    yield from _of_server(server)
    for index, group in enumerate(groups):
        for key, message in (
            *_of_size(group, max_load),
            *_of_demand(group, server.max_service_time_s),
            *_of_length(group, server.max_message_bytes or SERVER_DEFAULTS.max_message_bytes),
            *_of_time(group, timeout_s),
            *_of_behaviour(group),
            *_of_retries(group),
        ):
            yield Violation(index, key, message)
    yield from _of_all_groups(groups, max_load)


def _of_server(server: ServerSettings) -> Iterator[Violation]:
    limit_s = server.max_service_time_s
    if server.service_time_s > limit_s:
        message = f"{server.service_time_s:g}s is more than max_service_time, {limit_s:g}s"
        yield Violation(None, "service_time", message)


def _of_size(group: Group, max_load: MaxLoad) -> Iterator[tuple[str, str]]:
    pool = getattr(group, "connections", None)
    shared = pool if group.is_open else group.peak_users
    if isinstance(shared, int) and group.replicas > shared:
        one = "connection" if group.is_open else "user"
        message = f"{group.replicas} replicas for {counted(shared, f'{one}s')}"
        yield "replicas", f"{message}; each replica needs at least one {one}"
    if group.is_open and group.profile.area > max_load.arrivals:
        message = f"{group.profile.area:.0f} arrivals in a case (rate x duration)"
        key = "stages" if group.executor == "ramp" else "rate"
        yield key, f"{message}; allowed: at most {max_load.arrivals}"
    if group.is_open and pool is None:
        yield "stages", "a rate needs connections: each, or the size of a pool"
    if isinstance(group, ClosedGroup):
        if group.messages is None and group.duration is None:
            yield "users", "the load has no end; write messages, duration or both"
        total = group.users * (group.messages or 0)
        if total > max_load.messages:
            message = f"{total} messages in a case (users x messages)"
            yield "messages", f"{message}; allowed: at most {max_load.messages}"


def _of_demand(group: Group, limit_s: float) -> Iterator[tuple[str, str]]:
    """Yield a constant demand above the limit; a random one is cut off at the limit instead."""
    try:
        group.demand_s(limit_s)
    except DemandsError as error:
        yield "demand", f"{error}; see max_service_time"


def _of_length(group: Group, limit: int) -> Iterator[tuple[str, str]]:
    """Yield a demand with which even the shortest message is longer than the server allows."""
    if group.demand is None or getattr(group, "behaviour", "") in OTHER_MESSAGES:
        return
    length = len(request_id(0, 0, 0)) + Demands.parse(group.demand).least_bytes
    if length > limit:
        message = f"a message with this demand has at least {length} bytes"
        yield "demand", f"{message}; allowed: at most {limit}, see max_message_bytes"


def _of_time(group: Group, timeout_s: float) -> Iterator[tuple[str, str]]:
    end_s = group.start_s if group.end_s is None else group.end_s
    if end_s >= timeout_s:
        key = next(key for key in ("duration", "stages", "start") if key in group.model_fields_set)
        message = f"the load lasts until {end_s:g}s, but timeout ends it at {timeout_s:g}s"
        yield key, f"{message}; write a longer timeout"


def _of_behaviour(group: Group) -> Iterator[tuple[str, str]]:
    if not isinstance(group, ClosedGroup):
        return
    behaviour = group.behaviour
    if behaviour == PIPELINE and group.pipeline is None:
        yield "behaviour", "the number of messages in flight is missing; write e.g. pipeline: 8"
    if behaviour == "silent" and group.duration is None:
        yield "behaviour", "a silent client never finishes; write a duration"
    if group.pipeline is not None and behaviour != PIPELINE:
        yield "pipeline", f"allowed with behaviour: {PIPELINE} only"
    if group.pace is not None and behaviour not in PACED:
        yield "pace", f"allowed with the behaviours {', '.join(PACED)} only"


def _of_retries(group: Group) -> Iterator[tuple[str, str]]:
    if getattr(group, "retry", None) is None:
        return
    if not group.is_open:
        yield "retry", "only arrivals are sent again; write stages with a rate"
    elif group.answer_timeout is None:
        yield "retry", "a message is sent again when it times out; write an answer_timeout"


def _of_all_groups(groups: Sequence[Group], max_load: MaxLoad) -> Iterator[Violation]:
    """Yield the totals that are too large, at the last group."""
    last = len(groups) - 1
    users = sum(group.peak_users for group in groups)
    if users > max_load.users:
        key = "stages" if groups[last].executor == "ramp" else "users"
        message = f"{users} users in all groups; allowed: at most {max_load.users}"
        yield Violation(last, key, message)
    replicas = sum(group.replicas for group in groups)
    if replicas > MAX_REPLICAS:
        message = f"{replicas} replicas in all groups; allowed: at most {MAX_REPLICAS}"
        yield Violation(last, "replicas", message)
    yield from _of_tuned(groups)


def _of_tuned(groups: Sequence[Group]) -> Iterator[Violation]:
    """Yield the groups whose think time is tuned while that of another one is."""
    tuned = [
        (index, group)
        for index, group in enumerate(groups)
        if tuned_share(getattr(group, "think_time", "")) is not None
    ]
    for (_, earlier), (index, group) in itertools.combinations(tuned, 2):
        if group.overlaps(earlier):
            message = f"that of {earlier.name}, which runs at the same time, is tuned too"
            yield Violation(index, "think_time", f"{message}; write one of the two")
