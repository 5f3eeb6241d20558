"""What a campaign and a capacity search do before and after their runs."""

import errno
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.campaign import setup as module
from orchestrator.campaign.setup import Setup
from orchestrator.execution import interrupts
from orchestrator.execution.backend import BackendError
from orchestrator.execution.conformance import NonconformingError
from orchestrator.results.archive import Archive
from orchestrator.results.summary import Status
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.server import Target
from tests.unit.orchestrator.campaign.stored_run_fixtures import SCENARIO, FakeBackend


class Steps:
    """Records the steps that are shown."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def preparing(self, backend: str) -> None:
        self.shown.append(f"preparing {backend}")

    def conforming(self, target: Target | None) -> None:
        self.shown.append(f"testing {target}")


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def setup(tmp_path: Path, backend: FakeBackend) -> Setup:
    path = tmp_path / "two.yaml"
    path.write_text(SCENARIO)
    archive = Archive(tmp_path / "results")
    archive.path.mkdir()
    archive.raw_folder("")
    scenario = load_scenario(path, known_models=None)
    return Setup("two", scenario, backend, "as requested", archive, "run two.yaml")


def failing(error: BaseException) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


def test_the_scenario_and_where_it_runs_are_stored(setup: Setup, backend: FakeBackend) -> None:
    steps = Steps()
    environment = setup.prepare(steps)
    assert steps.shown == ["preparing process"]
    assert environment["command"] == "run two.yaml"
    folder = setup.archive.path
    assert json.loads((folder / "environment.json").read_text()) == environment
    assert (folder / "scenario.yaml").read_text() == setup.resolved_scenario
    assert load_scenario(folder / "scenario.yaml", known_models=None) == setup.scenario
    assert backend.needs is not None
    assert backend.needs.models == ["single", "epoll"]


def test_a_target_is_tested_after_the_backend_is_prepared(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = Steps()
    monkeypatch.setattr(module, "hold_to_contract", lambda *_: steps.shown.append("tested"))
    setup.check_target(steps)
    assert steps.shown == ["testing None", "tested"]


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (BackendError("the engine left"), Status.BROKEN, "the engine left"),
        (NonconformingError("2 checks failed"), Status.NONCONFORMING, "2 checks failed"),
        (OSError(errno.ECHILD, "a defect"), Status.BROKEN, "(ECHILD)"),
        (KeyboardInterrupt(), Status.INTERRUPTED, "interrupted by"),
    ],
)
def test_a_failure_or_an_interrupt_ends_the_work_and_is_the_status(
    setup: Setup, backend: FakeBackend, error: BaseException, status: Status, reason: str
) -> None:
    ended = setup.run_to_end(failing(error))
    assert ended.status is status
    assert reason in ended.reason
    assert backend.closed == 1


def test_work_that_ends_as_planned_has_no_reason(setup: Setup, backend: FakeBackend) -> None:
    done: list[int] = []
    ended = setup.run_to_end(lambda: done.append(backend.closed))
    assert (ended.status, ended.reason) == (Status.COMPLETE, "")
    assert (done, backend.closed) == ([0], 1)
    assert ended.started_at.endswith("+00:00")
    assert ended.duration_s >= 0


def test_a_failure_after_an_interrupt_is_part_of_it(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that does not answer fails the clean-up, too, and that is no exit code 3."""
    monkeypatch.setattr(interrupts, "is_interrupted", lambda: True)
    monkeypatch.setattr(interrupts, "signal_name", lambda: "SIGINT")
    ended = setup.run_to_end(failing(BackendError("the engine left")))
    assert ended[:2] == (Status.INTERRUPTED, "interrupted by SIGINT; the engine left")
