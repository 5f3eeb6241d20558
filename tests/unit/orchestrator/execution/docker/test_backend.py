"""What a Docker backend leaves, with an engine that can stop answering."""

from collections.abc import Callable
from pathlib import Path

import pytest
from docker.errors import APIError

from orchestrator.execution.backend import BackendError, Needs, StageOrder
from orchestrator.execution.docker import backend
from orchestrator.execution.docker.backend import DockerBackend, DockerStage
from orchestrator.execution.docker.engine import Engine
from orchestrator.scenario.server import Limits


class FakeEngine:
    """An engine that answers or not, and removes projects if it does."""

    cpus = 2

    def __init__(self) -> None:
        self.is_there = self.is_whole = True
        self.removed: list[str] = []

    def answers(self) -> bool:
        return self.is_there

    def attend(self, call: Callable[[], object]) -> None:
        call()

    def remove(self, project: str) -> bool:
        if not self.is_there:
            raise BackendError("stopped answering")
        self.removed.append(project)
        return self.is_whole


class FakeStage(DockerStage):
    """A stage without containers."""

    def start(self) -> None:
        """Start nothing."""

    def save_logs(self) -> None:
        """Save nothing."""

    def cause_of_failure(self) -> str:
        return ""


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    monkeypatch.setattr(backend, "DockerStage", FakeStage)
    return FakeEngine()


def backend_on(engine: FakeEngine) -> DockerBackend:
    typed: Engine = engine  # type: ignore[assignment]
    return DockerBackend(typed, "0badcafe", keep=False)


ORDER = StageOrder("epoll", {}, 1, Path(), drain_timeout_s=1.0)


def test_a_cpu_that_the_engine_does_not_have_is_refused_first(engine: FakeEngine) -> None:
    needs = Needs(["epoll"], limits=[Limits(cpuset="0-1"), Limits(client_cpuset=2)])
    with pytest.raises(BackendError, match=r"client_cpuset: CPU 2 cannot be used here; .*: 0-1"):
        backend_on(engine).prepare(needs)


def test_what_was_started_is_removed(engine: FakeEngine) -> None:
    docker = backend_on(engine)
    with docker.stage(ORDER):
        assert list(docker.left) == ["lab-0badcafe-1"]
    docker.close()
    assert (engine.removed, list(docker.left)) == (["lab-0badcafe-1"], [])


def test_a_network_that_the_engine_refuses_to_remove_is_left_and_the_run_counts(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Engine 20.10 was seen to count endpoints that no container has."""

    def refuse(_project: str) -> None:
        raise APIError("network lab-0badcafe-1_control has active endpoints")

    monkeypatch.setattr(engine, "remove", refuse)
    docker = backend_on(engine)
    with docker.stage(ORDER):
        pass
    docker.close()
    assert docker.left == ("lab-0badcafe-1",)


def test_what_one_of_several_hosts_still_has_is_left(engine: FakeEngine) -> None:
    engine.is_whole = False
    docker = backend_on(engine)
    with docker.stage(ORDER):
        pass
    assert list(docker.left) == ["lab-0badcafe-1"]
    engine.is_whole = True
    docker.close()
    assert list(docker.left) == []


def test_an_engine_that_has_gone_changes_no_reason_and_leaves_a_name(engine: FakeEngine) -> None:
    """An interrupt stays an interrupt, and a failure keeps its own message."""
    docker = backend_on(engine)

    def run() -> None:
        with docker.stage(ORDER):
            engine.is_there = False
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run()
    docker.close()
    assert (engine.removed, docker.left) == ([], ("lab-0badcafe-1",))
    engine.is_there = True
    docker.close()
    assert (engine.removed, docker.left) == (["lab-0badcafe-1"], ())
