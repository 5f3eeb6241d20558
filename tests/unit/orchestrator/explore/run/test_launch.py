"""A run in a child; tests/e2e/test_explore.py has one that measures."""

from pathlib import Path

import pytest

from orchestrator.execution.fault_requests import HAS_ENDED
from orchestrator.explore.run.launch import NOT_BEGUN, Child
from tests.unit.orchestrator.explore.run.run_fixtures import TEXT

DEADLINE_S = 60.0
INVALID = "intent: Who waits?\n"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.mark.slow
def test_what_it_prints_is_kept_and_nothing_is_left(tmp_path: Path, temporary: Path) -> None:
    child = Child("mine", INVALID, "process", tmp_path / "results")
    assert child.has_ended_within(DEADLINE_S)
    assert "missing key 'clients'" in child.error
    assert child.folder is None
    child.close()
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_closing_it_ends_it(tmp_path: Path, temporary: Path) -> None:
    child = Child("mine", INVALID, "process", tmp_path / "results")
    child.close()
    assert child.has_ended_within(0)
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_its_folder_is_not_that_of_another_run_of_the_name(tmp_path: Path) -> None:
    child = Child("mine", INVALID, "process", tmp_path)
    other, own = (
        tmp_path / f"mine-20260131T12000{n}Z-{campaign_id}"
        for n, campaign_id in enumerate(("1a2b3c4d", child.campaign_id))
    )
    other.mkdir()
    assert not child.has_ended_within(0)
    assert child.folder is None
    own.mkdir()
    assert child.ask_for_fault("pause", "1s") == NOT_BEGUN
    child.close()
    assert child.has_ended_within(0)
    assert child.folder == own
    assert child.ask_for_fault("pause", "1s") == HAS_ENDED


@pytest.mark.slow
def test_an_error_is_the_whole_of_its_last_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "none-such")
    child = Child("mine", TEXT, "docker", tmp_path / "results")
    assert child.has_ended_within(DEADLINE_S)
    assert "orchestrate.py" not in child.error
    assert "or run without containers: --backend process" in child.error
    child.close()
