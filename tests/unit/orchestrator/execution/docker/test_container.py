"""Rare answers of the engine, which no real container gives on demand."""

import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import docker
import pytest
import requests

from orchestrator.execution.docker.container import ends_ns, exit_code


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


def test_the_end_of_a_container_is_an_instant_of_the_monotonic_clock() -> None:
    def container(finished_at: str) -> SimpleNamespace:
        return SimpleNamespace(reload=list, attrs={"State": {"FinishedAt": finished_at}})

    assert ends_ns(container("0001-01-01T00:00:00Z")) == ()  # type: ignore[arg-type]
    ended = datetime.now(UTC) - timedelta(seconds=5)
    nanoseconds = ended.strftime("%Y-%m-%dT%H:%M:%S.%f") + "789Z"
    (ended_ns,) = ends_ns(container(nanoseconds))  # type: ignore[arg-type]
    assert 4.9e9 < time.monotonic_ns() - ended_ns < 30e9
