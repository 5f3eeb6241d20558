import json
from pathlib import Path

import pytest

from orchestrator.campaign.summarise import Findings
from orchestrator.cli.findings import publish_on_github, store_and_show
from orchestrator.report.github import Annotation
from orchestrator.results.archive import Archive
from tests.unit.orchestrator.report.report_fixtures import FAILED, case, summary

REMARK = Annotation("error", "prefork", "too slow")
FINDINGS = Findings(summary(case(expectations=[FAILED]), exit_code=1), {}, {})


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


def test_json_is_the_stored_summary_and_nothing_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert store_and_show(FINDINGS, Archive(tmp_path), as_json=True) == 1
    said = capfd.readouterr()
    assert said.out == (tmp_path / "summary.json").read_text(encoding="utf-8")
    assert json.loads(said.out)["exit_code"] == 1
    assert said.err == f"results: {tmp_path}\n"


def test_elsewhere_github_is_told_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    publish_on_github("### fine\n", [REMARK])
    assert capfd.readouterr() == ("", "")


def test_a_step_is_summarised_below_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "summary.md"
    page.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    store_and_show(FINDINGS, Archive(tmp_path), as_json=False)
    assert page.read_text().startswith("before\n### quickstart")


def test_annotations_do_not_mix_with_json(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    publish_on_github("", [REMARK])
    assert capfd.readouterr() == ("", "::error title=prefork::too slow\n")


def test_a_summary_that_cannot_be_written_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    assert store_and_show(FINDINGS, Archive(tmp_path), as_json=True) == 1
    assert f"cannot write {tmp_path}: Is a directory" in capfd.readouterr().err
