from pathlib import Path

import pytest

from orchestrator.execution.backend import StageOrder
from orchestrator.execution.docker.compose_override import write_override
from orchestrator.scenario.server import Limits

IMAGES = {"epoll": "sha256:1", "client": "sha256:2"}


@pytest.mark.parametrize("vanish", [False, True])
def test_clients_have_a_privilege_only_where_some_vanish(tmp_path: Path, *, vanish: bool) -> None:
    order = StageOrder("epoll", {}, 1, tmp_path, drain_timeout_s=1.0, clients_vanish=vanish)
    text = write_override(order, IMAGES).read_text()
    assert ("NET_ADMIN" in text) is vanish
    assert ("user: 0:0" in text) is vanish


def test_limits_are_those_of_the_servers_container(tmp_path: Path) -> None:
    limits = Limits(cpus=0.5, memory="64MiB")
    order = StageOrder("epoll", {}, 1, tmp_path, drain_timeout_s=1.0, limits=limits)
    text = write_override(order, IMAGES).read_text()
    assert "cpus: 0.5" in text
    assert "mem_limit: 67108864" in text
    assert "memswap_limit: 67108864" in text
    unlimited = StageOrder("epoll", {}, 1, tmp_path, drain_timeout_s=1.0)
    assert "limit" not in write_override(unlimited, IMAGES).read_text()
