"""Several engines as one, with engines that no machine has on demand."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker
import pytest
import requests

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.endpoint import Endpoint
from orchestrator.execution.docker.engine import (
    NUMBER_LABEL,
    PROJECT_LABEL,
    SERVICE_LABEL,
    STACK_LABEL,
    Engine,
)
from orchestrator.execution.swarm import fleet as module
from orchestrator.execution.swarm.connection import HostEngine
from orchestrator.execution.swarm.fleet import Fleet, connected_fleet
from orchestrator.scenario.hosts import Host, Hosts
from tests.unit.orchestrator.execution.swarm.facts_fixtures import MANAGER, WORKER

PROJECT = "lab-0badcafe-1"
STACK: dict[str, Any] = {"services": {"epoll": {}, "client-1": {}}}


class FakeEngine:
    """The engine of a host: its containers, and of a manager services, tasks and networks."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.listed: list[SimpleNamespace] = []
        self.left: list[SimpleNamespace] = []
        self.states: list[list[str]] = []
        self.removed: list[str] = []
        self.client = SimpleNamespace(
            info=lambda: {"NCPU": 2, "Swarm": {"NodeID": f"node-of-{name}"}},
            containers=SimpleNamespace(list=self._containers),
            services=SimpleNamespace(list=lambda filters: self._parts(filters, "service")),
            networks=SimpleNamespace(
                list=lambda filters: self._parts(filters, "network") + self.left,
                get=lambda network: f"{network} on {name}",
            ),
            api=SimpleNamespace(tasks=self._tasks),
        )

    def _containers(self, **asked: object) -> list[SimpleNamespace]:
        assert asked["all"]
        return list(self.listed)

    def _parts(self, filters: Mapping[str, str], kind: str) -> list[SimpleNamespace]:
        if not self.listed or not isinstance(filters["label"], str):
            return []
        return [SimpleNamespace(remove=lambda: self.removed.append(kind))]

    def _tasks(self, filters: Mapping[str, str]) -> list[dict[str, Any]]:
        assert filters == {"label": f"{STACK_LABEL}={PROJECT}"}
        states = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return [
            {"ID": str(number), "Status": {"State": state, "Err": "no such image"}}
            for number, state in enumerate(states)
        ]

    def add(self, service: str, number: int = 1) -> SimpleNamespace:
        labels = {PROJECT_LABEL: PROJECT, SERVICE_LABEL: service, NUMBER_LABEL: str(number)}
        networks = {"NetworkSettings": {"Networks": {"x": {"NetworkID": "n"}}}}
        container = SimpleNamespace(
            labels=labels,
            attrs={"Labels": labels, **networks},
            client=self.client,
            remove=lambda **_: self.removed.append(f"{service} {number}"),
        )
        self.listed.append(container)
        return container

    def host(self) -> HostEngine:
        endpoint = Endpoint(f"unix:///{self.name}.sock")
        return HostEngine(self.name, endpoint.address, self.client, endpoint)  # type: ignore[arg-type]


@pytest.fixture
def first() -> FakeEngine:
    return FakeEngine("first")


@pytest.fixture
def second() -> FakeEngine:
    return FakeEngine("second")


