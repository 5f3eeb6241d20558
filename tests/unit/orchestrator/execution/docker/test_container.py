"""Rare answers of the engine, which no real container gives on demand."""

from types import SimpleNamespace

import docker
import pytest
import requests

from orchestrator.execution.docker.container import exit_code, out_of_memory


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
