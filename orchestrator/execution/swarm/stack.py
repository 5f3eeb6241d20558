"""A case as a stack file: what Compose resolved, in the words that ``docker stack deploy`` knows.

Pure: data in, data out. Swarm knows fewer settings than Compose. What has another spelling is
translated, what cannot be had is in `Stack.dropped`, and what would change the measurement is
refused.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.wire.secret import SECRET
from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.engine import NUMBER_LABEL, PROJECT_LABEL, SERVICE_LABEL

VERSION = "3.9"
CLIENT = "client"
PLACED_ON = "LAB_PLACED_ON"
KEPT = (
    "image", "command", "entrypoint", "environment", "logging", "networks", "read_only", "cap_add",
    "cap_drop", "init", "sysctls", "ulimits", "stop_grace_period", "healthcheck", "user", "dns",
    "working_dir",
)  # fmt: skip
"""Keys of a service that mean the same in both."""

NEEDLESS = ("build", "profiles", "depends_on", "ports", "container_name", "extends", "labels")
"""Keys without a loss: images are there, clients retry, ports are reached through the engine."""

TRANSLATED = ("tmpfs", "deploy")
LATE = ("cpuset", "memswap_limit")
"""Keys that Swarm does not have, and that containers get when they run: see `late_limits`."""

REFUSED = ("mem_limit", "cpus", "pids_limit")
"""Keys that a case has only if they matter to it, and that Swarm does not have."""

_SIZE = re.compile(r"([0-9]+)([kmg]?)b?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


@dataclass(frozen=True)
class Stack:
    """A stack file, and what it lacks of Compose's settings: ``service.key: value`` each."""

    document: Mapping[str, Any]
    dropped: tuple[str, ...]


def stack_of(
    config: Mapping[str, Any],
    project: str,
    nodes: Mapping[str, Sequence[str]],
    placed_on: Sequence[str] = (),
    *,
    is_encrypted: bool = False,
) -> Stack:
    """Return the stack of ``project`` for what ``docker compose config --format json`` printed.

    ``nodes`` are the ids of the nodes on which the containers of each service run, one for each; a
    service of its own for each container pins it there. Only clients may have several, and each of
    them knows by ``placed_on`` for a group of which host it is; empty if of none.
    ``is_encrypted``: the networks encrypt what they carry from node to node.

    Raises:
        BackendError: a service has a setting that matters and that Swarm does not have.
    """
    services: dict[str, Any] = {}
    dropped: list[str] = []
    for name, service in config["services"].items():
        if refused := [key for key in REFUSED if service.get(key)]:
            raise BackendError(f"{name}: Swarm has no {refused[0]}; use --backend docker")
        dropped += _dropped(name, service)
        for number, node in enumerate(nodes[name], start=1):
            labels = {PROJECT_LABEL: project, SERVICE_LABEL: name, NUMBER_LABEL: str(number)}
            own_name = f"{name}-{number}" if name == CLIENT else name
            place = placed_on[number - 1] if name == CLIENT and placed_on else ""
            services[own_name] = {
                **_with_place(_translated(service), place),
                "labels": {**service.get("labels", {}), **labels},
                "deploy": _deployed(service, node),
            }
    encryption = {"driver_opts": {"encrypted": ""}} if is_encrypted else {}
    networks = {
        name: {"driver": "overlay", **encryption, **_known(network or {}, project)}
        for name, network in config["networks"].items()
    }
    document = {"version": VERSION, "services": services, "networks": networks}
    return Stack(document, tuple(dict.fromkeys(dropped)))


def _dropped(name: str, service: Mapping[str, Any]) -> Iterator[str]:
    known = (*KEPT, *NEEDLESS, *TRANSLATED, *LATE, *REFUSED)
    for key, value in service.items():
        if key not in known and value not in (None, "", [], {}):
            yield f"{name}.{key}: {value}"


def _translated(service: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: service[key] for key in KEPT if service.get(key) is not None}
    if kept.get("healthcheck", {}).get("disable"):
        kept["healthcheck"] = {"disable": True}
    if SECRET in kept.get("environment", {}):  # which is not stored with the results
        kept["environment"] = {**kept["environment"], SECRET: f"${{{SECRET}}}"}
    volumes = [_volume(written) for written in service.get("tmpfs") or ()]
    return kept | ({"volumes": volumes} if volumes else {})


def _with_place(service: dict[str, Any], placed_on: str) -> dict[str, Any]:
    """Return a client's ``service`` with the host of its group, if that has one."""
    place = {PLACED_ON: placed_on} if placed_on else {}
    return {**service, **({"environment": {**service["environment"], **place}} if place else {})}


def _volume(written: str) -> dict[str, Any]:
    """Return the long form of a tmpfs; of the short one, Swarm drops all options.

    Swarm cannot give it to a user: every user may write to it, and a container of the lab has one.
    """
    target, _, options = written.partition(":")
    values = dict(option.partition("=")[::2] for option in options.split(",") if option)
    size = _SIZE.fullmatch(values.get("size", ""))
    limit = {"tmpfs": {"size": int(size[1]) * _UNITS[size[2].lower()]}} if size else {}
    return {"type": "tmpfs", "target": target, **limit}


def _deployed(service: Mapping[str, Any], node: str) -> dict[str, Any]:
    """Return one task on ``node``, which is not started again and is found by its address.

    Its virtual address would need IPVS, which not every kernel has, and would be one hop more.
    """
    limits = (service.get("deploy") or {}).get("resources", {}).get("limits") or {}
    known = {key: value for key, value in limits.items() if key == "pids" and value}
    known |= {key: str(value) for key, value in limits.items() if key == "memory" and value}
    if cpus := float(limits.get("cpus") or 0):
        known["cpus"] = f"{cpus:f}"
    return {
        "replicas": 1,
        "endpoint_mode": "dnsrr",
        "restart_policy": {"condition": "none"},
        "placement": {"constraints": [f"node.id == {node}"]},
        **({"resources": {"limits": known}} if known else {}),
    }


def _known(network: Mapping[str, Any], project: str) -> dict[str, Any]:
    internal = {"internal": True} if network.get("internal") else {}
    return {**internal, "labels": {**network.get("labels", {}), PROJECT_LABEL: project}}
