from pathlib import Path

import pytest

from orchestrator.backends.base import StageOrder
from orchestrator.backends.override import write_override

IMAGES = {"epoll": "sha256:1", "client": "sha256:2"}


@pytest.mark.parametrize("vanish", [False, True])
def test_clients_have_a_privilege_only_where_some_vanish(tmp_path: Path, *, vanish: bool) -> None:
    order = StageOrder("epoll", {}, 1, tmp_path, drain_timeout_s=1.0, clients_vanish=vanish)
    text = write_override(order, IMAGES).read_text()
    assert ("NET_ADMIN" in text) is vanish
    assert ("user: 0:0" in text) is vanish
