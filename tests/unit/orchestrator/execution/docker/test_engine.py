"""The engine's SDK with answers that no real engine gives on demand."""

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import docker
import pytest
import requests
from tenacity import wait_none

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.engine import (
    NUMBER_LABEL,
    PROJECT_LABEL,
    SERVICE_LABEL,
    Engine,
    engine_failures,
    find_engine,
)


def chained(*errors: BaseException) -> BaseException:
    """Return the first of ``errors``, each of which was caused by the next."""
    for error, cause in pairwise(errors):
        error.__cause__ = cause
    return errors[0]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (docker.errors.APIError("no space left"), "no space left"),
        (chained(docker.errors.DockerException("Error while fetching server API version"),
                 requests.exceptions.ConnectionError("Connection aborted."),
                 PermissionError(13, "Permission denied")), "permission denied"),
        (docker.errors.DockerException("first line\nsecond line"), "first line"),
        (requests.exceptions.ReadTimeout(), "ReadTimeout"),
    ],
)  # fmt: skip
def test_an_error_of_the_sdk_is_reported_by_its_cause(error: Exception, reason: str) -> None:
    with pytest.raises(BackendError) as failure, engine_failures():
        raise error
    assert str(failure.value) == f"the Docker engine failed: {reason}"


def test_other_errors_are_defects_and_pass() -> None:
    with pytest.raises(KeyError), engine_failures():
        raise KeyError("image")


class Removable:
    """A container or a network that refuses to be removed with ``errors``, one after another."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.asked = 0

    def remove(self, **_: bool) -> None:
        self.asked += 1
        if self._errors:
            raise self._errors.pop(0)


def api_error(status: int) -> docker.errors.APIError:
    kind = docker.errors.NotFound if status == 404 else docker.errors.APIError
    response = requests.Response()
    response.status_code = status
    return kind(f"status {status}", response=response)


def engine_with(
    containers: list[Any], networks: list[Any], monkeypatch: pytest.MonkeyPatch
) -> Engine:
    for each in containers:
        if isinstance(each, Removable):
            each.labels = {SERVICE_LABEL: "client"}  # type: ignore[attr-defined]
    monkeypatch.setattr(Engine.remove.retry, "wait", wait_none())
    return Engine(
        SimpleNamespace(  # type: ignore[arg-type]
            containers=SimpleNamespace(list=lambda **_: containers),
            networks=SimpleNamespace(list=lambda **_: networks),
        )
    )


def test_what_has_gone_already_or_is_being_removed_is_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    containers = [Removable(api_error(404)), Removable(api_error(409)), Removable()]
    networks = [Removable(api_error(404)), Removable()]
    engine_with(containers, networks, monkeypatch).remove("lab-0badcafe-1")
    assert [each.asked for each in (*containers, *networks)] == [1] * 5


def test_a_removal_that_failed_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    stubborn = Removable(api_error(500), api_error(500))
    engine_with([stubborn], [], monkeypatch).remove("lab-0badcafe-1")
    assert stubborn.asked == 3


def test_containers_are_sorted_by_service_and_then_by_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As numbers: the tenth client comes after the second."""
    found = [
        SimpleNamespace(labels={SERVICE_LABEL: service, NUMBER_LABEL: number})
        for service, number in (
            ("epoll", "1"), ("client", "10"), ("client", "2"), ("client", "1"),
        )
    ]  # fmt: skip
    ordered = engine_with(found, [], monkeypatch).containers("lab-0badcafe-1")
    assert [each.labels[NUMBER_LABEL] for each in ordered] == ["1", "2", "10", "1"]
    assert ordered[-1].labels[SERVICE_LABEL] == "epoll"


def test_containers_and_networks_are_grouped_by_project(monkeypatch: pytest.MonkeyPatch) -> None:
    def part(project: str) -> SimpleNamespace:
        return SimpleNamespace(attrs={"Labels": {PROJECT_LABEL: project}})

    engine = engine_with([part("a"), part("b"), part("a")], [part("a")], monkeypatch)
    kinds = {name: [kind for _, kind in parts] for name, parts in engine.projects().items()}
    assert kinds == {"a": ["container", "container", "network"], "b": ["container"]}


def test_without_a_docker_command_there_is_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert find_engine() == (None, "there is no docker command")


def test_an_engine_that_does_not_answer_is_reported_with_its_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def connect(**_: object) -> None:
        raise chained(
            docker.errors.DockerException("no version"), FileNotFoundError(2, "Not there")
        )

    monkeypatch.setattr("shutil.which", lambda _name: "docker")
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/socket")
    monkeypatch.setattr("docker.DockerClient", connect)
    assert find_engine() == (
        None,
        "no Docker engine answers at unix:///no/such/socket (not there)",
    )


def test_ended_containers_are_one_request_for_those_alone() -> None:
    requests_: list[dict[str, Any]] = []

    def listed(**request: Any) -> list[str]:  # noqa: ANN401
        requests_.append(request)
        return ["ended"]

    engine = Engine(SimpleNamespace(containers=SimpleNamespace(list=listed)))  # type: ignore[arg-type]
    assert engine.ended_containers("lab-1", "client") == ["ended"]
    (request,) = requests_
    assert request["all"] is True
    assert request["filters"]["status"] == ["exited", "dead"]
    assert f"{SERVICE_LABEL}=client" in request["filters"]["label"]
