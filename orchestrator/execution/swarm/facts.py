"""What an engine says of its host: version, swarm, CPUs, memory, images of the lab, wall clock."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.execution.docker.engine import engine_failures
from orchestrator.execution.docker.image_source import PROJECT
from orchestrator.execution.swarm.connection import HostEngine

CLOCK_READINGS = 5


@dataclass(frozen=True)
class WallClock:
    """How far an engine's wall clock is ahead of ours, in s, and the bound of the error.

    Whenever the engine read its clock, it was between question and answer, so the error is at most
    half of the time between them (Cristian 1989).
    """

    ahead_s: float
    error_s: float


@dataclass(frozen=True)
class Node:
    """A member of a swarm, as its manager sees it: ``ready`` and ``active`` if it can run tasks."""

    state: str
    availability: str


@dataclass(frozen=True)
class HostFacts:
    """What the engine of the host ``name`` says; ``images`` are ids by the tags of the lab.

    ``swarm_state`` is ``active`` for a member. ``members`` are the nodes by their ids; only a
    manager knows them, None for others.
    """

    name: str
    version: str
    cpus: int
    memory_bytes: int
    swarm_state: str
    node_id: str
    members: Mapping[str, Node] | None
    images: Mapping[str, str]
    clock: WallClock


def read_facts(host: HostEngine) -> HostFacts:
    """Ask the engine of ``host``.

    Raises:
        BackendError: it fails.
    """
    with engine_failures():
        info = host.client.info()
        swarm = info["Swarm"]
        return HostFacts(
            name=host.name,
            version=info["ServerVersion"],
            cpus=info["NCPU"],
            memory_bytes=info["MemTotal"],
            swarm_state=swarm["LocalNodeState"],
            node_id=swarm["NodeID"],
            members=_members(host) if swarm.get("ControlAvailable") else None,
            images=_images(host),
            clock=read_clock(host.client.info),
        )


def _members(host: HostEngine) -> dict[str, Node]:
    nodes = [node.attrs for node in host.client.nodes.list()]
    return {
        node["ID"]: Node(node["Status"]["State"], node["Spec"]["Availability"]) for node in nodes
    }


def _images(host: HostEngine) -> dict[str, str]:
    listed = host.client.api.images(filters={"reference": f"{PROJECT}/*"})
    return {tag: image["Id"] for image in listed for tag in image["RepoTags"] or ()}


def read_clock(
    info: Callable[[], Mapping[str, Any]], now_s: Callable[[], float] = time.time
) -> WallClock:
    """Compare an engine's wall clock, of its ``info``, with ours; the best of a few readings."""
    readings = []
    for _ in range(CLOCK_READINGS):
        asked_s = now_s()
        there_s = datetime.fromisoformat(info()["SystemTime"]).timestamp()
        answered_s = now_s()
        middle_s = (asked_s + answered_s) / 2
        readings.append(WallClock(there_s - middle_s, (answered_s - asked_s) / 2))
    return min(readings, key=lambda reading: reading.error_s)
