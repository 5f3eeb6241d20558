"""Stored results are analysed again to the same findings, or refused with the reason."""

import json
from pathlib import Path

import pytest

from orchestrator.campaign.restore import RestoreError, read_summary, restore, with_percentiles
from orchestrator.results.archive import Archive
from orchestrator.results.exit_codes import MISUSED, LabError
from tests.large_run_fixtures import Shape, store_large_run
from tests.unit.orchestrator.campaign.stored_run_fixtures import SCENARIO, store_campaign

FIGURES = Path(__file__).with_name("large_run_figures.json")
"""The measures of a run of `tests.large_run_fixtures` and of its groups, unknown ones left out."""


def test_a_campaign_and_its_analysis_have_the_same_findings(tmp_path: Path) -> None:
    archive, findings = store_campaign(tmp_path, f"{SCENARIO}repeats: 5\n")
    assert restore(archive) == findings
    assert findings.summary.comparisons
    assert findings.summary.rankings


@pytest.mark.parametrize(("is_accepted", "code"), [(False, 4), (True, 0)])
def test_what_was_accepted_stays_accepted(tmp_path: Path, is_accepted: bool, code: int) -> None:
    text = f"{SCENARIO}validity: [makespan < 1ms]\n"
    archive, findings = store_campaign(tmp_path, text, accept_invalid=is_accepted)
    assert findings.summary.exit_code == code
    assert restore(archive) == findings


def test_the_summary_tells_how_the_campaign_ended_and_which_runs_count(tmp_path: Path) -> None:
    archive, findings = store_campaign(tmp_path)
    stored = json.loads((archive.path / "summary.json").read_text())
    change = {"status": "interrupted", "cases": stored["cases"][:1], "exit_code": 0}
    (archive.path / "summary.json").write_text(json.dumps(stored | change))
    summary = restore(archive).summary
    assert summary.cases == findings.summary.cases[:1]
    assert (summary.comparisons, summary.exit_code) == ([], 130)


def test_changed_raw_files_change_the_findings(tmp_path: Path) -> None:
    archive, _ = store_campaign(tmp_path)
    case = archive.path / "raw/epoll/case.json"
    case.write_text(json.dumps({**json.loads(case.read_text()), "server_exit_code": 1}))
    assert restore(archive).summary.exit_code == 1


def test_a_percentile_that_nobody_named_is_computed_from_the_raw_files(tmp_path: Path) -> None:
    """Response times of 100 and 200 ms: with two values, only percentile 50 is known."""
    archive, findings = store_campaign(tmp_path)
    names = ["response_time_p50", "response_time_p51", "predicted.response_time_p51"]
    assert with_percentiles(findings.summary, archive.path, names[:1]) == findings.summary
    found = with_percentiles(findings.summary, archive.path, names)
    (run,) = found.cases[0].runs
    assert run.measures["response_time_p51_s"] is None  # too few messages
    assert run.groups["predicted"]["response_time_p51_s"] is None
    stored = json.loads((archive.path / "summary.json").read_text())["cases"][0]["runs"][0]
    assert "response_time_p51_s" not in stored["measures"]


def test_a_percentile_that_cannot_be_computed_any_more_is_named(tmp_path: Path) -> None:
    archive, findings = store_campaign(tmp_path)
    (archive.path / "raw/epoll/clients.json").unlink()
    with pytest.raises(RestoreError, match=r"it has no response_time_p95_s, and its raw files are"):
        with_percentiles(findings.summary, archive.path, ["response_time_p95"])


def refusal(archive: Archive) -> str:
    with pytest.raises(RestoreError) as refused:
        restore(archive)
    assert isinstance(refused.value, LabError)
    assert refused.value.exit_code == MISUSED
    return str(refused.value).replace(str(archive.path), "RUN")


def test_a_folder_without_results(tmp_path: Path) -> None:
    assert refusal(Archive(tmp_path)) == (
        "RUN does not hold complete results: RUN/summary.json: no such file or directory"
    )


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("summary.json", "{}", "RUN/summary.json was written by an incompatible version"),
        ("environment.json", "{", "RUN does not hold complete results: Expecting"),
        ("scenario.yaml", "intent: x\n", "RUN does not hold complete results: RUN/scenario.yaml:"),
        ("raw/single/case.json", "{}", "RUN does not hold complete results: 'server_exit_code'"),
        (
            "raw/single/case.json",
            '{"server_exit_code": 0, "overhead_s": 0.1, "server": {"workers": 0}, "twin": null}',
            "RUN does not hold complete results: "
            "RUN/raw/single/case.json has invalid settings of the server",
        ),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, file: str, content: str, message: str) -> None:
    archive, _ = store_campaign(tmp_path)
    (archive.path / file).write_text(content)
    assert refusal(archive).startswith(message)


@pytest.mark.parametrize("file", ["environment.json", "scenario.yaml", "raw/epoll/clients.json"])
def test_a_missing_file_is_named(tmp_path: Path, file: str) -> None:
    archive, _ = store_campaign(tmp_path)
    (archive.path / file).unlink()
    assert f"RUN/{file}: no such file" in refusal(archive) or f"{file}:1:1" in refusal(archive)


def test_the_figures_of_a_stored_run_stay_what_they_were(tmp_path: Path) -> None:
    """They were computed once from whole tables in memory; the digits that differ are rounding."""
    store_large_run(tmp_path / "run", Shape(replicas=3, users=12, messages=30))
    (case,) = restore(Archive(tmp_path / "run")).summary.cases
    found = {"": case.measures, **case.groups}
    for part, figures in json.loads(FIGURES.read_text()).items():
        known = {name: value for name, value in found[part].items() if value is not None}
        assert known == pytest.approx(figures, rel=1e-12, abs=0)
    assert case.invalid == []


def test_the_summary_alone_can_be_read(tmp_path: Path) -> None:
    archive, findings = store_campaign(tmp_path)
    assert read_summary(archive.path) == findings.summary
    with pytest.raises(FileNotFoundError):
        read_summary(tmp_path)
