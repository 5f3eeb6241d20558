"""The command ``reproduce``: which files it tries, and what it refuses."""

from pathlib import Path

import pytest

from orchestrator.cli.main import main, parse_arguments
from orchestrator.cli.reproduce import CLAIMS, command_line, read_files
from orchestrator.results.exit_codes import MisuseError
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
