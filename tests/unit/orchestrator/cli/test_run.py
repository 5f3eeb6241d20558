"""``run`` runs a campaign, and shows its findings."""

import json
from pathlib import Path

import pytest

from orchestrator.campaign import campaign
from orchestrator.cli import place
from orchestrator.cli.main import main
from orchestrator.execution.owner import MARK
from tests.unit.orchestrator.campaign.stored_run_fixtures import SCENARIO, store_run

NO_ENGINE = "no Docker engine answers"


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "find_engine", lambda: (None, NO_ENGINE))
    monkeypatch.setenv(MARK, "")


@pytest.fixture
def scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a scenario whose runs leave files made by hand."""
    monkeypatch.setattr(campaign, "execute", lambda *order: store_run(order[3]))
    path = tmp_path / "two users.yaml"
    path.write_text(f"variables: {{users: 2}}\n{SCENARIO.replace('users: 2', 'users: $users')}")
    return path


def test_the_results_are_stored_and_shown(
    scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(scenario), "--backend", "process", "--out", str(tmp_path / "out")]) == 0
    (folder,) = (tmp_path / "out").iterdir()
    assert folder.name.startswith("two-users-20")
    printed = capsys.readouterr()
    assert printed.err.startswith("backend: process (as requested)\n")
    assert f"results: {folder}" in printed.out
    assert json.loads((folder / "summary.json").read_text())["scenario"] == "two-users"


def test_the_command_in_the_results_runs_the_same_again(scenario: Path, tmp_path: Path) -> None:
    options = ["--set", "users=2", "--backend", "process", "--accept-invalid"]
    assert main(["run", str(scenario), *options, "--out", str(tmp_path / "out")]) == 0
    (stored,) = (tmp_path / "out").glob("*/environment.json")
    assert json.loads(stored.read_text())["command"] == (
        f".venv/bin/python orchestrate.py run '{scenario}' "
        "--set users=2 --backend process --accept-invalid"
    )


def test_a_target_that_is_no_image_runs_as_a_process(
    scenario: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = "target: {name: mine, command: [./mine], conformance: skip}\n"
    scenario.write_text(target + SCENARIO.replace("models: [single, epoll]\n", "").replace(
        "compare: [makespan(epoll) ~= makespan(single) within 1%]\n", ""
    ).replace("server: {workers: 1}\n", ""))  # fmt: skip
    main([str(scenario), "--out", str(tmp_path / "out")])
    assert capsys.readouterr().err.startswith("backend: process (mine is no image)\n")


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a b.yaml", "a-b"),
        (".hidden.yaml", "hidden"),
        ("ü.yaml", "scenario"),
        (f"{'x' * 99}.yaml", "x" * 60),
    ],
)
def test_the_name_of_the_results_works_on_every_file_system(
    file: str, name: str, scenario: Path, tmp_path: Path
) -> None:
    path = scenario.rename(tmp_path / file)
    assert main([str(path), "--backend", "process", "--out", str(tmp_path / "out")]) == 0
    (folder,) = (tmp_path / "out").iterdir()
    assert folder.name.startswith(f"{name}-20")
