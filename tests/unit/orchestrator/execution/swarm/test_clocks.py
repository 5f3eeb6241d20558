import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.clock import Clock, own_clock
from orchestrator.execution.docker.endpoint import Endpoint
from orchestrator.execution.swarm.clocks import (
    READ,
    clocks_of,
    is_this_machine,
    other_clocks,
    read_clock_text,
)
from orchestrator.execution.swarm.connection import HostEngine

LABELS = {"a": "b"}
OURS = Clock("b00t", 0)
AHEAD = Clock("b00t", 86_400_000_000_000)
ELSEWHERE = Clock("0ther", 0)


def host(name: str, printed: str) -> HostEngine:
    def run(_image: str, _command: list[str], **options: object) -> bytes:
        assert options["labels"] == LABELS
        assert options["remove"]
        return printed.encode()

    client: Any = SimpleNamespace(containers=SimpleNamespace(run=run))
    return HostEngine(name, "", client, Endpoint(""))


def test_what_a_container_prints_is_the_clock_of_its_process() -> None:
    printed = subprocess.run([sys.executable, "-c", READ], capture_output=True, check=True).stdout
    assert read_clock_text(printed.decode()) == own_clock()


@pytest.mark.parametrize(
    ("printed", "clock"),
    [
        ("b00t\nmonotonic           0         0\nboottime            0         0\n", OURS),
        ("b00t\nmonotonic       86400         0\n", AHEAD),
        ("b00t\n\n", OURS),
        ("b00t\nmonotonic a b\n", None),
        ("", None),
    ],
)
def test_a_clock_is_a_boot_and_an_offset(printed: str, clock: Clock | None) -> None:
    assert clocks_of([host("a", printed)], "sha256:1", LABELS) == {"a": clock}


@pytest.mark.parametrize("other", [AHEAD, ELSEWHERE, None])
def test_a_host_with_another_clock_is_known(other: Clock | None) -> None:
    assert other_clocks({"a": OURS, "b": other}, OURS) == ["b"]
    assert other_clocks({"a": OURS, "b": OURS}, OURS) == []


def test_a_machine_is_known_by_its_boot() -> None:
    assert is_this_machine({"a": OURS, "b": AHEAD}, OURS)
    assert not is_this_machine({"a": OURS, "b": ELSEWHERE}, OURS)
    assert not is_this_machine({"a": None}, OURS)
    assert not is_this_machine({"a": OURS}, None)
