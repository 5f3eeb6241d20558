"""What engines are asked to do with a registry, and what is said if one refuses."""

import contextlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker
import pytest
import requests

from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.endpoint import Endpoint
from orchestrator.execution.swarm import registry as module
from orchestrator.execution.swarm.connection import HostEngine
from orchestrator.execution.swarm.registry import Pushed, Registry, registry_of
from orchestrator.scenario.hosts import Hosts

IMAGE = "sha256:0123456789abcdef0123"
OWN = "server-models-lab/epoll:source-1"
REPOSITORY = "far:5000/team/server-models-lab"
TAGGED = f"{REPOSITORY}:0123456789abcdef"
PUSHED = Pushed("sha256:9", OWN)
Step = Mapping[str, Any]


class Recorded:
    """An engine that records what it is asked, and answers a transfer with ``steps``."""

    def __init__(self, *steps: Step, tags: tuple[str, ...] = (OWN,)) -> None:
        self.done: list[str] = []
        self._steps = steps
        self._image = SimpleNamespace(tags=list(tags), tag=self._tag)
        self.client = SimpleNamespace(
            images=SimpleNamespace(get=self._get, push=self._push),
            api=SimpleNamespace(pull=self._pull),
        )

    def _tag(self, *words: str) -> None:
        self.done.append(f"tag {':'.join(words)}")

    def _get(self, name: str) -> SimpleNamespace:
        self.done.append(f"find {name}")
        return self._image

    def _push(self, repository: str, tag: str, **how: bool) -> Iterator[Step]:
        assert how == {"stream": True, "decode": True}
        self.done.append(f"push {repository}:{tag}")
        yield from self._steps

    def _pull(self, repository: str, tag: str, **how: bool) -> Iterator[Step]:
        assert how == {"stream": True, "decode": True}
        self.done.append(f"pull {repository} {tag}")
        yield from self._steps

    def remove_image(self, name: str) -> bool:
        self.done.append(f"untag {name}")
        return True

    @contextlib.contextmanager
    def patience(self) -> Iterator[None]:
        yield


@pytest.fixture
def registry() -> Registry:
    """Return the registry of team."""
    return Registry("far:5000/team")


def test_an_image_is_pushed_under_a_tag_that_goes_again(registry: Registry) -> None:
    builder: Any = Recorded({"status": "Pushed"}, {"aux": {"Tag": "0", "Digest": "sha256:9"}})
    assert registry.push(IMAGE, builder) == PUSHED
    assert builder.done == [
        f"find {IMAGE}", f"tag {TAGGED}", f"push {TAGGED}", f"untag {TAGGED}",
    ]  # fmt: skip


def test_an_image_without_a_tag_keeps_the_one_of_the_registry(registry: Registry) -> None:
    """Otherwise it would go with its only tag."""
    builder: Any = Recorded({"aux": {"Digest": "sha256:9"}}, tags=(TAGGED,))
    assert registry.push(IMAGE, builder) == Pushed("sha256:9", None)
    assert builder.done[-1] == f"push {TAGGED}"


def test_an_image_is_pulled_by_its_digest_and_called_as_here(registry: Registry) -> None:
    host: Any = Recorded({"status": "Pull complete"})
    registry.pull(PUSHED, "far", host)
    name = f"{REPOSITORY}@sha256:9"
    assert host.done == [f"pull {REPOSITORY} sha256:9", f"find {name}", f"tag {OWN}",
                         f"untag {name}"]  # fmt: skip


def test_an_image_that_has_no_tag_here_is_left_with_its_digest(registry: Registry) -> None:
    host: Any = Recorded()
    registry.pull(Pushed("sha256:9", None), "far", host)
    assert host.done == [f"pull {REPOSITORY} sha256:9"]


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("no basic auth credentials", "log in on this machine: docker login far:5000"),
        ("unauthorized: authentication required", "log in on this machine: docker login far:5000"),
        ("denied: requested access to the resource is denied",
         "log in on this machine: docker login far:5000, as somebody who may"),
        ("x509: certificate has expired",
         "put its CA into /etc/docker/certs.d/far:5000/ca.crt on that host, or correct its "
         "certificate"),
        ("http: server gave HTTP response to HTTPS client",
         "it has no TLS; give it a certificate, or add far:5000 to insecure-registries in the "
         "daemon.json of that engine"),
        ("dial tcp: connect:\nconnection refused", "does it run, and does that engine reach it?"),
    ],
)  # fmt: skip
def test_a_refusal_is_one_line_with_what_to_do(registry: Registry, said: str, advice: str) -> None:
    builder: Any = Recorded({"status": "x"}, {"error": said, "errorDetail": {"message": said}})
    with pytest.raises(BackendError) as failure:
        registry.push(IMAGE, builder)
    assert str(failure.value) == (
        "this machine's engine cannot push to the registry far:5000/team "
        f"({said.replace(chr(10), ' ')}); {advice}"
    )
    assert builder.done[-1] == f"untag {TAGGED}"
    host: Any = Recorded({"error": said})
    with pytest.raises(BackendError, match=r"^b: its engine cannot pull from the registry far:"):
        registry.pull(PUSHED, "b", host)


def test_a_pull_without_progress_is_given_up(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()

    def stall() -> Iterator[Step]:
        yield {"status": "Downloading"}
        over.wait()

    host: Any = Recorded()
    host.client.api.pull = lambda *_, **__: stall()
    monkeypatch.setattr(module, "SILENCE_S", 0.05)
    try:
        with pytest.raises(BackendError, match=r"far:5000/team \(no progress within 0\.05 s\); "):
            registry.pull(PUSHED, "b", host)
    finally:
        over.set()


def asked(error: Exception) -> HostEngine:
    """Return the host b, whose engine answers every question about a registry with ``error``."""

    def inspect(name: str) -> None:
        assert name == f"{REPOSITORY}:check"
        raise error

    client = SimpleNamespace(api=SimpleNamespace(inspect_distribution=inspect, timeout=10))
    return HostEngine("b", "unix:///x", client, Endpoint("unix:///x"))  # type: ignore[arg-type]


def test_a_registry_that_has_nothing_yet_is_no_problem(registry: Registry) -> None:
    unknown = docker.errors.NotFound("404", explanation="manifest unknown: manifest unknown")
    assert registry.problem_of(asked(unknown)) == ""


def test_a_registry_that_an_engine_does_not_reach_is_a_problem(registry: Registry) -> None:
    failed = docker.errors.APIError("500", explanation='Get "https://far:5000/v2/": i/o timeout')
    assert registry.problem_of(asked(failed)) == (
        'b: its engine cannot pull from the registry far:5000/team (Get "https://far:5000/v2/": '
        "i/o timeout); does it run, and does that engine reach it?"
    )


def test_an_engine_that_does_not_answer_is_not_taken_for_the_registry(registry: Registry) -> None:
    found = registry.problem_of(asked(requests.exceptions.ReadTimeout()))
    assert "registry far:5000/team (that engine does not answer); " in found


def test_a_registry_is_that_of_the_hosts_file() -> None:
    assert registry_of(Hosts({}, Path())) is None
    found = registry_of(Hosts({}, Path(), registry="localhost:5000"))
    assert found is not None
    assert found.repository == "localhost:5000/server-models-lab"
