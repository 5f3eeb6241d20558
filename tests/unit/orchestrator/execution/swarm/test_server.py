"""The server on several hosts: whose links a fault cuts."""

import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.execution.backend import BackendError, StageOrder
from orchestrator.execution.docker.server import DockerServer
from orchestrator.execution.swarm import server as swarm_server
from orchestrator.execution.swarm.server import SwarmServer

done: list[str] = []


class FakeLink:
    """Records what it is told."""

    def __init__(self, container: str, peer: str, environment: Mapping[str, str]) -> None:
        self._name = f"{container} to {peer} by {environment['DOCKER_HOST']}"

    def send(self, word: str) -> None:
        done.append(f"{word} {self._name}")

    def receive(self, word: str, deadline_s: float) -> None:
        assert deadline_s > 0
        if word == "ready":
            done.append(f"start {self._name}")

    def close(self) -> None:
        done.append("close")


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(self: Any, *given: Any) -> None:  # noqa: ANN401
        self._engine, self._server, client, self._order, control = given
        assert (client, control) == ("c1", None)

    monkeypatch.setattr(DockerServer, "__init__", init)
    monkeypatch.setattr(DockerServer, "check_running", lambda _: None)
    monkeypatch.setattr(swarm_server, "Link", FakeLink)
    done.clear()


def server(*, is_proxied: bool = False) -> SwarmServer:
    order = StageOrder("epoll", {}, 3, Path(), drain_timeout_s=1.0, is_proxied=is_proxied)
    engine: Any = SimpleNamespace(environment_of=lambda each: {"DOCKER_HOST": f"engine of {each}"})
    clients: Any = {"near": ["c1"], "far": ["c2", "c3"]}
    container: Any = "s"
    return SwarmServer(engine, container, clients, order, None)


def test_a_host_is_cut_off_by_the_links_of_its_clients() -> None:
    found = server()
    found.prepare_disconnect_host("far")
    found.prepare_disconnect_host("far")  # for a second fault
    assert found.disconnect_host("far") > 0
    found.reconnect_host("far")
    found.close_links()
    found.close_links()
    second, third = (f"c{number} to epoll by engine of c{number}" for number in (2, 3))
    assert done == [
        f"start {second}", f"start {third}", f"cut {second}", f"cut {third}",
        f"join {second}", f"join {third}", "close", "close",
    ]  # fmt: skip


def test_clients_of_a_proxied_server_are_cut_off_the_proxy_and_the_server_itself_by_its_own() -> (
    None
):
    found = server(is_proxied=True)
    found.prepare_disconnect_host("near")
    found.prepare_disconnect()
    assert found.disconnect() > 0
    found.reconnect()
    assert done == [
        "start c1 to faultproxy by engine of c1",
        "start s to epoll by engine of s",
        "cut s to epoll by engine of s",
        "join s to epoll by engine of s",
    ]


@pytest.mark.parametrize("killed_ns", [None, 7])
def test_an_instant_of_another_clock_is_replaced_by_that_of_its_answer(
    monkeypatch: pytest.MonkeyPatch, killed_ns: int | None
) -> None:
    monkeypatch.setattr(DockerServer, "kill_process", lambda _self, _pid: killed_ns)
    found = server()
    assert found.kill_process(1) == killed_ns
    begun_ns = time.monotonic_ns()
    found.use_answers()
    answered_ns = found.kill_process(1)
    assert (answered_ns is None) is (killed_ns is None)
    assert answered_ns is None or answered_ns >= begun_ns
    with pytest.raises(BackendError, match="there is no fault proxy in this case"):
        found.toxics.add({"name": "a"})


def test_a_host_without_a_client_and_a_cut_without_a_program_are_refused() -> None:
    found = server()
    with pytest.raises(BackendError, match="no client of this run is on moon"):
        found.prepare_disconnect_host("moon")
    with pytest.raises(BackendError, match="no program stands ready to cut the link"):
        found.disconnect_host("far")
    with pytest.raises(BackendError, match="no program stands ready"):
        found.reconnect()
