"""Meters of hosts, by a command that stands for docker and runs the program itself."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.clock import Clock
from orchestrator.execution.swarm import meters
from orchestrator.execution.swarm.line_program import LineProgram
from orchestrator.execution.swarm.meters import HostMeter, Kernel, Meters, kernels_of
from tests.unit.orchestrator.execution.swarm.docker_fixtures import put_on_path

DOCKER = """#!/bin/sh
echo "$DOCKER_HOST $*" | head -n 1 >> "$CALLS"
echo "a warning of docker run"
[ -z "$BROKEN" ] || { echo "no such image" >&2; exit 125; }
for source; do :; done
exec python3 -I -S -c "$source"
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file in which the command writes how it was called."""
    return put_on_path(DOCKER, tmp_path, monkeypatch)


def meter(name: str) -> HostMeter:
    endpoint = SimpleNamespace(environment=lambda: {"DOCKER_HOST": f"unix:///{name}"})
    host: Any = SimpleNamespace(name=name, endpoint=endpoint)
    return HostMeter(host, "lab-1", "sha256:1", {"server": [], "clients": []})


ONE, OTHER = Clock("one", 0), Clock("other", 0)


def test_meters_answer_at_both_ends_of_a_load_from_beside_the_case(calls: Path) -> None:
    found = Meters([meter("a"), meter("b")], {"a": ONE, "b": OTHER, "c": OTHER}, ONE)
    found.wait_until_ready()
    begun, over = found.ask(1.0), found.ask(3.0)
    a, b = (now.since(then) for now, then in zip(over, begun, strict=True))
    found.close()
    assert (a.name, a.boot_id, a.reason, b.name) == ("a", "one", "", "b")
    assert 0 < (a.times["wall_s"] or 0.0) < 20
    assert (a.times["server_s"], a.times["clients_s"]) == (0, 0)
    assert (a.times["own_cpu_s"] or 0.0) >= 2.0 > (b.times["own_cpu_s"] or 0.0)
    first, second = sorted(calls.read_text().splitlines())
    assert second.startswith("unix:///b run --rm --interactive --read-only --cap-drop ALL --label")
    for words in (
        "--label com.docker.compose.project=lab-1 --label com.docker.stack.namespace=lab-1",
        "--network none --user 65534:65534 --cgroupns host",
        "--volume /sys/fs/cgroup:/sys/fs/cgroup:ro --entrypoint python3 sha256:1 -I -S -c",
    ):
        assert words in first


def test_a_meter_that_does_not_start_is_the_reason_why_nothing_is_known(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKEN", "1")
    found = Meters([meter("a")], {"a": ONE}, OTHER)
    found.wait_until_ready()
    (begun,), (over,) = found.ask(0.0), found.ask(0.0)
    load = over.since(begun)
    found.close()
    assert calls.exists()
    assert dict(load.times) == {}
    assert load.reason.startswith("the meter on a: it ended: ")
    assert load.reason.endswith("no such image")


def test_a_meter_that_does_not_answer_is_not_waited_for(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Meters([meter("a")], {"a": ONE}, OTHER)
    found.wait_until_ready()
    (begun,) = found.ask(0.0)
    begun.times()
    monkeypatch.setattr(meters, "ANSWER_DEADLINE_S", 0.05)
    monkeypatch.setattr(LineProgram, "send", lambda *_: None)
    (over,) = found.ask(0.0)
    load = over.since(begun)
    found.close()
    assert calls.exists()
    assert load.reason == "the meter on a: it did not answer within 0.05 s"


def test_hosts_are_one_machine_if_they_have_one_kernel() -> None:
    clocks = {"a": ONE, "b": OTHER, "c": Clock("one", 5), "d": None, "e": None}
    assert kernels_of(clocks, OTHER) == [
        Kernel(("a", "c"), "one"),
        Kernel(("b",), "other", is_ours=True),
        Kernel(("d",), None),
        Kernel(("e",), None),
    ]
    assert not any(each.is_ours for each in kernels_of(clocks, None))
    assert kernels_of(clocks, OTHER)[0].name == "a and c"
