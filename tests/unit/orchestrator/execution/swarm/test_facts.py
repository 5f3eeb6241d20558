from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import docker
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.endpoint import Endpoint
from orchestrator.execution.swarm.connection import HostEngine
from orchestrator.execution.swarm.facts import Node, read_clock, read_facts

NOW_S = 1_800_000_000.0
INFO: Mapping[str, Any] = {
    "ServerVersion": "20.10.24",
    "NCPU": 2,
    "MemTotal": 1 << 30,
    "SystemTime": "2026-11-29T15:25:59.123456789Z",
    "Swarm": {"LocalNodeState": "active", "NodeID": "n1", "ControlAvailable": True},
}


def host_engine(client: SimpleNamespace) -> HostEngine:
    return HostEngine("first", "unix:///x", client, Endpoint("unix:///x"))  # type: ignore[arg-type]


def host(info: Mapping[str, Any]) -> HostEngine:
    node = {"ID": "n1", "Status": {"State": "ready"}, "Spec": {"Availability": "active"}}
    images = [
        {"Id": "sha256:1", "RepoTags": ["server-models-lab/a:x", "server-models-lab/a:y"]},
        {"Id": "sha256:2", "RepoTags": None},
    ]
    client = SimpleNamespace(
        info=lambda: info,
        nodes=SimpleNamespace(list=lambda: [SimpleNamespace(attrs=node)]),
        api=SimpleNamespace(images=lambda filters: images if filters else []),
    )
    return host_engine(client)


def test_a_manager_knows_the_members() -> None:
    facts = read_facts(host(INFO))
    assert facts.members == {"n1": Node("ready", "active")}
    assert (facts.version, facts.cpus, facts.node_id) == ("20.10.24", 2, "n1")
    assert facts.images == {
        "server-models-lab/a:x": "sha256:1",
        "server-models-lab/a:y": "sha256:1",
    }


def test_a_worker_is_not_asked_for_members() -> None:
    swarm = {"LocalNodeState": "active", "NodeID": "n2", "ControlAvailable": False}
    assert read_facts(host({**INFO, "Swarm": swarm})).members is None


def test_an_engine_that_fails_is_reported_by_its_reason() -> None:
    def fail() -> Mapping[str, Any]:
        raise docker.errors.DockerException("it is down")

    broken = host_engine(SimpleNamespace(info=fail))
    with pytest.raises(BackendError, match="it is down"):
        read_facts(broken)


@given(
    ahead_s=st.floats(-1e6, 1e6),
    delays_s=st.lists(
        st.tuples(st.floats(0, 2), st.floats(0, 2)), min_size=5, max_size=5
    ),
)  # fmt: skip
def test_the_error_of_a_clock_is_within_its_bound(
    ahead_s: float, delays_s: list[tuple[float, float]]
) -> None:
    """Whatever the delays are on the way there and back; to a microsecond, which ISO 8601 has."""
    now_s = NOW_S
    delays = iter(delays_s)

    def clock() -> float:
        return now_s

    def info() -> dict[str, str]:
        nonlocal now_s
        there_s, back_s = next(delays)
        read = datetime.fromtimestamp(now_s + there_s + ahead_s, UTC)
        now_s += there_s + back_s
        return {"SystemTime": read.isoformat()}

    found = read_clock(info, clock)
    assert abs(found.ahead_s - ahead_s) <= found.error_s + 2e-6
    assert found.error_s <= min(sum(each) for each in delays_s) / 2 + 2e-6
