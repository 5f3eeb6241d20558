"""A campaign keeps its results however it ends; the runs are made by hand."""

import errno
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.campaign import campaign
from orchestrator.campaign.campaign import new_campaign_id
from orchestrator.campaign.restore import restore, with_percentiles
from orchestrator.campaign.summarise import Findings
from orchestrator.execution.backend import BackendError
from orchestrator.execution.conformance import NonconformingError
from orchestrator.report.publish import publish
from orchestrator.report.text import verdict
from orchestrator.results.archive import CLIENTS
from orchestrator.results.summary import Status
from tests.unit.orchestrator.campaign.stored_run_fixtures import (
    SCENARIO,
    FakeBackend,
    campaign_of,
    store_run,
)

RunAll = Callable[..., Findings]


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def run_all(tmp_path: Path, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> RunAll:
    """Run a campaign whose run ``failing`` raises ``error``."""

    def run_all(error: BaseException | None = None, failing: str = "epoll") -> Findings:
        def execute(*order: object) -> None:
            folder = order[3]
            assert isinstance(folder, Path)
            if error and folder.name == failing:
                if isinstance(error, FileNotFoundError):
                    shutil.rmtree(folder.parent)
                raise error
            store_run(folder)

        monkeypatch.setattr(campaign, "execute", execute)
        whole, _, console = campaign_of(tmp_path, backend)
        try:
            return whole.run()
        finally:
            console.file.close()

    return run_all


def test_every_case_is_run_and_judged(run_all: RunAll, backend: FakeBackend) -> None:
    summary = run_all().summary
    assert (summary.status, summary.reason, summary.exit_code) == (Status.COMPLETE, "", 0)
    assert [case.name for case in summary.cases] == ["single", "epoll"]
    assert (summary.planned_cases, summary.planned_runs) == (2, 2)
    assert summary.comparisons[0].expectations[0].outcome == "passed"
    assert backend.needs is not None
    assert backend.needs.models == ["single", "epoll"]
    assert backend.closed == 1


def test_the_environment_has_the_command_that_runs_it_again(
    run_all: RunAll, tmp_path: Path
) -> None:
    findings = run_all()
    (stored,) = tmp_path.glob("*/environment.json")
    assert json.loads(stored.read_text())["command"] == "run two.yaml"
    assert findings.environment["command"] == "run two.yaml"
    assert findings.folder == stored.parent.name
    assert (stored.parent / "scenario.yaml").read_text() == findings.scenario


def test_progress_has_each_run_and_its_result(run_all: RunAll, tmp_path: Path) -> None:
    run_all()
    lines = (tmp_path / "progress.txt").read_text().splitlines()
    assert lines == [
        "starting plain local processes",
        "[1/2] single: all 5 expectations hold",
        "[2/2] epoll: all 5 expectations hold",
    ]


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (BackendError("the engine left"), Status.BROKEN, "the engine left"),
        (OSError(errno.ENOSPC, "No space left on device"), Status.BROKEN, "another folder"),
        (KeyboardInterrupt(), Status.INTERRUPTED, "interrupted by"),
    ],
)
def test_the_cases_before_a_failure_are_kept(
    run_all: RunAll, backend: FakeBackend, error: BaseException, status: Status, reason: str
) -> None:
    summary = run_all(error).summary
    assert summary.status is status
    assert summary.exit_code == {Status.BROKEN: 3, Status.INTERRUPTED: 130}[status]
    assert reason in summary.reason
    assert [case.name for case in summary.cases] == ["single"]
    assert summary.comparisons == []
    assert summary.planned_cases == 2
    assert backend.closed == 1


