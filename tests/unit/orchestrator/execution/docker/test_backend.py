"""What a Docker backend leaves, with an engine that can stop answering."""

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.execution.backend import BackendError, StageOrder
from orchestrator.execution.docker import backend
from orchestrator.execution.docker.backend import DockerBackend, DockerStage
from orchestrator.execution.docker.engine import Engine


class FakeEngine:
    """An engine that answers or not, and removes projects if it does."""

    def __init__(self) -> None:
        self.is_there = True
        self.removed: list[str] = []

    def answers(self) -> bool:
        return self.is_there

    def attend(self, call: Callable[[], object]) -> None:
        call()

    def remove(self, project: str) -> None:
        if not self.is_there:
            raise BackendError("stopped answering")
        self.removed.append(project)


class FakeStage(DockerStage):
    """A stage without containers."""

    def start(self) -> None:
        """Start nothing."""

    def save_logs(self) -> None:
        """Save nothing."""

    def why_out_of_memory(self) -> str:
        return ""


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    monkeypatch.setattr(backend, "DockerStage", FakeStage)
    return FakeEngine()


def backend_on(engine: FakeEngine) -> DockerBackend:
    typed: Engine = engine  # type: ignore[assignment]
    return DockerBackend(typed, "0badcafe", keep=False)


ORDER = StageOrder("epoll", {}, 1, Path(), drain_timeout_s=1.0)


def test_what_was_started_is_removed(engine: FakeEngine) -> None:
    docker = backend_on(engine)
    with docker.stage(ORDER):
        assert list(docker.left) == ["lab-0badcafe-1"]
    docker.close()
    assert (engine.removed, list(docker.left)) == (["lab-0badcafe-1"], [])


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
