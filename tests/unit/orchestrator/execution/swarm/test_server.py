"""The server on several hosts: whose links a fault cuts."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.execution.backend import BackendError, Crowd, StageOrder
from orchestrator.execution.docker.server import DockerServer
from orchestrator.execution.swarm import server as swarm_server
from orchestrator.execution.swarm.server import SwarmServer

done: list[str] = []


class Container:
    """Has an id, by which it is known here."""

    def __init__(self, own_id: str) -> None:
        self.id = own_id

    def __str__(self) -> str:
        return self.id


class FakeLink:
    """Records what it is told."""

    def __init__(self, container: Container, peer: str, environment: Mapping[str, str]) -> None:
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
        self._engine, self._server, self._client, self._order, control = given
        assert (self._client.id, control) == ("c1", None)

    monkeypatch.setattr(DockerServer, "__init__", init)
    monkeypatch.setattr(DockerServer, "check_running", lambda _: None)
    monkeypatch.setattr(swarm_server, "Link", FakeLink)
    done.clear()


def server(*, is_proxied: bool = False) -> SwarmServer:
    order = StageOrder("epoll", {}, 3, Path(), drain_timeout_s=1.0, is_proxied=is_proxied)
    engine: Any = SimpleNamespace(environment_of=lambda each: {"DOCKER_HOST": f"engine of {each}"})
    near, *far = (Container(f"c{number}") for number in (1, 2, 3))
    clients: Any = {"near": [near], "far": far}
    container: Any = "s"
    return SwarmServer(engine, container, clients, order, None)


def test_a_host_is_cut_off_by_the_links_of_its_clients() -> None:
    found = server()
    found.prepare_disconnect_host("far")
    found.prepare_disconnect_host("far")  # for a second fault
    assert found.disconnect_host("far") > 0
    found.reconnect_host("far")
    found.close_programs()
    found.close_programs()
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
    found.use_answers(of_server=True, of_crowds=False)
    answered_ns = found.kill_process(1)
    assert (answered_ns is None) is (killed_ns is None)
    assert answered_ns is None or answered_ns >= begun_ns
    with pytest.raises(BackendError, match="there is no fault proxy in this case"):
        found.toxics.add({"name": "a"})


class FakeCrowd:
    """Stands for the program that opens idle connections."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        self.printed = '{"pid": 7}\n'
        done.append(f"{' '.join(words)} by {environment['DOCKER_HOST']}")

    def send(self, line: str) -> None:
        done.append(line)
        self.printed += '{"established": 3, "refused": 0, "t_ns": 5}\n'

    def read_until(self, is_enough: Callable[[str], bool], deadline_s: float) -> None:
        assert deadline_s > 0
        assert is_enough(self.printed)

    def close(self) -> None:
        done.append("close")


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_a_crowd_begins_when_it_is_told_to(
    monkeypatch: pytest.MonkeyPatch, is_elsewhere: bool
) -> None:
    monkeypatch.setattr(swarm_server, "LineProgram", FakeCrowd)
    monkeypatch.setattr(
        swarm_server, "kill_process", lambda container, pid: done.append(f"{container} {pid}")
    )
    found, begun_ns = server(), time.monotonic_ns()
    found.use_answers(of_server=False, of_crowds=is_elsewhere)
    found.prepare_crowd("a", Crowd(3, 99, 0.5))
    at_ns = found.fill_backlog("a")
    assert at_ns >= begun_ns if is_elsewhere else at_ns == 5
    found.release_backlog("a")
    found.release_backlog("a")
    command = "exec --interactive c1 python3 -m client.idle_connections epoll:3000 3 line 0.5"
    assert done == [f"{command} by engine of c1", "begin", "c1 7", "close"]


def test_a_host_without_a_client_and_a_cut_without_a_program_are_refused() -> None:
    found = server()
    with pytest.raises(BackendError, match="no client of this run is on moon"):
        found.prepare_disconnect_host("moon")
    with pytest.raises(BackendError, match="no program stands ready to cut the link"):
        found.disconnect_host("far")
    with pytest.raises(BackendError, match="no program stands ready"):
        found.reconnect()
