from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.execution.backend import StageOrder
from orchestrator.execution.docker.compose_override import WHOLE_LOG, write_override
from orchestrator.execution.toxics import SERVICE
from orchestrator.scenario.models import COMPOSE_FILE
from orchestrator.scenario.server import Limits, Target

IMAGES = {"epoll": "sha256:1", "client": "sha256:2"}


@pytest.mark.parametrize("vanish", [False, True])
def test_clients_have_a_privilege_only_where_some_vanish(tmp_path: Path, *, vanish: bool) -> None:
    order = StageOrder("epoll", {}, 1, tmp_path, drain_timeout_s=1.0, clients_vanish=vanish)
    text = write_override(order, IMAGES).read_text()
    assert ("NET_ADMIN" in text) is vanish
    assert ("user: 0:0" in text) is vanish


@pytest.mark.parametrize(("replicas", "every"), [(10, "0s"), (11, "0.2s"), (1_000, "0.2s")])
def test_many_replicas_end_one_after_another(tmp_path: Path, replicas: int, every: str) -> None:
    order = StageOrder("epoll", {}, replicas, tmp_path, drain_timeout_s=1.0)
    written = yaml.safe_load(write_override(order, IMAGES).read_text().replace("!reset", ""))
    assert written["services"]["client"]["environment"]["LAB_LEAVE_EVERY"] == every


def of_target(folder: Path, *, confined: bool, drops_root: bool) -> Mapping[str, object]:
    target = Target(name="mine", image="mine:1", confined=confined)
    order = StageOrder("mine", {}, 1, folder, drain_timeout_s=1.0, target=target)
    images = {**IMAGES, "mine": "sha256:3"}
    written = write_override(order, images, drops_root=drops_root).read_text()
    found: Mapping[str, object] = yaml.safe_load(written.replace("!reset", ""))["services"]["mine"]
    return found


@pytest.mark.parametrize("drops_root", [False, True])
def test_a_target_is_confined_like_the_lab_s_own_servers(
    tmp_path: Path, *, drops_root: bool
) -> None:
    """And keeps the user of its image unless that is root."""
    service = of_target(tmp_path, confined=True, drops_root=drops_root)
    base = yaml.safe_load(COMPOSE_FILE.read_text())["services"]["confined"]
    assert service["extends"] == {"file": str(COMPOSE_FILE), "service": "confined"}
    assert (base["read_only"], base["cap_drop"]) == (True, ["ALL"])
    assert base["security_opt"] == ["no-new-privileges:true"]
    assert base["deploy"]["resources"]["limits"]["pids"]
    assert service.get("user") == ("65534:65534" if drops_root else None)


@pytest.mark.parametrize("confined", [True, False])
def test_a_confined_target_has_no_way_out_and_its_proxy_can_still_be_controlled(
    tmp_path: Path, *, confined: bool
) -> None:
    target = Target(name="mine", image="mine:1", confined=confined)
    order = StageOrder("mine", {}, 1, tmp_path, drain_timeout_s=1.0, target=target, is_proxied=True)
    images = {**IMAGES, "mine": "sha256:3", SERVICE: "sha256:4"}
    written = yaml.safe_load(write_override(order, images).read_text().replace("!reset", ""))
    server, proxy = written["services"]["mine"], written["services"][SERVICE]
    assert written.get("networks") == ({"default": {"internal": True}} if confined else None)
    assert proxy.get("networks") == (["default", "control"] if confined else None)
    assert server.get("dns") == (["127.0.0.1"] if confined else None)
    assert ("ports" in server) is not confined


def test_a_target_that_is_not_confined_runs_as_its_image_says(tmp_path: Path) -> None:
    service = of_target(tmp_path, confined=False, drops_root=True)
    assert not {"extends", "user"} & set(service)


def settings(order: StageOrder) -> dict[str, Any]:
    """Return the server's part of the override, without the tags that only Compose knows."""
    text = write_override(order, IMAGES).read_text().replace("!reset", "")
    settings: dict[str, Any] = yaml.safe_load(text)["services"][order.model]
    return settings


def test_limits_are_in_the_place_that_wins_and_leave_no_swap(tmp_path: Path) -> None:
    """``deploy.resources`` of compose.yaml wins over ``mem_limit`` and ``cpus``."""
    limits = Limits(cpus=0.5, memory="64MiB")
    limited = settings(StageOrder("epoll", {}, 1, tmp_path, drain_timeout_s=1.0, limits=limits))
    wanted = {"cpus": "0.500000", "memory": "67108864"}
    assert limited["deploy"] == {"resources": {"limits": wanted}}
    assert limited["memswap_limit"] == 67108864
    unlimited = settings(StageOrder("epoll", {}, 1, tmp_path, drain_timeout_s=1.0))
    assert {"deploy", "memswap_limit"}.isdisjoint(unlimited)


def test_server_and_clients_get_their_cpus(tmp_path: Path) -> None:
    def services(limits: Limits) -> Any:  # noqa: ANN401 plain data
        order = StageOrder("epoll", {}, 2, tmp_path, drain_timeout_s=1.0, limits=limits)
        text = write_override(order, IMAGES).read_text().replace("!reset", "")
        return yaml.safe_load(text)["services"]

    bound = services(Limits(cpuset="2,0-1", client_cpuset=3))
    assert (bound["epoll"]["cpuset"], bound["client"]["cpuset"]) == ("0-2", "3")
    assert all("cpuset" not in each for each in services(Limits(cpus=0.5)).values())


def test_settings_of_the_kernel_are_added_to_those_of_every_server(tmp_path: Path) -> None:
    base = yaml.safe_load(COMPOSE_FILE.read_text())["services"]["epoll"]["sysctls"]
    limits = Limits.model_validate({"sysctls": {"net.ipv4.tcp_migrate_req": 1}})
    with_one = settings(StageOrder("epoll", {}, 1, tmp_path, drain_timeout_s=1.0, limits=limits))
    assert with_one["sysctls"] == {**base, "net.ipv4.tcp_migrate_req": 1}
    assert "deploy" not in with_one
    without = settings(StageOrder("epoll", {}, 1, tmp_path, drain_timeout_s=1.0))
    assert "sysctls" not in without


def test_every_container_s_log_is_whole_whatever_the_engine_s_default(tmp_path: Path) -> None:
    services = yaml.safe_load(COMPOSE_FILE.read_text())["services"]
    assert {name: each.get("logging") for name, each in services.items()} == dict.fromkeys(
        services, WHOLE_LOG
    )
    target = Target(image="mine")
    order = StageOrder("target", {}, 1, tmp_path, drain_timeout_s=1.0, target=target)
    text = write_override(order, {"target": "sha256:3", "client": "sha256:2"}).read_text()
    assert yaml.safe_load(text.replace("!reset", ""))["services"]["target"]["logging"] == WHOLE_LOG


def test_no_container_has_swap_beyond_its_memory() -> None:
    for service in yaml.safe_load(COMPOSE_FILE.read_text())["services"].values():
        assert service["memswap_limit"] == service["deploy"]["resources"]["limits"]["memory"]


def test_the_secret_of_the_run_is_not_in_the_file_that_is_stored(tmp_path: Path) -> None:
    order = StageOrder("epoll", {}, 1, tmp_path, drain_timeout_s=1.0)
    assert len(order.secret) == 32
    assert order.secret not in write_override(order, IMAGES).read_text()
    assert order.secret not in repr(order)
