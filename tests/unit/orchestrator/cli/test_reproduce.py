"""The command ``reproduce``: which files it tries, and what it refuses."""

from io import StringIO
from pathlib import Path
from typing import cast

import pytest

from orchestrator.cli import place, reproduce
from orchestrator.cli.main import main, parse_arguments
from orchestrator.cli.reproduce import CLAIMS, Places, command_line, read_files
from orchestrator.cli.screen import Screen
from orchestrator.execution.backend import BackendError
from orchestrator.execution.docker.engine import Engine
from orchestrator.results.archive import Archive
from orchestrator.results.exit_codes import MisuseError
from orchestrator.scenario.yaml_document import ScenarioError
from tests.unit.orchestrator.campaign.claim_fixtures import SCENARIO

TIERED = SCENARIO.replace("repeats: 5", "repeats: $n") + (
    "variables: {n: 5}\ntiers: {full: {n: 15}}\n"
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(TIERED)
    return path


def test_without_a_name_all_claims_of_the_tier_are_tried() -> None:
    every = sorted(path.stem for path in CLAIMS.glob("*.yaml"))
    assert [each.name for each in read_files([], "full")] == every
    quick = [each.name for each in read_files([], "quick")]
    only_full = {"free_threading", "free_threading_alone", "kleinrock_variability", "zygos_two"}
    assert set(every) - set(quick) == only_full


def test_a_tier_sets_variables(file: Path) -> None:
    (quick,), (full,) = (read_files([str(file)], tier) for tier in ("quick", "full"))
    assert (quick.scenario.repeats, full.scenario.repeats) == (5, 15)
    assert quick.name == "mine"


def test_a_claim_that_needs_longer_runs_is_judged_in_the_full_tier_only(file: Path) -> None:
    file.write_text(
        TIERED.replace("    known: inverted\n", "    known: inverted\n    tier: full\n")
    )
    (quick,), (full,) = (read_files([str(file)], tier) for tier in ("quick", "full"))
    assert [len(each.scenario.claims) for each in (quick, full)] == [1, 2]


def test_a_name_that_is_no_file_is_refused() -> None:
    known = min(path.stem for path in CLAIMS.glob("*.yaml"))
    with pytest.raises(MisuseError, match=f"did you mean '{known}'"):
        read_files([f"{known}x"], "quick")


def test_a_file_without_claims_and_one_named_twice_are_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(MisuseError, match="is named twice"):
        read_files([str(file), str(file)], "quick")
    bare = tmp_path / "bare.yaml"
    bare.write_text(SCENARIO[: SCENARIO.index("claims:")].replace("source:", "# "))
    assert main(["reproduce", str(bare)]) == 2
    with pytest.raises(MisuseError, match="has no claims; run runs it"):
        read_files([str(bare)], "quick")


def test_a_file_that_needs_the_full_tier_is_refused_by_name_with_the_option_to_add() -> None:
    with pytest.raises(MisuseError, match="no claims of the quick tier; add --tier full"):
        read_files(["free_threading"], "quick")
    assert read_files(["free_threading"], "full")


def test_the_command_line_does_the_same_again() -> None:
    arguments = parse_arguments(["reproduce", "kingman", "--tier", "full"])
    again = command_line(arguments, "docker")
    assert again == (
        ".venv/bin/python orchestrate.py reproduce kingman --tier full --backend docker"
    )
    assert parse_arguments(again.split()[2:]).tier == "full"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of claims: one file has a variable, and one needs the full tier."""
    path = tmp_path / "claims"
    path.mkdir()
    (path / "both.yaml").write_text(TIERED)
    only_full = SCENARIO.replace("known: reproduced", "known: reproduced\n    tier: full")
    only_full = only_full.replace("known: inverted", "known: inverted\n    tier: full")
    (path / "longer.yaml").write_text(only_full)
    monkeypatch.setattr(reproduce, "CLAIMS", path)
    return path


def test_a_file_that_is_left_out_needs_no_variable(folder: Path) -> None:
    (quick,) = read_files([], "quick", {"n": "7"})
    assert (quick.name, quick.scenario.repeats) == ("both", 7)
    with pytest.raises(ScenarioError, match=f"{folder / 'longer.yaml'}.*unknown variable 'n'"):
        read_files([], "full", {"n": "7"})


def test_a_tier_without_any_claim_is_refused(folder: Path) -> None:
    (folder / "both.yaml").unlink()
    with pytest.raises(MisuseError, match="has claims of the quick tier; add --tier full"):
        read_files([], "quick")
    assert main(["reproduce"]) == 2
    (folder / "longer.yaml").unlink()
    with pytest.raises(MisuseError, match="there are no claims in"):
        read_files([], "quick")


ANSWERS = (cast("Engine", object()), "the engine answers")
STOPPED = (None, "no Docker engine answers")


@pytest.fixture
def places(folder: Path, tmp_path: Path) -> Places:
    arguments = parse_arguments(["reproduce"])
    archive = Archive.create(tmp_path, "reproduce", "0badcafe", "both")
    assert folder.is_dir()
    files = read_files([], "full")
    return Places(arguments, Screen(file=StringIO(), width=400), archive, "0badcafe", files)


def test_an_engine_that_stops_leaves_the_rest_undecided_instead_of_measured_elsewhere(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = places.files
    monkeypatch.setattr(place, "find_engine", lambda: ANSWERS)
    setup = places.set_up(first)
    assert (setup.backend.name, setup.backend_reason) == ("docker", "the engine answers")
    monkeypatch.setattr(place, "find_engine", lambda: STOPPED)
    with pytest.raises(BackendError, match="no Docker engine answers"):
        places.set_up(second)


def test_an_engine_that_comes_later_is_not_used(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = places.files
    monkeypatch.setattr(place, "find_engine", lambda: STOPPED)
    setup = places.set_up(first)
    monkeypatch.setattr(place, "find_engine", lambda: ANSWERS)
    again = places.set_up(second)
    assert setup.backend.name == again.backend.name == "process"
    assert setup.backend_reason == again.backend_reason
    assert "plain local processes" in again.backend_reason
    printed = places.messages.file
    assert isinstance(printed, StringIO)
    assert printed.getvalue().count("backend: process") == 1
