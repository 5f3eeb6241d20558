"""What the swarm backend deploys for a case, with a fleet that records it."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.clock import Clock, own_clock
from orchestrator.execution.backend import Needs, StageEnd, StageOrder
from orchestrator.execution.cpus import Cpus
from orchestrator.execution.docker import backend as docker_backend
from orchestrator.execution.docker.backend import DockerStage
from orchestrator.execution.docker.compose import Compose
from orchestrator.execution.docker.engine import SERVICE_LABEL
from orchestrator.execution.swarm import backend
from orchestrator.execution.swarm.backend import SwarmBackend, SwarmStage
from orchestrator.execution.swarm.late_limits import LateLimits
from orchestrator.scenario.hosts import Host, Hosts
from orchestrator.scenario.server import Limits

HOSTS = Hosts(
    {
        "a": Host.model_validate({"context": "a", "runs": ["server"]}),
        "b": Host(context="b"),
        "c": Host(context="c"),
    },
    Path(),
)
SERVICES = ("epoll", "faultproxy", "conductor", "client")
IMAGES = {"epoll": "sha256:1", "client": "sha256:2"}


class FakeFleet:
    """Records what is deployed."""

    def __init__(self) -> None:
        self.hosts = tuple(SimpleNamespace(name=name) for name in HOSTS.by_name)
        self.engines = dict.fromkeys(HOSTS.by_name)
        self.node_ids = {name: f"node-{name}" for name in HOSTS.by_name}
        self.deployed: list[tuple[str, dict[str, Any], Mapping[str, str]]] = []

    def deploy(self, project: str, stack: Path, secret: Mapping[str, str]) -> None:
        self.deployed.append((project, json.loads(stack.read_text()), secret))

    def silent(self) -> list[str]:
        return ["b"]

    def containers(self, project: str) -> list[str]:
        return [f"a container of {project}"]

    def environment_of(self, container: SimpleNamespace) -> Mapping[str, str]:
        return {"DOCKER_HOST": container.id}


def resolve(_: Compose, *services: str) -> dict[str, Any]:
    return {
        "services": {
            name: {"image": "sha256:1", "environment": {}, "security_opt": ["x"], "cpuset": "0"}
            for name in services
        },
        "networks": {"default": None},
    }


def test_a_case_is_a_stack_whose_containers_are_placed_and_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Compose, "config", resolve)
    limited: list[object] = []
    monkeypatch.setattr(backend, "set_limits", lambda *given: limited.append(given))
    fleet = FakeFleet()
    placed_on = ("", "c", "")
    order = StageOrder(
        "epoll",
        {},
        3,
        tmp_path,
        drain_timeout_s=1.0,
        is_proxied=True,
        placed_on=placed_on,
        limits=Limits(memory="64MiB"),
    )
    swarm = SwarmBackend(fleet, None, HOSTS, "0badcafe")  # type: ignore[arg-type]
    stage = swarm.new_stage("lab-0badcafe-1", order, IMAGES)
    stage.bring_up(SERVICES, tmp_path / "override.yaml")
    ((project, stack, secret),) = fleet.deployed
    assert project == "lab-0badcafe-1"
    assert secret == {"LAB_RUN_SECRET": order.secret}
    nodes = {
        name: each["deploy"]["placement"]["constraints"][0].removeprefix("node.id == ")
        for name, each in stack["services"].items()
    }
    assert nodes == {
        "epoll": "node-a",
        "faultproxy": "node-a",
        "conductor": "node-b",
        "client-1": "node-b",
        "client-2": "node-c",
        "client-3": "node-c",
    }
    assert stack["services"]["client-2"]["environment"]["LAB_PLACED_ON"] == "c"
    assert "epoll.security_opt: ['x']" in stack["x-dropped"]
    assert order.secret not in (tmp_path / "stack.json").read_text()
    limits = {name: LateLimits((0,), must_not_swap=name == "epoll") for name in SERVICES}
    assert limited == [(["a container of lab-0badcafe-1"], limits)]


def test_a_port_is_reached_through_the_engine_of_its_container_until_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []

    def relay(container: SimpleNamespace, port: int, environment: Mapping[str, str]) -> object:
        return SimpleNamespace(
            address=(container.id, port), close=lambda: closed.append(environment["DOCKER_HOST"])
        )

    monkeypatch.setattr(backend, "Relay", relay)
    order = StageOrder("epoll", {}, 1, tmp_path, drain_timeout_s=1.0)
    stage = SwarmStage(FakeFleet(), "lab-0badcafe-1", order, IMAGES, HOSTS)  # type: ignore[arg-type]
    container: Any = SimpleNamespace(id="far")
    assert stage.port_of(container, 3100) == ("far", 3100)
    stage.kill_probes()
    assert closed == ["far"]


def test_images_are_copied_before_the_clocks_are_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[object] = []
    fleet = FakeFleet()
    builder = SimpleNamespace(cpus=2)
    fleet.cpus = 2  # type: ignore[attr-defined]
    monkeypatch.setattr(
        docker_backend, "provide_images", lambda engine, names, *_: dict.fromkeys(names, engine)
    )
    monkeypatch.setattr(
        backend, "copy_images", lambda _, *given: done.append((given[0], len(given[1]), given[2]))
    )
    clocks = dict.fromkeys(HOSTS.by_name, own_clock())
    monkeypatch.setattr(backend, "clocks_of", lambda *_: clocks)
    swarm = SwarmBackend(fleet, builder, HOSTS, "0badcafe")  # type: ignore[arg-type]
    swarm.prepare(Needs(["epoll"]))
    assert done == [(builder, 3, None)]
    assert (swarm.name, swarm.left) == ("swarm", ())
    assert swarm.new_stage("lab-0badcafe-2", order(), IMAGES).is_here
    clocks["b"] = Clock("0ther", 0)
    swarm.prepare(Needs(["epoll"]))
    assert not swarm.new_stage("lab-0badcafe-2", order(), IMAGES).is_here


def test_hosts_that_are_other_machines_are_metered_each_with_its_own_containers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[tuple[str, str, dict[str, list[str]]]] = []

    class FakeMeter:
        def __init__(
            self, host: SimpleNamespace, project: str, image: str, ids: dict[str, list[str]]
        ) -> None:
            self.host = host.name
            started.append((project, image, {part: each for part, each in ids.items() if each}))

        def wait_until_ready(self, _: float) -> None: ...

        def ask(self) -> Any:  # noqa: ANN401 that of a test
            return lambda: self.host

        def close(self) -> None:
            started.clear()

    fleet = FakeFleet()
    services = (
        ("epoll", "a"), ("faultproxy", "a"), ("probe", "a"), ("client", "b"), ("conductor", "b")
    )  # fmt: skip
    containers = [
        SimpleNamespace(id=name, host=host, labels={SERVICE_LABEL: name}) for name, host in services
    ]
    monkeypatch.setattr(fleet, "containers", lambda *_: containers, raising=False)
    host_of = {each.name: each for each in fleet.hosts}
    monkeypatch.setattr(fleet, "host_of", lambda each: host_of[each.host], raising=False)
    monkeypatch.setattr(DockerStage, "start", lambda _: None)
    monkeypatch.setattr(DockerStage, "cpu_s", lambda _: {"probe": None})
    monkeypatch.setattr(backend, "HostMeter", FakeMeter)
    stage = SwarmStage(fleet, "lab-0badcafe-1", order(), IMAGES, HOSTS)  # type: ignore[arg-type]
    stage.cpus = Cpus.all_of(2)
    stage.clocks = {"a": Clock("one", 0), "b": Clock("other", 0), "c": own_clock()}
    stage.start()
    assert started == [
        (
            "lab-0badcafe-1",
            "sha256:2",
            {"server": ["epoll"], "proxy": ["faultproxy"], "probe": ["probe"]},
        ),
        ("lab-0badcafe-1", "sha256:2", {"clients": ["client"], "conductor": ["conductor"]}),
    ]
    reading = stage.read_host()
    assert [(each.name, each.boot_id) for each in reading.machines] == [
        ("a", "one"),
        ("b", "other"),
    ]
    stage.kill_probes()
    assert started == []


def test_hosts_that_are_this_machine_need_no_meter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DockerStage, "start", lambda _: None)
    monkeypatch.setattr(DockerStage, "cpu_s", lambda _: {"server": 1.0})
    stage = SwarmStage(FakeFleet(), "lab-0badcafe-1", order(), IMAGES, HOSTS)  # type: ignore[arg-type]
    stage.cpus = Cpus.of_this_process()
    stage.clocks = dict.fromkeys(HOSTS.by_name, own_clock())
    stage.start()
    reading = stage.read_host()
    assert (reading.machines, reading.here.lab_s) == ((), {"server": 1.0})
    assert reading.here.kernel.idle_s is not None


def order() -> StageOrder:
    return StageOrder("epoll", {}, 1, Path(), drain_timeout_s=1.0)


def test_a_host_that_has_gone_is_named_as_the_cause_of_a_failure() -> None:
    stage = SwarmStage(FakeFleet(), "lab-0badcafe-1", order(), IMAGES, HOSTS)  # type: ignore[arg-type]
    assert stage.cause_of_failure() == "the Docker engine of b does not answer"


def test_a_server_that_is_kept_is_a_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, str]] = []
    fleet = FakeFleet()
    monkeypatch.setattr(fleet, "start_again", lambda *given: started.append(given), raising=False)
    stage = SwarmStage(fleet, "lab-0badcafe-1", order(), IMAGES, HOSTS)  # type: ignore[arg-type]
    stage.start_server()
    assert started == [("lab-0badcafe-1", "epoll")]


def test_the_programs_of_a_stage_may_have_several_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DockerStage, "end", lambda _: StageEnd(0, ()))
    stage = SwarmStage(FakeFleet(), "lab-0badcafe-1", order(), IMAGES, HOSTS)  # type: ignore[arg-type]
    assert stage.end() == StageEnd(0, (), is_one_host=False)


def test_an_interrupt_while_clocks_are_read_leaves_a_project_to_remove(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    fleet = FakeFleet()
    fleet.cpus = 2  # type: ignore[attr-defined]
    monkeypatch.setattr(
        docker_backend, "provide_images", lambda _, names, *__: dict.fromkeys(names, "sha256:1")
    )
    monkeypatch.setattr(backend, "copy_images", lambda *_: None)
    monkeypatch.setattr(backend, "clocks_of", interrupt)
    swarm = SwarmBackend(fleet, None, HOSTS, "0badcafe")  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        swarm.prepare(Needs(["epoll"]))
    assert swarm.left == ("lab-0badcafe-1",)
