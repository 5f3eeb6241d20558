"""The place of a campaign or a capacity search: which backend, and the command in the results."""

from io import StringIO
from pathlib import Path

import pytest

from orchestrator.campaign.setup import Setup
from orchestrator.cli import place
from orchestrator.cli.place import Place, choose_backend
from orchestrator.cli.screen import Screen
from orchestrator.execution.backend import BackendError
from orchestrator.execution.process.backend import ProcessBackend
from orchestrator.results.archive import Archive
from orchestrator.scenario.load import load_scenario
from tests.unit.orchestrator.campaign.stored_run_fixtures import SCENARIO, FakeBackend

NO_ENGINE = "no Docker engine answers"


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "find_engine", lambda: (None, NO_ENGINE))


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ("process", "as requested"),
        ("auto", f"{NO_ENGINE}; plain local processes instead of containers"),
    ],
)
def test_without_an_engine_runs_are_local_processes(choice: str, reason: str) -> None:
    backend, why = choose_backend(choice, "0badcafe", keep=False)
    assert isinstance(backend, ProcessBackend)
    assert why == reason


@pytest.mark.parametrize(
    ("choice", "keep", "message"),
    [
        ("docker", False, "make engine base-image.*--backend process"),
        ("auto", True, "no Docker engine answers; start one"),
        ("process", True, "--keep keeps containers running, and --backend process has none"),
    ],
)
def test_what_needs_containers_fails_without_them(choice: str, keep: bool, message: str) -> None:
    with pytest.raises(BackendError, match=message):
        choose_backend(choice, "0badcafe", keep=keep)


def test_what_stays_behind_is_named_with_what_removes_it(tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    path.write_text(SCENARIO)
    scenario = load_scenario(path, known_models=None)
    backend, printed = FakeBackend(), StringIO()
    backend.kept, backend.left = ("lab-kept",), ("lab-left",)
    setup = Setup("two", scenario, backend, "as requested", Archive(tmp_path))
    Place(setup, Screen(file=printed, width=400), "0badcafe").show_left()
    kept, left = printed.getvalue().splitlines()
    assert kept == "kept; to remove: docker compose -p lab-kept down"
    assert "the project lab-left" in left
    assert left.endswith("orchestrate.py clean --campaign 0badcafe")
