"""``report`` analyses stored results again and shows them."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import main
from orchestrator.report.publish import publish_capacity
from orchestrator.results.archive import Archive
from tests.unit.orchestrator.campaign.stored_run_fixtures import SCENARIO, store_campaign
from tests.unit.orchestrator.capacity.capacity_fixtures import capacity, case


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


@pytest.fixture
def read_only(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """Return stored results into which nothing can be written, for root neither."""
    opened = Path.open

    def refuse(path: Path, mode: str = "r", *more: Any, **options: Any) -> Any:  # noqa: ANN401
        if mode == "wb" and archive.path in path.parents:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(path, mode, *more, **options)

    monkeypatch.setattr(Path, "open", refuse)
    return archive


@pytest.mark.parametrize(("acked", "code"), [("acked == 2", 0), ("acked == 3", 1)])
def test_a_read_only_run_is_shown_with_the_code_of_its_verdict(
    acked: str, code: int, read_only: Archive, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    scenario = read_only.path / "scenario.yaml"
    scenario.write_text(scenario.read_text().replace("acked == 2", acked))
    before = {path: path.read_bytes() for path in read_only.path.rglob("*") if path.is_file()}
    assert main(["report", str(read_only.path)]) == code
    shown = capfd.readouterr()
    assert "expectations" in shown.out
    assert shown.err == (
        f"{read_only.path} is read-only: nothing is stored; --out FILE writes the page\n"
    )
    assert main(["report", str(read_only.path), "--json"]) == code
    assert json.loads(capfd.readouterr().out)["exit_code"] == code
    page = tmp_path / "page.html"
    assert main(["report", str(read_only.path), "--out", str(page)]) == code
    assert "<html" in page.read_text()
    assert before == {
        path: path.read_bytes() for path in read_only.path.rglob("*") if path.is_file()
    }


def test_the_page_of_one_run_goes_where_out_says(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.html"
    assert main(["report", str(archive.path), "--out", str(page)]) == 0
    assert page.read_text() == (archive.path / "report.html").read_text()
    assert capsys.readouterr().err == f"page: {page}\n"


def test_a_page_that_cannot_be_written_is_an_error_after_the_tables(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(archive.path), "--out", str(tmp_path / "no" / "page.html")]) == 3
    shown = capsys.readouterr()
    assert "all 3 expectations" in shown.out or "expectations hold" in shown.out
    assert f"cannot write {tmp_path}/no/page.html" in shown.err
    assert main(["report", str(archive.path), "--out", "."]) == 2


def test_the_page_of_a_capacity_search_is_drawn_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = capacity(case(), exit_code=4)
    publish_capacity(found, Archive(tmp_path))
    (tmp_path / "scenario.yaml").write_text("intent: Which?\n")
    stored = (tmp_path / "capacity.json").read_bytes()
    (tmp_path / "report.html").unlink()
    assert main(["report", str(tmp_path)]) == 4
    assert "intent: Which?" in (tmp_path / "report.html").read_text()
    assert (tmp_path / "capacity.json").read_bytes() == stored
    assert capsys.readouterr().out.splitlines()[-2:] == [
        "the case is bounded within 5%",
        f"results: {tmp_path}",
    ]


def test_a_capacity_search_as_json_and_as_another_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    publish_capacity(capacity(case()), Archive(tmp_path))
    page = tmp_path / "other.html"
    assert main(["report", str(tmp_path), "--json", "--out", str(page)]) == 0
    assert capfd.readouterr().out == (tmp_path / "capacity.json").read_text()
    assert "How much can it take?" in page.read_text()


def test_a_capacity_search_has_no_page_side_by_side(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    publish_capacity(capacity(case()), Archive(tmp_path))
    assert main(["report", str(tmp_path), str(archive.path)]) == 2
    assert "compare A B compares two" in capsys.readouterr().err


def test_a_quiz_has_no_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "quiz.json").write_text("{}")
    assert main(["report", str(tmp_path)]) == 2
    assert f"{tmp_path} holds a quiz, which has no report" in capsys.readouterr().err
