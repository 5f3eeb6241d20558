"""The second Compose file of a case: what it changes in compose.yaml."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from orchestrator.execution.backend import StageOrder
from orchestrator.execution.docker.container import GRACE_S
from orchestrator.execution.owner import LABEL, MARK
from orchestrator.execution.toxics import SERVICE, proxy_settings
from orchestrator.results.archive import write_whole
from orchestrator.scenario.cpu_list import cpu_list_text
from orchestrator.scenario.models import COMPOSE_FILE

CONDUCTOR_PORT = 3100
MOST_AT_ONCE, LEAVE_EVERY_S = 10, 0.2
NO_NAME_SERVER = "127.0.0.1"  # the container itself, where nothing answers
ANY_HOST = "0.0.0.0"  # noqa: S104 of its own network
# TCP_REPAIR takes CAP_NET_ADMIN, here of the container's own network; a process that is not root
# would have it in its bounds alone.
NOBODY = "65534:65534"
VANISH_PRIVILEGES: Mapping[str, object] = {"cap_add": ["NET_ADMIN"], "user": "0:0"}

WHOLE_LOG: Mapping[str, Any] = {
    "driver": "json-file",
    "options": {"max-size": "1000g", "max-file": "1", "compress": "false", "mode": "blocking"},
}
"""As in compose.yaml; an option that is not stated would be the engine's default."""

SYSCTLS: Mapping[str, int] = {"net.core.somaxconn": 65535}
"""Of a server's container, as in compose.yaml: so that ``listen`` gets the backlog it asks for."""


class _Reset:
    """Compose's ``!reset``: drop what the base file says."""


class _OverrideDumper(yaml.SafeDumper):
    """Writes `_Reset` as Compose reads it."""


_OverrideDumper.add_representer(_Reset, lambda dumper, _: dumper.represent_sequence("!reset", []))


def write_override(
    order: StageOrder, images: Mapping[str, str], *, drops_root: bool = False
) -> Path:
    """Write what a case changes in compose.yaml, in the folder of its logs; return the file.

    Images by their ids; no published server port, which could be in use; no health check, which
    costs 17 ms of CPU each time; the server's whole environment, so that none of the caller's
    shell reaches it. ``drops_root``: a confined target runs as nobody, since its image asks for
    root. All clients have the privilege to vanish if some do, since any of them may be
    in that group.
    """
    environment = {
        "LAB_CONDUCTOR": f"conductor:{CONDUCTOR_PORT}",
        "LAB_LEAVE_EVERY": f"{leave_every_s(order.replicas):g}s",
    }
    client = {
        "image": images["client"],
        "environment": environment,
        **_cpuset(order.limits.client_cpus),
    }
    override: dict[str, dict[str, dict[str, object]]] = {
        "services": {
            order.model: {
                "image": images[order.model],
                "healthcheck": {"disable": True},
                "environment": dict(order.environment),
                **_target_settings(order, drops_root=drops_root),
                **_limits(order),
            },
            "client": {**client, **(VANISH_PRIVILEGES if order.clients_vanish else {})},
            "conductor": {"image": images["client"]},
        }
    }
    if order.is_proxied:
        target = f"{order.model}:{order.port}"
        settings = proxy_settings(target, ANY_HOST, order.seed)
        override["services"][SERVICE] = {"image": images[SERVICE], "environment": settings}
    if is_isolated(order):
        override["networks"] = {"default": {"internal": True}}
        if order.is_proxied:  # its control port is published on the other one
            override["services"][SERVICE]["networks"] = ["default", "control"]
    path = order.folder / "compose.override.yaml"
    return write_whole(path, yaml.dump(override, Dumper=_OverrideDumper))


def leave_every_s(replicas: int) -> float:
    """Return how much later than the one before each client replica ends, in seconds.

    When dozens of containers end at once, the engine may lose count of the endpoints of their
    networks, which it then never removes (moby issue 42119; seen with Docker 20.10 after 5 of 25
    runs of 50 replicas). To take down one container takes it about as long as this.
    """
    return 0.0 if replicas <= MOST_AT_ONCE else LEAVE_EVERY_S


def is_isolated(order: StageOrder) -> bool:
    """Whether the server is on a network without a way out: it is an image, and confined.

    The engine publishes no port of such a network.
    """
    return order.target is not None and order.target.confined


def _target_settings(order: StageOrder, *, drops_root: bool) -> dict[str, object]:
    """Return what compose.yaml sets for a model and a target lacks.

    The port of a target with a way out is published at any free port, for the conformance suite.
    A confined target gets itself as its only name server: an older engine would ask the host's.
    """
    if order.target is None:
        return {"ports": _Reset()}
    settings: dict[str, object] = {
        "labels": {LABEL: os.environ.get(MARK, "")},
        "init": True,
        "logging": WHOLE_LOG,
        "sysctls": dict(SYSCTLS),
        "stop_grace_period": f"{order.drain_timeout_s + GRACE_S:g}s",
    }
    if not is_isolated(order):
        settings["ports"] = [f"127.0.0.1:0:{order.port}"]
    else:
        base = {"file": str(COMPOSE_FILE), "service": "confined"}
        settings |= {"extends": base, "profiles": _Reset()}
        settings["dns"] = [NO_NAME_SERVER]
        settings |= {"user": NOBODY} if drops_root else {}
    return settings


def _limits(order: StageOrder) -> dict[str, object]:
    """Return the limits of the server's container.

    Its settings of the kernel replace those of compose.yaml, so they are all here.
    """
    sysctls = {**SYSCTLS, **order.limits.sysctl_values}
    return {
        **({"sysctls": sysctls} if order.limits.sysctl_values else {}),
        **_cpuset(order.limits.server_cpus),
        **_resources(order),
    }


def _cpuset(cpus: Sequence[int] | None) -> dict[str, object]:
    """Return the CPUs that a container may run on; nothing if it may use all."""
    return {} if cpus is None else {"cpuset": cpu_list_text(cpus)}


def _resources(order: StageOrder) -> dict[str, object]:
    """Return the limits of CPU and memory; without swap, which would hide its limit.

    In the place that compose.yaml uses, since ``deploy`` wins over ``mem_limit`` and ``cpus``.
    """
    limits: dict[str, object] = {}
    if order.limits.cpus is not None:
        limits["cpus"] = f"{order.limits.cpus:f}"
    if order.limits.memory_bytes is None:
        return {"deploy": {"resources": {"limits": limits}}} if limits else {}
    limits["memory"] = str(order.limits.memory_bytes)
    return {
        "deploy": {"resources": {"limits": limits}},
        "memswap_limit": order.limits.memory_bytes,
    }
