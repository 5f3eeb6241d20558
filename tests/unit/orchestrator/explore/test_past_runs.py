"""Every folder of results is one line, whatever is in it."""

import json
from pathlib import Path

import pytest

from orchestrator.explore.past_runs import PastRun, past_runs
from orchestrator.quiz.solution import QUIZ
from orchestrator.report.publish import summary_json
from orchestrator.results.capacity import CAPACITY
from orchestrator.results.summary import FaultSummary, Status
from tests.unit.orchestrator.report.report_fixtures import FAILED, case, run_over_time, summary

OLD, NEW = "mine-20260131T120000Z-1a2b3c4d", "other-20260201T130500Z-00000000"


def store(results: Path, name: str, file: str, content: str) -> Path:
    """Store a folder of results with one file; return the folder."""
    folder = results / name
    folder.mkdir(parents=True)
    (folder / file).write_text(content)
    return folder


def store_campaign(results: Path, name: str = OLD, **changes: object) -> Path:
    """Store a campaign that holds, except for ``changes`` of its summary."""
    found = summary(case(), **{"scenario": "mine", "exit_code": 0, **changes})
    return store(results, name, "summary.json", summary_json(found))


def only_run(results: Path) -> PastRun:
    (run,) = past_runs(results)
    return run


def test_no_results_are_no_runs(tmp_path: Path) -> None:
    assert past_runs(tmp_path) == []
    assert past_runs(tmp_path / "none") == []


def test_a_run_has_its_verdict_and_its_report(tmp_path: Path) -> None:
    folder = store_campaign(tmp_path)
    assert only_run(tmp_path).report == ""
    (folder / "report.html").touch()
    run = only_run(tmp_path)
    assert (run.folder, run.report) == (OLD, f"{OLD}/report.html")
    assert (run.scenario, run.tone, run.is_broken) == ("mine", "good", False)
    assert run.verdict
    assert run.backend


def test_a_failed_run_is_bad_and_an_interrupted_one_is_undecided(tmp_path: Path) -> None:
    failed = summary(case(expectations=[FAILED]), exit_code=1)
    store(tmp_path, OLD, "summary.json", summary_json(failed))
    store_campaign(tmp_path, NEW, status=Status.INTERRUPTED, exit_code=130)
    assert {run.folder: run.tone for run in past_runs(tmp_path)} == {OLD: "bad", NEW: "doubt"}


def test_a_run_with_a_fault_by_hand_says_so(tmp_path: Path) -> None:
    pause = FaultSummary(
        fault="pause", worker=None, asked_s=1, effect_s=1, reverted_s=2, error="", is_by_hand=True
    )
    one = case(runs=[run_over_time(None, faults=[pause])])
    store(tmp_path, OLD, "summary.json", summary_json(summary(one)))
    assert only_run(tmp_path).verdict.endswith("; with faults by hand")


def test_the_newest_run_is_the_first(tmp_path: Path) -> None:
    store_campaign(tmp_path, OLD, started_at="2026-01-31T12:00:00.123+00:00")
    store_campaign(tmp_path, NEW, started_at="2026-02-01T13:05:00.456+00:00")
    store(tmp_path, "between-20260131T130000Z-00000000", "raw.txt", "")
    started = [run.started for run in past_runs(tmp_path)]
    assert started == ["2026-02-01 13:05", "2026-01-31 13:00", "2026-01-31 12:00"]


def test_a_run_that_has_not_ended_is_named(tmp_path: Path) -> None:
    (tmp_path / NEW / "raw").mkdir(parents=True)
    run = only_run(tmp_path)
    assert (run.folder, run.scenario, run.started) == (NEW, "other", "2026-02-01 13:05")
    assert run.is_broken
    assert run.verdict == "it has no results: its run has not ended, or was killed"


def test_a_folder_that_is_no_run_is_not_listed(tmp_path: Path) -> None:
    (tmp_path / "before" / "mine" / "raw").mkdir(parents=True)
    (tmp_path / "before" / "notes").mkdir()
    (tmp_path / "docs").mkdir()
    assert only_run(tmp_path).folder == "before/mine"


@pytest.mark.parametrize("file", ["summary.json", CAPACITY, "reproduction.json", QUIZ])
@pytest.mark.parametrize("content", ["", "{}", "[]", "7", '{"agreement": {}}', "\x00", '"\\ud800"'])
def test_a_broken_file_is_named_beside_the_other_runs(
    tmp_path: Path, file: str, content: str
) -> None:
    store_campaign(tmp_path, OLD)
    store(tmp_path, NEW, file, content)
    broken = {run.folder: run for run in past_runs(tmp_path)}[NEW]
    assert broken.is_broken
    assert broken.verdict
    assert len(past_runs(tmp_path)) == 2


def test_a_folder_in_place_of_a_file_is_named_too(tmp_path: Path) -> None:
    (tmp_path / NEW / "summary.json").mkdir(parents=True)
    assert only_run(tmp_path).is_broken


def test_digits_that_are_no_instant_are_no_instant(tmp_path: Path) -> None:
    store(tmp_path, "mine-99999999T999999Z-00000000", "x", "")
    assert only_run(tmp_path).started == ""


@pytest.mark.parametrize(
    ("counts", "tone"), [((3, 0, 0), "good"), ((2, 1, 1), "bad"), ((2, 0, 1), "doubt")]
)
def test_a_quiz_says_whether_twin_and_machine_agree(
    tmp_path: Path, counts: tuple[int, int, int], tone: str
) -> None:
    agreement = dict(zip(("agree", "differ", "undecided"), counts, strict=True))
    store(tmp_path, "quiz-20260131T120000Z-1a2b3c4d", QUIZ, json.dumps({"agreement": agreement}))
    run = only_run(tmp_path)
    assert (run.scenario, run.tone) == ("quiz", tone)
    assert f"agree about {counts[0]} of " in run.verdict


def test_runs_in_a_folder_below_are_found(tmp_path: Path) -> None:
    folder = store_campaign(tmp_path / "before")
    (folder / "report.html").touch()
    assert only_run(tmp_path).report == f"before/{OLD}/report.html"


def test_files_and_links_are_no_runs(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    (results / "side-by-side.html").touch()
    (results / OLD).symlink_to(store_campaign(tmp_path, NEW))
    assert past_runs(results) == []
