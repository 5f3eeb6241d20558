"""The engine's SDK with answers that no real engine gives on demand."""

import threading
from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import docker
import pytest
import requests
from tenacity import wait_none

from orchestrator.execution import background
from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker import engine
from orchestrator.execution.docker.endpoint import CHOOSING, Endpoint
from orchestrator.execution.docker.engine import (
    NO_ANSWER,
    NO_COMPOSE,
    NUMBER_LABEL,
    PROJECT_LABEL,
    SERVICE_LABEL,
    STACK_LABEL,
    Engine,
    engine_failures,
    find_engine,
    in_parallel,
    remedy,
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
        (requests.exceptions.ReadTimeout(), NO_ANSWER),
        (requests.exceptions.InvalidURL(), "InvalidURL"),
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

    found = engine_with([part("a"), part("b"), part("a")], [part("a")], monkeypatch)
    kinds = {name: [kind for _, kind in parts] for name, parts in found.projects().items()}
    assert kinds == {"a": ["container", "container", "network"], "b": ["container"]}


@pytest.fixture(autouse=True)
def _no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CHOOSING:
        monkeypatch.delenv(name, raising=False)


def test_what_swarm_has_deployed_is_no_project_of_an_engine() -> None:
    labels = {PROJECT_LABEL: "lab-0badcafe-1", STACK_LABEL: "lab-0badcafe-1"}
    parts = SimpleNamespace(list=lambda **_: [SimpleNamespace(attrs={"Labels": labels})])
    found = Engine(SimpleNamespace(containers=parts, networks=parts))  # type: ignore[arg-type]
    assert found.projects() == {}


@pytest.mark.parametrize(("tags", "named"), [(["a:1", "a:2"], "a:1"), ([], False)])
def test_an_image_is_packed_with_a_tag_if_it_has_one_and_loaded(
    tags: list[str], named: object
) -> None:
    asked: list[object] = []

    def save(named: object) -> list[bytes]:
        asked.append(named)
        return [b"packed"]

    loaded: list[bytes] = []
    images = SimpleNamespace(
        get=lambda _: SimpleNamespace(tags=tags, save=save), load=loaded.extend
    )
    api = SimpleNamespace(timeout=10)
    found = Engine(SimpleNamespace(images=images, api=api))  # type: ignore[arg-type]
    found.load_image(found.packed_image("sha256:1"))
    assert (loaded, asked, api.timeout) == ([b"packed"], [named], 10)


def test_a_container_of_one_engine_needs_no_variables_to_be_reached() -> None:
    assert Engine(SimpleNamespace()).environment_of(SimpleNamespace()) == {}  # type: ignore[arg-type]


def test_without_a_docker_command_there_is_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert find_engine() == (None, "there is no docker command")


def test_an_engine_that_was_chosen_needs_a_docker_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:2375")
    with pytest.raises(BackendError, match="no docker command, though DOCKER_HOST chooses it"):
        find_engine()


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Callable[[Endpoint], None]:
    """Install an endpoint at which no engine answers."""

    def connect(*_: object, **__: object) -> None:
        raise chained(
            docker.errors.DockerException("no version"), PermissionError(13, "Permission denied")
        )

    def install(endpoint: Endpoint) -> None:
        monkeypatch.setattr("shutil.which", lambda _name: "docker")
        monkeypatch.setattr(engine, "find_endpoint", lambda: endpoint)
        monkeypatch.setattr(engine, "DirectClient", connect)

    return install


def test_an_engine_that_does_not_answer_is_reported_with_its_address(
    silent: Callable[[Endpoint], None],
) -> None:
    silent(Endpoint("unix:///no/such/socket"))
    refused = "permission denied: is your user in the group docker?"
    reason = f"no Docker engine answers at unix:///no/such/socket ({refused})"
    assert find_engine() == (None, reason)
    assert "usermod -aG docker" in remedy(reason)


@pytest.mark.parametrize("choice", ["DOCKER_HOST", "the docker context far"])
def test_nothing_takes_the_place_of_an_engine_that_was_chosen(
    choice: str, silent: Callable[[Endpoint], None]
) -> None:
    silent(Endpoint("tcp://far:2376", choice))
    with pytest.raises(BackendError, match=f"at tcp://far:2376 .*, though {choice} chooses it"):
        find_engine()


def test_an_engine_over_ssh_is_named_as_out_of_reach(silent: Callable[[Endpoint], None]) -> None:
    silent(Endpoint("ssh://me@far", "DOCKER_HOST"))
    with pytest.raises(BackendError, match=r"ports cannot be reached.*run the orchestrator on"):
        find_engine()


@pytest.mark.parametrize(
    ("reason", "choice", "advice"),
    [
        ("no Docker engine answers at unix:///x (no such file or directory)", "",
         "start one (as root: make engine base-image)"),
        ("no Docker engine answers at tcp://x (refused)", "DOCKER_HOST",
         "start it or correct DOCKER_HOST"),
        (f"{NO_COMPOSE} (unknown command)", "", "install it (as root: make engine)"),
    ],
)  # fmt: skip
def test_the_remedy_is_that_of_the_reason(reason: str, choice: str, advice: str) -> None:
    assert remedy(reason, choice) == advice


class Images:
    """The SDK's images: one that a container uses, one that has gone, one that can be removed."""

    def remove(self, name: str) -> None:
        errors = {"used": api_error(409), "gone": api_error(404), "broken": api_error(500)}
        if name in errors:
            raise errors[name]


def test_an_image_that_a_container_uses_is_not_removed() -> None:
    found = Engine(SimpleNamespace(images=Images()))  # type: ignore[arg-type]
    assert [found.remove_image(name) for name in ("used", "gone", "free")] == [False, True, True]
    with pytest.raises(docker.errors.APIError):
        found.remove_image("broken")


@pytest.mark.parametrize("status", [400, 404])
def test_an_image_whose_name_is_not_allowed_is_not_there(status: int) -> None:
    def get(_tag: str) -> None:
        kind = docker.errors.ImageNotFound if status == 404 else docker.errors.APIError
        raise kind("no such image", api_error(status).response)

    found = Engine(SimpleNamespace(images=SimpleNamespace(get=get)))  # type: ignore[arg-type]
    assert found.find_image("python@sha256:1") is None


def test_after_a_failure_no_further_call_is_begun() -> None:
    """With an engine that hangs, each of a hundred calls would wait for its timeout."""
    begun: list[int] = []

    def call(number: int) -> None:
        begun.append(number)
        if number:
            threading.Event().wait(0.02)  # longer than it takes to notice the failure of the first
        raise requests.exceptions.ReadTimeout

    with pytest.raises(requests.exceptions.ReadTimeout):
        in_parallel(call, range(1_000))
    assert len(begun) < 1_000
    assert in_parallel(str, range(20)) == [str(number) for number in range(20)]


def test_an_engine_that_is_silent_is_not_waited_for_again_and_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[int] = []

    def connect(_: Endpoint, timeout_s: int) -> None:
        tried.append(timeout_s)
        raise requests.exceptions.ReadTimeout

    monkeypatch.setattr(engine, "DirectClient", connect)
    gone = Engine(SimpleNamespace(), Endpoint("unix:///gone"))  # type: ignore[arg-type]
    assert [gone.answers(), gone.answers()] == [False, False]
    assert len(tried) == engine.ANSWER_TRIES
    assert sum(tried) < 15


def test_a_removal_ends_at_once_if_the_engine_has_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    stubborn = Removable(*[requests.exceptions.ReadTimeout()] * 9)
    silent = engine_with([stubborn], [], monkeypatch)
    monkeypatch.setattr(silent, "answers", lambda: False)
    with pytest.raises(BackendError, match="stopped answering"):
        silent.remove("lab-0badcafe-1")
    assert stubborn.asked == 1


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


def test_after_an_interrupt_a_silent_engine_ends_the_clean_up_within_two_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may_end = threading.Event()
    monkeypatch.setattr(engine, "DirectClient", lambda *_: may_end.wait(5))
    monkeypatch.setattr(engine, "is_interrupted", lambda: True)
    monkeypatch.setattr(background, "is_interrupted", lambda: True)
    assert engine.INTERRUPTED_S < 2
    for wait in (engine, background):
        monkeypatch.setattr(wait, "LOOK_EVERY_S", 0.001)
    monkeypatch.setattr(engine, "INTERRUPTED_S", 0.01)
    silent = Engine(SimpleNamespace(), Endpoint("unix:///silent"))  # type: ignore[arg-type]
    with pytest.raises(BackendError, match="unix:///silent does not answer"):
        silent.attend(lambda: may_end.wait(5))
    may_end.set()
