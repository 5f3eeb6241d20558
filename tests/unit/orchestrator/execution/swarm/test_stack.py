"""What Compose resolved, as a stack file: nothing is lost without a word."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.wire.secret import SECRET
from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.engine import NUMBER_LABEL, PROJECT_LABEL, SERVICE_LABEL
from orchestrator.execution.swarm.stack import KEPT, NEEDLESS, REFUSED, TRANSLATED, stack_of

SERVER: dict[str, Any] = {
    "image": "sha256:1",
    "command": None,
    "build": {"context": "."},
    "profiles": ["epoll"],
    "labels": {"lab.owner": "me"},
    "environment": {"LAB_WORKERS": "5"},
    "healthcheck": {"test": ["CMD", "x"], "disable": True},
    "networks": {"default": {"aliases": ["server"]}},
    "tmpfs": ["/run/lab:size=64k,mode=0700,uid=65534"],
    "deploy": {"resources": {"limits": {"cpus": 0.5, "memory": "512", "pids": 9}}, "placement": {}},
    "memswap_limit": "512",
    "cpuset": "",
}
CLIENT: dict[str, Any] = {
    "image": "sha256:2",
    "environment": {SECRET: "", "LAB_TARGET": "server:3000"},
    "networks": {"default": None},
    "ports": [{"target": 3100}],
    "depends_on": {"epoll": {"condition": "service_healthy"}},
}
NETWORKS: dict[str, Any] = {
    "default": {"name": "lab-1_default", "ipam": {}, "labels": {"lab.owner": "me"}},
    "control": None,
}
NODES = {"epoll": ["n1"], "client": ["n2", "n3"]}


def stack(**services: dict[str, Any]) -> Any:  # noqa: ANN401 a stack file is any plain data
    found = stack_of({"services": services, "networks": NETWORKS}, "lab-1", NODES)
    return found.document["services"], found.dropped


def test_a_client_knows_the_host_of_its_group() -> None:
    found = stack_of(
        {"services": {"client": CLIENT}, "networks": NETWORKS}, "p", NODES, ["far", ""]
    )
    services = found.document["services"]
    assert services["client-1"]["environment"]["LAB_PLACED_ON"] == "far"
    assert "LAB_PLACED_ON" not in services["client-2"]["environment"]


def test_networks_are_encrypted_on_request() -> None:
    config = {"services": {"client": CLIENT}, "networks": NETWORKS}
    plain = stack_of(config, "p", NODES).document["networks"]
    encrypted = stack_of(config, "p", NODES, is_encrypted=True).document["networks"]
    assert all("driver_opts" not in each for each in plain.values())
    assert [each["driver_opts"] for each in encrypted.values()] == [{"encrypted": ""}] * 2


def test_a_server_is_one_task_on_its_node_with_all_that_swarm_has() -> None:
    services, dropped = stack(epoll=SERVER)
    assert services == {
        "epoll": {
            "image": "sha256:1",
            "environment": {"LAB_WORKERS": "5"},
            "healthcheck": {"disable": True},
            "networks": {"default": {"aliases": ["server"]}},
            "volumes": [{"type": "tmpfs", "target": "/run/lab", "tmpfs": {"size": 65536}}],
            "labels": {
                "lab.owner": "me",
                PROJECT_LABEL: "lab-1",
                SERVICE_LABEL: "epoll",
                NUMBER_LABEL: "1",
            },
            "deploy": {
                "replicas": 1,
                "endpoint_mode": "dnsrr",
                "restart_policy": {"condition": "none"},
                "placement": {"constraints": ["node.id == n1"]},
                "resources": {"limits": {"cpus": "0.500000", "memory": "512", "pids": 9}},
            },
        }
    }
    assert dropped == ()


def test_each_client_is_a_service_on_a_node_of_its_own_choice() -> None:
    services, _ = stack(client=CLIENT)
    assert list(services) == ["client-1", "client-2"]
    places = [each["deploy"]["placement"]["constraints"] for each in services.values()]
    assert places == [["node.id == n2"], ["node.id == n3"]]
    assert [each["labels"][NUMBER_LABEL] for each in services.values()] == ["1", "2"]
    assert {each["labels"][SERVICE_LABEL] for each in services.values()} == {"client"}


def test_the_secret_is_left_to_the_environment_of_the_command() -> None:
    services, _ = stack(client=CLIENT)
    assert services["client-1"]["environment"][SECRET] == "${LAB_RUN_SECRET}"
    assert CLIENT["environment"][SECRET] == "", "what was given is not changed"


def test_a_network_spans_hosts_and_has_its_project() -> None:
    internal = {"networks": {"default": {"internal": True}}, "services": {}}
    found = stack_of(internal, "lab-1", {}).document["networks"]
    labels = {PROJECT_LABEL: "lab-1"}
    assert found == {"default": {"driver": "overlay", "internal": True, "labels": labels}}
    both = stack_of({"services": {}, "networks": NETWORKS}, "lab-1", {}).document["networks"]
    assert both["default"] == {"driver": "overlay", "labels": {"lab.owner": "me", **labels}}
    assert both["control"] == {"driver": "overlay", "labels": labels}


@pytest.mark.parametrize("key", REFUSED)
def test_a_limit_that_swarm_does_not_have_is_refused(key: str) -> None:
    with pytest.raises(BackendError, match=f"epoll: Swarm has no {key}; use --backend docker"):
        stack(epoll={**SERVER, key: "1"})


names = st.from_regex("[a-z_]{1,20}", fullmatch=True)
values = st.one_of(st.integers(1, 9), st.text(min_size=1, max_size=5), st.booleans())


@given(st.dictionaries(names, values, max_size=5))
def test_every_other_setting_is_named_if_it_is_dropped(settings: dict[str, Any]) -> None:
    """Whatever a later Compose adds is reported, too."""
    known = {*KEPT, *NEEDLESS, *TRANSLATED, *REFUSED}
    unknown = {key: value for key, value in settings.items() if key not in known}
    _, dropped = stack(epoll={**SERVER, **unknown})
    lost = {f"epoll.{key}: {value}" for key, value in unknown.items()}
    assert set(dropped) == lost


@pytest.mark.parametrize(
    ("written", "limit"),
    [
        ("/tmp", {}),  # noqa: S108 within a container
        ("/tmp:mode=1777", {}),  # noqa: S108
        ("/tmp:size=64m,mode=1777", {"tmpfs": {"size": 64 << 20}}),  # noqa: S108
        ("/tmp:size=4096", {"tmpfs": {"size": 4096}}),  # noqa: S108
        ("/tmp:size=1gb", {"tmpfs": {"size": 1 << 30}}),  # noqa: S108
    ],
)
def test_a_tmpfs_keeps_its_size(written: str, limit: dict[str, Any]) -> None:
    services, _ = stack(epoll={**SERVER, "tmpfs": [written]})
    assert services["epoll"]["volumes"] == [{"type": "tmpfs", "target": "/tmp", **limit}]  # noqa: S108
