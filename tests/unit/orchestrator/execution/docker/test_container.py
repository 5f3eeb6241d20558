"""Rare answers of the engine, which no real container gives on demand."""

import time
from datetime import UTC, datetime

import docker
import pytest
import requests

from orchestrator.execution.docker.container import exit_code, killed_ns


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


class Killed:
    """A container that ended ``ago_s`` before the engine is asked, in the engine's words."""

    def __init__(self, ago_s: float) -> None:
        ended = datetime.fromtimestamp(time.time() - ago_s, UTC)
        text = ended.isoformat().replace("+00:00", "123Z")
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
