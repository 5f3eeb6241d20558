"""A container that is not what the scenario says is found before the load."""

import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.execution.backend import BackendError, StageOrder
from orchestrator.execution.docker import read_back
from orchestrator.execution.docker.compose_override import WHOLE_LOG
from orchestrator.execution.docker.read_back import check_containers
from orchestrator.scenario.server import Limits

MIB = 1 << 20
IMAGES = {"epoll": "sha256:1", "client": "sha256:2"}
HOST = {
    "NanoCpus": 500_000_000,
    "Memory": 64 * MIB,
    "MemorySwap": 64 * MIB,
    "LogConfig": {"Type": "json-file", "Config": WHOLE_LOG["options"]},
}


def container(image: str, **host: object) -> Any:  # noqa: ANN401 a stand-in for the SDK's
    attrs = {
        "Image": image,
        "Config": {"Env": ["PATH=/bin", "LAB_WORKERS=", "LAB_BACKLOG=7"]},
        "HostConfig": {**copy.deepcopy(HOST), **host},
    }
    return SimpleNamespace(attrs=attrs)


def order(limits: Limits | None = None, **settings: str) -> StageOrder:
    environment = {"LAB_WORKERS": "", "LAB_BACKLOG": "7", **settings}
    limits = limits or Limits(cpus=0.5, memory="64MiB")
    return StageOrder("epoll", environment, 1, Path(), drain_timeout_s=1.0, limits=limits)


def check(asked: StageOrder, server: Any, *clients: Any) -> None:  # noqa: ANN401
    check_containers(asked, IMAGES, server, clients or (container("sha256:2"),))


@pytest.fixture(autouse=True)
def swap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return a file as /proc/meminfo of a host with swap."""
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("SwapTotal:       1024 kB\n")
    monkeypatch.setattr(read_back, "MEMINFO", meminfo)
    return meminfo


def test_containers_that_are_what_was_requested_pass() -> None:
    check(order(), container("sha256:1"))
    check(order(Limits()), container("sha256:1", NanoCpus=0))


def test_engines_state_a_limit_of_cpus_in_two_ways() -> None:
    check(order(), container("sha256:1", NanoCpus=0, CpuQuota=50_000, CpuPeriod=100_000))
    check(order(Limits()), container("sha256:1", NanoCpus=0, CpuQuota=-1))


@pytest.mark.parametrize(
    ("host", "difference"),
    [
        ({"NanoCpus": 1_000_000_000}, "0.5 CPUs requested, 1 CPUs found"),
        ({"NanoCpus": 0}, "0.5 CPUs requested, 0 CPUs found"),
        ({"Memory": 512 * MIB}, "64 MiB of memory requested, 512 MiB found"),
        ({"Memory": 0}, "64 MiB of memory requested, 0 MiB found"),
        ({"MemorySwap": 128 * MIB}, "64 MiB of memory and swap requested, 128 MiB found"),
        ({"MemorySwap": -1}, "64 MiB of memory and swap requested, any amount found"),
        ({"LogConfig": {"Type": "none", "Config": {}}}, "json-file requested, none found"),
        ({"LogConfig": {"Type": "json-file", "Config": {"max-size": "1k"}}}, "'max-size': '1k'"),
        ({"LogConfig": {"Type": "json-file", "Config": None}}, "'max-size': None"),
    ],
)
def test_each_limit_that_differs_is_named(host: dict[str, object], difference: str) -> None:
    with pytest.raises(BackendError) as failed:
        check(order(), container("sha256:1", **host))
    assert difference in str(failed.value)
    assert "not what the scenario says" in str(failed.value)


def test_a_setting_of_the_kernel_that_differs_is_named() -> None:
    name = "net.ipv4.tcp_migrate_req"
    asked = order(Limits.model_validate({"cpus": 0.5, "sysctls": {name: 1}}))
    check(asked, container("sha256:1", Sysctls={name: "1", "net.core.somaxconn": "65535"}))
    for found in ({name: "0"}, {}, None):
        with pytest.raises(BackendError, match=rf"{name}=1 requested, (0|None) found"):
            check(asked, container("sha256:1", Sysctls=found))


def test_other_cpus_than_those_that_were_requested_are_named() -> None:
    asked = order(Limits(cpus=0.5, cpuset="0,1", client_cpuset=3))
    client = container("sha256:2", CpusetCpus="3")
    check(asked, container("sha256:1", CpusetCpus="0-1"), client)
    with pytest.raises(BackendError, match="epoll: cpuset 0-1 requested, every CPU found"):
        check(asked, container("sha256:1", CpusetCpus=""), client)
    with pytest.raises(BackendError, match="client: cpuset 3 requested, cpuset 2-3 found"):
        check(
            asked,
            container("sha256:1", CpusetCpus="0-1"),
            container("sha256:2", CpusetCpus="2,3"),
        )
    with pytest.raises(BackendError, match="epoll: every CPU requested, cpuset 0 found"):
        check(order(), container("sha256:1", CpusetCpus="0"))


def test_a_limit_of_cpus_that_nobody_requested_is_named() -> None:
    with pytest.raises(BackendError, match=r"no limit requested, 0\.5 CPUs found"):
        check(order(Limits()), container("sha256:1"))


def test_without_swap_on_the_host_a_kernel_need_not_count_it(swap: Path) -> None:
    swap.write_text("SwapTotal:          0 kB\n")
    check(order(), container("sha256:1", MemorySwap=-1))
    with pytest.raises(BackendError, match="memory and swap"):
        check(order(), container("sha256:1", MemorySwap=65 * MIB))


def test_another_image_setting_or_number_of_clients_is_named() -> None:
    clients = [container("sha256:2"), container("sha256:8")]
    with pytest.raises(BackendError) as failed:
        check(order(LAB_WORKERS="3", LAB_WORK="cpu"), container("sha256:9"), *clients)
    for difference in (
        "epoll: image sha256:1 requested, sha256:9 found",
        "client: image sha256:2 requested, sha256:8 found",
        "epoll: LAB_WORKERS='3' requested, '' found",
        "epoll: LAB_WORK='cpu' requested, '' found",
        "clients: 1 container requested, 2 found",
    ):
        assert difference in str(failed.value)
