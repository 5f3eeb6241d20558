"""Rare answers of the engine, which no real container gives on demand."""

import time
from datetime import UTC, datetime, timedelta
from socket import create_server
from types import SimpleNamespace

import docker
import pytest
import requests

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker import container
from orchestrator.execution.docker.container import (
    check_reachable,
    ends_ns,
    exit_code,
    killed_ns,
    out_of_memory,
    published,
)
from tests.port_fixtures import held_port


class Awkward:
    """A container that ends between the timeout and the kill."""

    def __init__(self) -> None:
        self.waited = 0

    def wait(self, timeout: float) -> dict[str, int]:
        self.waited += 1
        if self.waited == 1:
            raise requests.exceptions.ConnectionError(f"nothing for {timeout} s")
        return {"StatusCode": 0}

    def kill(self) -> None:
        raise docker.errors.APIError("409: is not running")


def test_a_container_that_ends_just_before_it_is_killed_has_its_own_exit_code() -> None:
    assert exit_code(Awkward()) == 0  # type: ignore[arg-type]


def test_an_engine_that_stays_silent_is_not_waited_for_without_end() -> None:
    class Silent(Awkward):
        def wait(self, timeout: float) -> dict[str, int]:
            raise requests.exceptions.ConnectionError(f"nothing for {timeout} s")

    with pytest.raises(requests.exceptions.ConnectionError):
        exit_code(Silent())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "reported"),
    [
        ({"OOMKilled": True}, "the kernel killed a process of epoll, whose memory limit is 64 MiB"),
        ({"OOMKilled": False}, None),
        ({}, None),
    ],
)
def test_an_end_for_lack_of_memory_is_reported_with_the_limit(
    state: dict[str, bool], reported: str | None
) -> None:
    ended = SimpleNamespace(
        reload=lambda: None, attrs={"State": state, "HostConfig": {"Memory": 64 << 20}}
    )
    assert out_of_memory(ended, "epoll") == reported  # type: ignore[arg-type]


def test_a_port_that_this_host_does_not_have_is_named_with_the_engine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As from within a container, or with an engine on another machine."""
    monkeypatch.setattr(container, "REACHABLE_DEADLINE_S", 0.02)
    with held_port() as port:
        address = ("127.0.0.1", port)
        with create_server(address):
            check_reachable(address, "tcp://engine:2375")
        with pytest.raises(BackendError, match=r"tcp://engine:2375 .* 127\.0\.0\.1:\d+, which can"):
            check_reachable(address, "tcp://engine:2375")


@pytest.mark.parametrize("ports", [{}, {"3100/tcp": None}, {"3100/tcp": []}])
def test_a_port_that_is_not_published_is_named(ports: dict[str, object]) -> None:
    unpublished = SimpleNamespace(reload=lambda: None, ports=ports, name="lab-1-conductor-1")
    with pytest.raises(BackendError, match="published no port of lab-1-conductor-1"):
        published(unpublished, 3100)  # type: ignore[arg-type]


class Killed:
    """A container that ended ``ago_s`` before the engine is asked, in the engine's words."""

    def __init__(self, ago_s: float) -> None:
        ended = datetime.fromtimestamp(time.time() - ago_s, UTC)
        text = ended.isoformat(timespec="microseconds").replace("+00:00", "123Z")
        self.attrs = {"State": {"FinishedAt": text}}

    def reload(self) -> None:
        pass


def test_a_container_was_killed_when_it_ended_and_not_when_the_engine_answered() -> None:
    begun_ns = time.monotonic_ns() - 100_000_000
    found = killed_ns(Killed(0.08), begun_ns)  # type: ignore[arg-type]
    assert begun_ns + 15_000_000 < found < begun_ns + 80_000_000


@pytest.mark.parametrize("ago_s", [3600.0, -3600.0])
def test_an_engine_whose_clock_differs_gives_no_instant(ago_s: float) -> None:
    before_ns = time.monotonic_ns()
    found = killed_ns(Killed(ago_s), before_ns - 1)  # type: ignore[arg-type]
    assert before_ns <= found <= time.monotonic_ns()


def test_the_end_of_a_container_is_an_instant_of_the_monotonic_clock() -> None:
    def container(finished_at: str) -> SimpleNamespace:
        return SimpleNamespace(reload=list, attrs={"State": {"FinishedAt": finished_at}})

    assert ends_ns(container("0001-01-01T00:00:00Z")) == ()  # type: ignore[arg-type]
    ended = datetime.now(UTC) - timedelta(seconds=5)
    nanoseconds = ended.strftime("%Y-%m-%dT%H:%M:%S.%f") + "789Z"
    (ended_ns,) = ends_ns(container(nanoseconds))  # type: ignore[arg-type]
    assert 4.9e9 < time.monotonic_ns() - ended_ns < 30e9
