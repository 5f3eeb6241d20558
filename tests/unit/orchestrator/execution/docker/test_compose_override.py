from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from orchestrator.execution.backend import StageOrder
from orchestrator.execution.docker.compose_override import write_override
from orchestrator.scenario.models import ROOT
from orchestrator.scenario.server import Limits, Target

IMAGES = {"epoll": "sha256:1", "client": "sha256:2"}


@pytest.mark.parametrize("vanish", [False, True])
def test_clients_have_a_privilege_only_where_some_vanish(tmp_path: Path, *, vanish: bool) -> None:
    order = StageOrder("epoll", {}, 1, tmp_path, drain_timeout_s=1.0, clients_vanish=vanish)
    text = write_override(order, IMAGES).read_text()
    assert ("NET_ADMIN" in text) is vanish
    assert ("user: 0:0" in text) is vanish


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
    base = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["confined"]
    assert service["extends"] == {"file": str(ROOT / "compose.yaml"), "service": "confined"}
    assert (base["read_only"], base["cap_drop"]) == (True, ["ALL"])
    assert base["security_opt"] == ["no-new-privileges:true"]
    assert base["deploy"]["resources"]["limits"]["pids"]
    assert service.get("user") == ("65534:65534" if drops_root else None)


def test_a_target_that_is_not_confined_runs_as_its_image_says(tmp_path: Path) -> None:
    service = of_target(tmp_path, confined=False, drops_root=True)
    assert not {"extends", "user"} & set(service)


def test_limits_are_those_of_the_servers_container(tmp_path: Path) -> None:
    limits = Limits(cpus=0.5, memory="64MiB")
    order = StageOrder("epoll", {}, 1, tmp_path, drain_timeout_s=1.0, limits=limits)
    text = write_override(order, IMAGES).read_text()
    assert "cpus: 0.5" in text
    assert "mem_limit: 67108864" in text
    assert "memswap_limit: 67108864" in text
    unlimited = StageOrder("epoll", {}, 1, tmp_path, drain_timeout_s=1.0)
    assert "limit" not in write_override(unlimited, IMAGES).read_text()


def test_the_secret_of_the_run_is_not_in_the_file_that_is_stored(tmp_path: Path) -> None:
    order = StageOrder("epoll", {}, 1, tmp_path, drain_timeout_s=1.0)
    assert len(order.secret) == 32
    assert order.secret not in write_override(order, IMAGES).read_text()
    assert order.secret not in repr(order)
