"""What a case changes in compose.yaml, as a second Compose file beside the case's logs."""

import os
from collections.abc import Mapping
from pathlib import Path

import yaml

from orchestrator.execution.backend import StageOrder
from orchestrator.execution.docker.container import GRACE_S
from orchestrator.execution.owner import LABEL, MARK
from orchestrator.execution.toxics import SERVICE, proxy_settings

CONDUCTOR_PORT = 3100
ANY_HOST = "0.0.0.0"  # noqa: S104 of its own network
# TCP_REPAIR takes CAP_NET_ADMIN, here of the container's own network; a process that is not root
# would have it in its bounds alone.
VANISHING: Mapping[str, object] = {"cap_add": ["NET_ADMIN"], "user": "0:0"}


class _Reset:
    """Compose's ``!reset``: drop what the base file says."""


def _represent_reset(dumper: yaml.SafeDumper, _value: _Reset) -> yaml.Node:
    return dumper.represent_sequence("!reset", [])


class _OverrideDumper(yaml.SafeDumper):
    """Writes `_Reset` as Compose reads it."""


_OverrideDumper.add_representer(_Reset, _represent_reset)


def write_override(order: StageOrder, images: Mapping[str, str]) -> Path:
    """Write what this case changes in compose.yaml, beside its logs, and return the file.

    Images by their ids; no published server port, which could be taken; no health check, which
    costs 17 ms of CPU each time; the server's whole environment, so that nothing of the caller's
    shell reaches it. Clients have privileges where some of them vanish: any may be in that group.
    """
    client: dict[str, object] = {
        "image": images["client"],
        "environment": {"LAB_CONDUCTOR": f"conductor:{CONDUCTOR_PORT}"},
    }
    override: dict[str, dict[str, object]] = {
        "services": {
            order.model: {
                "image": images[order.model],
                "healthcheck": {"disable": True},
                "environment": dict(order.environment),
                **_standing(order),
                **_limits(order),
            },
            "client": {**client, **(VANISHING if order.clients_vanish else {})},
            "conductor": {"image": images["client"]},
        }
    }
    if order.is_proxied:
        target = f"{order.model}:{order.port}"
        settings = proxy_settings(target, ANY_HOST, order.seed)
        override["services"][SERVICE] = {"image": images[SERVICE], "environment": settings}
    path = order.folder / "compose.override.yaml"
    path.write_text(yaml.dump(override, Dumper=_OverrideDumper), encoding="utf-8")
    return path


def _standing(order: StageOrder) -> dict[str, object]:
    """Return what a target's service needs to be one of ours, which compose.yaml knows already.

    Its port is published, at any free one, for the conformance suite.
    """
    if order.target is None:
        return {"ports": _Reset()}
    return {
        "labels": {LABEL: os.environ.get(MARK, "")},
        "init": True,
        "ports": [f"127.0.0.1:0:{order.port}"],
        "sysctls": {"net.core.somaxconn": 65535},
        "stop_grace_period": f"{order.drain_timeout_s + GRACE_S:g}s",
    }


def _limits(order: StageOrder) -> dict[str, object]:
    """Return the limits of the server's container; memory without swap, which would hide them."""
    limits: dict[str, object] = {}
    if order.limits.cpus is not None:
        limits["cpus"] = order.limits.cpus
    if order.limits.memory_bytes is not None:
        limits["mem_limit"] = limits["memswap_limit"] = order.limits.memory_bytes
    return limits