@pytest.fixture
def fleet(first: FakeEngine, second: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Return the fleet of both; each answers."""
    monkeypatch.setattr(module, "POLL_S", 0.0)
    monkeypatch.setattr(Engine, "answers", lambda _: True)
    return Fleet.of([first.host(), second.host()], [MANAGER, WORKER])


def test_containers_of_all_hosts_are_one_list(
    fleet: Fleet, first: FakeEngine, second: FakeEngine
) -> None:
    third, one = first.add("client", 3), second.add("client", 1)
    server = second.add("epoll")
    assert fleet.containers(PROJECT) == [one, third, server]
    assert fleet.ended_containers(PROJECT, "client") == [third, one, server]
    assert fleet.cpus == 2
    assert fleet.node_ids == {"first": "node-of-first", "second": "node-of-second"}


def test_a_container_is_asked_through_its_own_engine(fleet: Fleet, second: FakeEngine) -> None:
    server: Any = second.add("epoll")
    assert fleet.environment_of(server)["DOCKER_HOST"] == "unix:///second.sock"
    assert fleet.networks_of(server) == ["n on second"]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], Mapping[str, str]]]:
    """Return the docker commands that are run, with their environments."""
    run: list[tuple[list[str], Mapping[str, str]]] = []
    monkeypatch.setattr(
        module, "run_docker", lambda words, _, environment, **__: run.append((words, environment))
    )
    return run


def test_a_stack_is_deployed_by_the_manager_and_awaited(
    fleet: Fleet,
    first: FakeEngine,
    commands: list[tuple[list[str], Mapping[str, str]]],
    tmp_path: Path,
) -> None:
    path = tmp_path / "stack.json"
    path.write_text(json.dumps(STACK))
    first.states = [[], ["running"], ["running", "preparing"], ["running", "complete"]]
    fleet.deploy(PROJECT, path, {"VARIABLE": "s"})
    ((words, environment),) = commands
    assert words == [
        *("stack", "deploy", "--compose-file", str(path), "--resolve-image", "never", PROJECT)
    ]
    assert environment["DOCKER_HOST"] == "unix:///first.sock"
    assert environment["VARIABLE"] == "s"
    assert len(first.states) == 1


@pytest.mark.usefixtures("commands")
def test_a_task_that_fails_or_never_starts_ends_the_wait(
    fleet: Fleet, first: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "stack.json"
    path.write_text(json.dumps(STACK))
    first.states = [["preparing", "rejected"]]
    with pytest.raises(BackendError, match=f"a task of {PROJECT} rejected: no such image"):
        fleet.deploy(PROJECT, path, {})
    monkeypatch.setattr(module, "DEPLOY_DEADLINE_S", 0.0)
    monkeypatch.setattr(module, "DEPLOY_PER_SERVICE_S", 0.01)
    first.states = [["preparing"]]
    with pytest.raises(BackendError, match=r"did not start within 0\.02 s: \['preparing'\]"):
        fleet.deploy(PROJECT, path, {})


def test_services_are_removed_before_containers_and_networks(
    fleet: Fleet, first: FakeEngine, second: FakeEngine
) -> None:
    first.add("epoll")
    second.add("client", 1)
    assert fleet.remove(PROJECT)
    assert first.removed[0] == "service"
    assert first.removed[-1] == "network"
    assert "epoll 1" in first.removed
    assert second.removed == ["client 1"]


def test_a_host_that_has_gone_hides_nothing_of_the_others(
    fleet: Fleet, first: FakeEngine, second: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = first.add("epoll")

    def gone(**_: object) -> list[SimpleNamespace]:
        raise requests.exceptions.ConnectionError

    second.client.containers.list = gone
    with pytest.raises(requests.exceptions.ConnectionError):
        fleet.containers(PROJECT)
    monkeypatch.setattr(fleet.engines["second"], "answers", lambda: False)
    assert fleet.containers(PROJECT) == [server]
    assert not fleet.remove(PROJECT), "since nobody knows what the second has"
    assert "epoll 1" in first.removed


def test_projects_are_those_of_all_hosts(
    fleet: Fleet, first: FakeEngine, second: FakeEngine
) -> None:
    first.add("epoll")
    second.add("client")
    labels = {PROJECT_LABEL: PROJECT}
    first.left = [SimpleNamespace(attrs={"Labels": labels})]
    kinds = [kind for _, kind in fleet.projects()[PROJECT]]
    assert kinds == ["container", "container", "network"]


def test_without_a_manager_there_is_no_fleet(first: FakeEngine) -> None:
    with pytest.raises(BackendError, match="no manager of the swarm answers"):
        Fleet.of([first.host()], [replace(MANAGER, members=None)])


def connect(monkeypatch: pytest.MonkeyPatch, silent: list[str], *engines: FakeEngine) -> Hosts:
    facts = {"first": MANAGER, "second": WORKER}

    @contextlib.contextmanager
    def all_of(_: Hosts) -> Iterator[tuple[list[HostEngine], list[str]]]:
        yield [engine.host() for engine in engines], silent

    monkeypatch.setattr(module, "connected_to_all", all_of)
    monkeypatch.setattr(module, "read_facts", lambda engine: facts[engine.name])
    return Hosts({name: Host(context="x") for name in facts}, Path())


def test_hosts_that_can_work_together_are_a_fleet(
    first: FakeEngine, second: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connected_fleet(connect(monkeypatch, [], first, second)) as fleet:
        assert [host.name for host in fleet.hosts] == ["first", "second"]


def test_every_problem_of_the_hosts_is_named_before_anything_runs(
    second: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = connect(monkeypatch, ["first: no Docker engine answers"], second)
    with pytest.raises(BackendError) as failure, connected_fleet(hosts):
        pass
    assert [line.strip() for line in str(failure.value).splitlines()] == [
        "the hosts cannot work together; orchestrate.py hosts",
        "first: no Docker engine answers",
        "no manager of the swarm is among second; add one to the hosts file, since only a manager "
        "deploys",
    ]


def test_a_service_that_has_gone_is_no_error(fleet: Fleet, first: FakeEngine) -> None:
    def gone() -> None:
        raise docker.errors.NotFound("service")

    first.client.services.list = lambda **_: [SimpleNamespace(remove=gone)]
    fleet.remove(PROJECT)
    assert first.removed == []


def test_a_service_is_started_again_by_its_name(fleet: Fleet, first: FakeEngine) -> None:
    asked: list[object] = []

    def found(filters: object) -> list[SimpleNamespace]:
        return [SimpleNamespace(force_update=lambda: asked.append(filters))]

    first.client.services.list = found
    fleet.start_again(PROJECT, "epoll")
    assert asked == [{"name": f"{PROJECT}_epoll"}]
