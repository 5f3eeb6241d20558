"""A run in a child; tests/e2e/test_explore.py has one that measures."""

from pathlib import Path

import pytest

from orchestrator.execution.fault_requests import HAS_ENDED
from orchestrator.explore.run.launch import NOT_BEGUN, Child, Printed
from orchestrator.results.fault_log import FORESTALLED
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


def test_its_lines_say_whether_a_server_is_under_load_and_what_did_not_take_place() -> None:
    printed, late = Printed(), f"[1/2] single: fault pause (by hand) {FORESTALLED}"
    for line, is_under_load in {
        "backend: docker 29.0": False,
        "[1/2] single: starting": False,
        "[1/2] single: under load": True,
        "[1/2] single: fault pause is over": True,
        late: True,
        "[1/2] single: stopping": False,
        "[2/2] epoll users=5: under load": True,
        "[2/2] epoll users=5: starting": False,
    }.items():
        printed.add(line)
        assert printed.is_under_load is is_under_load, line
    assert (printed.forestalled, printed.is_in_containers) == ([late], True)
    assert printed.lines[-1] == "[2/2] epoll users=5: starting"


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
