"""``report`` analyses stored results again and shows them."""

import json
from pathlib import Path

import pytest

from orchestrator.cli.main import main
from orchestrator.results.archive import Archive
from tests.unit.orchestrator.campaign.stored_run_fixtures import SCENARIO, store_campaign


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return store_campaign(tmp_path)[0]


def test_one_run_is_stored_again_and_shown(
    archive: Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = archive.path / "summary.json"
    before = summary.read_bytes()
    summary.write_text(json.dumps({**json.loads(before), "comparisons": [], "exit_code": 4}))
    assert main(["report", str(archive.path)]) == 0
    assert summary.read_bytes() == before
    assert f"results: {archive.path}" in capsys.readouterr().out


def test_json_is_the_stored_summary(archive: Archive, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["analyse", str(archive.path), "--json"]) == 0
    assert capfd.readouterr().out == (archive.path / "summary.json").read_text()


def test_several_runs_are_one_page(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "failing").mkdir()
    failing, _ = store_campaign(tmp_path / "failing", SCENARIO.replace("acked == 2", "acked == 3"))
    page = tmp_path / "both.html"
    assert main(["report", str(archive.path), str(failing.path), "--out", str(page)]) == 1
    assert capsys.readouterr().err == f"side by side: {page}\n"
    assert "Differences: B against A" in page.read_text()


def test_several_runs_have_no_single_json(
    archive: Archive, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(archive.path), str(archive.path), "--json"]) == 2
    assert capsys.readouterr().err == (
        "orchestrate.py: --json is for one run: there is a summary.json for each\n"
    )


def test_a_folder_without_results_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(tmp_path / "nowhere")]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"orchestrate.py: {tmp_path}/nowhere does not hold complete results: ")