def test_a_defect_ends_the_campaign_with_its_traceback_beside_the_cases_that_ended(
    run_all: RunAll, backend: FakeBackend, tmp_path: Path
) -> None:
    summary = run_all(OSError(errno.ECHILD, "Not a disk error")).summary
    assert (summary.status, summary.exit_code) == (Status.BROKEN, 3)
    assert [case.name for case in summary.cases] == ["single"]
    (stored,) = tmp_path.glob("*/error.txt")
    assert "not a disk error (ECHILD)" in summary.reason
    assert str(stored) in summary.reason
    assert "Traceback" in stored.read_text()
    assert backend.closed == 1


def test_a_folder_that_is_removed_in_the_middle_is_named(run_all: RunAll) -> None:
    summary = run_all(FileNotFoundError(errno.ENOENT, "No such file or directory")).summary
    assert (summary.status, summary.exit_code) == (Status.BROKEN, 3)
    assert "/raw is not there, or gone" in summary.reason
    assert [case.name for case in summary.cases] == ["single"]


def test_a_limit_on_descriptors_is_named_before_anything_starts(
    run_all: RunAll, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (9, 9))
    summary = run_all().summary
    assert (summary.status, summary.exit_code) == (Status.BROKEN, 3)
    assert "raise `ulimit -n` to " in summary.reason
    assert summary.cases == []


