import json
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.campaign.summarise import Findings
from orchestrator.cli.findings import (
    Result,
    campaign_result,
    capacity_result,
    publish_on_github,
    reproduction_result,
    store_and_show,
)
from orchestrator.report.github import Annotation
from orchestrator.results.archive import Archive, ArchiveError
from orchestrator.scenario.models import ROOT
from tests.unit.orchestrator.capacity import capacity_fixtures
from tests.unit.orchestrator.report.report_fixtures import FAILED, case, summary
from tests.unit.orchestrator.report.reproduction.reproduction_fixtures import reproduction

REMARK = Annotation("error", "prefork", "too slow")
FINDINGS = Findings(summary(case(expectations=[FAILED]), exit_code=1), {}, {})


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


def test_json_is_the_stored_summary_and_nothing_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert store_and_show(campaign_result(FINDINGS), Archive(tmp_path), as_json=True) == 1
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
    store_and_show(campaign_result(FINDINGS), Archive(tmp_path), as_json=False)
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
    assert store_and_show(campaign_result(FINDINGS), Archive(tmp_path), as_json=True) == 1
    assert f"cannot write {tmp_path}: Is a directory" in capfd.readouterr().err


INTERRUPTED_WHILE = """
import os, signal, sys
from pathlib import Path
from orchestrator.cli import findings
from orchestrator.campaign.summarise import Findings
from orchestrator.execution import interrupts
from orchestrator.results.archive import Archive, ArchiveError
from orchestrator.scenario.models import ROOT
from orchestrator.results.exit_codes import INTERRUPTED
from tests.unit.orchestrator.report.report_fixtures import case, summary

interrupts.install()
def interrupted(*arguments, original=findings.{step}, **options):
    os.kill(os.getpid(), signal.{name})
    return original(*arguments, **options)
findings.{step} = interrupted
result = findings.campaign_result(Findings(summary(case()), {{}}, {{}}))
try:
    with interrupts.held():
        code = findings.store_and_show(result, Archive(Path(sys.argv[1])), as_json=False)
except KeyboardInterrupt:
    code = INTERRUPTED
sys.exit(code)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("step", "name"), [("publish", "SIGQUIT"), ("print_table", "SIGHUP")])
def test_an_interrupt_at_the_end_is_in_the_exit_code_and_in_the_summary(
    step: str, name: str, tmp_path: Path
) -> None:
    """In a process of its own, because the handlers stay installed."""
    program = INTERRUPTED_WHILE.format(step=step, name=name)
    ended = subprocess.run(
        [sys.executable, "-c", program, tmp_path],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 130, ended.stderr
    stored = json.loads((tmp_path / "summary.json").read_text())
    assert (stored["exit_code"], stored["status"]) == (130, "interrupted")
    assert f"interrupted after 1 of 1 case: interrupted by {name} while" in ended.stderr
    assert "interrupted" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("error", [ArchiveError("the disk is full"), ValueError("a defect")])
@pytest.mark.parametrize(
    ("result", "page"),
    [
        (campaign_result(FINDINGS), "html_report"),
        (capacity_result(capacity_fixtures.capacity(capacity_fixtures.case())), "capacity_page"),
        (reproduction_result(reproduction()), "reproduction_page"),
    ],
)
def test_results_that_are_not_complete_have_a_file_that_says_so(
    result: Result, page: str, error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(f"orchestrator.report.publish.{page}", fail)
    with pytest.raises(type(error)):
        store_and_show(result, Archive(tmp_path), as_json=False)
    stored = json.loads((tmp_path / result.file).read_text())
    assert (stored["exit_code"], stored["status"]) == (3, "broken")
    assert str(error) in stored["reason"]