def test_a_target_that_violates_the_contract_is_not_measured(
    run_all: RunAll, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise NonconformingError("2 checks failed")

    monkeypatch.setattr("orchestrator.campaign.setup.hold_to_contract", fail)
    findings = run_all()
    summary = findings.summary
    assert (summary.status, summary.reason) == (Status.NONCONFORMING, "2 checks failed")
    assert (summary.cases, summary.exit_code) == ([], 1)
    assert findings.environment["command"] == "run two.yaml"


def test_two_campaigns_have_different_ids() -> None:
    assert new_campaign_id() != new_campaign_id()
    assert len(new_campaign_id()) == 8


ABORTED = {"expression": "p99 > 2s", "left": "≥ 3.1 s", "right": "2.000 s", "at_s": 4.2}


@pytest.fixture
def aborted_findings(
    tmp_path: Path, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> Findings:
    """Run a campaign of which the second of four repeats of the first case is aborted."""

    def execute(*order: object) -> None:
        folder = order[3]
        assert isinstance(folder, Path)
        store_run(folder, aborted=ABORTED if folder.match("single/2") else None)

    monkeypatch.setattr(campaign, "execute", execute)
    text = f"{SCENARIO}repeats: 4\norder: sequential\nabort: p99 > 2s\n"
    whole, archive, console = campaign_of(tmp_path, backend, text)
    found = whole.run()
    console.file.close()
    publish(found, archive)
    assert restore(archive) == found
    return found


def test_a_case_that_was_aborted_has_failed_and_is_not_repeated(
    aborted_findings: Findings, tmp_path: Path
) -> None:
    summary = aborted_findings.summary
    single, epoll = summary.cases
    assert [run.slug for run in (*single.runs, *epoll.runs)] == [
        "single/1", "single/2", "epoll/1", "epoll/2", "epoll/3", "epoll/4",
    ]  # fmt: skip
    assert [run.aborted is not None for run in single.runs] == [False, True]
    first = single.expectations[0]
    assert (first.expression, first.outcome) == ("aborted: p99 > 2s", "failed")
    assert first.reason == "the load was ended after 4.200 s, and 2 repeats left out"
    assert {each.outcome for each in epoll.expectations} == {"passed"}
    assert (summary.status, summary.exit_code) == (Status.COMPLETE, 1)
    lines = (tmp_path / "progress.txt").read_text().splitlines()
    assert lines[2] == "[2/8] single (2 of 4): aborted after 4.200 s: p99 > 2s, ≥ 3.1 s vs 2.000 s"
    (page,) = tmp_path.glob("*/report.html")
    assert "aborted: p99 &gt; 2s" in page.read_text()


def test_an_aborted_case_is_not_compared_with_others(aborted_findings: Findings) -> None:
    summary = aborted_findings.summary
    (models,) = summary.comparisons
    assert (models.expectations[0].outcome, models.expectations[0].reason) == (
        "unknown", "single: aborted",
    )  # fmt: skip
    assert summary.rankings == []
    assert "not repeated" not in summary.answer.caveat


BUSY_RULE = "validity: [orchestrator_cpu_share < 50%]\n"


@pytest.fixture
def run_disturbed(
    tmp_path: Path, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Findings]:
    """Run a campaign in which the host disturbs the runs of some folders."""

    def run(*disturbed: str, more: str = "", interrupted: str = "", **settings: bool) -> Findings:
        def execute(*order: object) -> None:
            folder = order[3]
            assert isinstance(folder, Path)
            if folder.name == interrupted:
                raise KeyboardInterrupt
            store_run(folder)
            clients = json.loads((folder / CLIENTS).read_text())
            clients["host"]["own_cpu_s"] = 0.9 if folder.name in disturbed else 0.1
            (folder / CLIENTS).write_text(json.dumps(clients))

        monkeypatch.setattr(campaign, "execute", execute)
        whole, archive, console = campaign_of(
            tmp_path, backend, f"{SCENARIO}{BUSY_RULE}{more}", **settings
        )
        found = whole.run()
        console.file.close()
        publish(found, archive)
        assert restore(archive) == found
        assert with_percentiles(found.summary, archive.path, ["response_time_p95"]).cases
        return found

    return run


def test_a_disturbed_run_is_repeated_after_all_others(
    run_disturbed: Callable[..., Findings], tmp_path: Path
) -> None:
    summary = run_disturbed("single").summary
    lines = (tmp_path / "progress.txt").read_text().splitlines()
    assert lines[1].startswith("[1/2] single: disturbed by the host: orchestrator_cpu_share < 50%")
    assert lines[2:] == [
        "[2/2] epoll: all 5 expectations hold",
        "[3/3] single, retry 1: all 5 expectations hold",
    ]
    assert (summary.exit_code, summary.planned_runs) == (0, 2)
    assert [run.slug for run in summary.cases[0].runs] == ["single+1"]
    assert [run.slug for run in summary.cases[0].disturbed] == ["single"]
    assert summary.comparisons[0].expectations[0].outcome == "passed"


def test_a_case_that_is_disturbed_again_is_invalid(
    run_disturbed: Callable[..., Findings],
) -> None:
    summary = run_disturbed("single", "single+1").summary
    assert summary.exit_code == 4
    assert [run.slug for run in summary.cases[0].runs] == ["single+1"]


def test_an_interrupt_of_a_retry_leaves_the_disturbed_run(
    run_disturbed: Callable[..., Findings],
) -> None:
    summary = run_disturbed("single", interrupted="single+1").summary
    assert (summary.status, summary.exit_code) == (Status.INTERRUPTED, 130)
    assert [run.slug for case in summary.cases for run in case.runs] == ["single", "epoll"]
    assert summary.cases[0].invalid_kinds == ["disturbed_host"]
    assert verdict(summary).startswith("interrupted after 2 of 2 cases")


@pytest.mark.parametrize(
    ("more", "settings", "code"),
    [("retries_of_invalid: 0\n", {}, 4), ("", {"accept_invalid": True}, 0)],
)
def test_nothing_is_repeated_if_no_retry_is_wanted_or_disturbed_runs_count(
    run_disturbed: Callable[..., Findings], more: str, settings: dict[str, bool], code: int
) -> None:
    summary = run_disturbed("single", more=more, **settings).summary
    assert [run.slug for case in summary.cases for run in case.runs] == ["single", "epoll"]
    assert (summary.cases[0].disturbed, summary.exit_code) == ([], code)


def test_no_retry_begins_when_the_budget_of_time_is_used_up(
    run_disturbed: Callable[..., Findings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock stands still during the planned runs, so they took no time."""
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    summary = run_disturbed("single").summary
    assert [run.slug for run in summary.cases[0].runs] == ["single"]
    assert summary.exit_code == 4
