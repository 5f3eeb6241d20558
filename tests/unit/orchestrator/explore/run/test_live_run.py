"""A run as the page follows it, with a child that has stored its results before."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.analysis.excerpt import MAX_REQUESTS
from orchestrator.execution.program_log import wait_for
from orchestrator.explore.run import live_run
from orchestrator.explore.run.board import ENDED, PHASE
from orchestrator.explore.run.launch import NOT_BEGUN, Printed
from orchestrator.explore.run.live_run import AS_PREDICTED, HAS_RUN, LiveRun, Order, recorded
from orchestrator.results.archive import CASE
from orchestrator.results.fault_log import FAULTS_FILE, FORESTALLED, write_faults
from orchestrator.scenario.plan import schedule
from tests.unit.orchestrator.campaign.stored_run_fixtures import SCENARIO, store_campaign
from tests.unit.orchestrator.explore.run.run_fixtures import scenario_in

DEADLINE_S = 30.0


class FakeChild:
    """A child that takes as many looks as it is told, and leaves a folder."""

    def __init__(self, folder: Path | None, looks: int = 2) -> None:
        self.folder = folder
        self.printed = Printed()
        self.error = "the engine failed; run without containers: --backend process"
        self.looks = looks
        self.stops = 0

    def has_ended_within(self, _timeout_s: float) -> bool:
        self.looks -= 1
        return self.looks < 0 or self.stops > 0

    def ask_to_stop(self) -> None:
        self.stops += 1

    def ask_for_fault(self, fault: str, lasts: str | None) -> str:
        return f"no {fault} of {lasts} here"

    def close(self) -> None:
        """Do nothing: there is no process."""


def run_with(monkeypatch: pytest.MonkeyPatch, child: FakeChild) -> LiveRun:
    monkeypatch.setattr(live_run, "Child", lambda *_: child)
    order = Order("two", SCENARIO, scenario_in(SCENARIO), "process", Path())
    return LiveRun(order)


def wait_for_end(run: LiveRun) -> dict[str, object]:
    """Return all values of the board at the end."""
    run._end.result(DEADLINE_S)  # noqa: SLF001 as `close` does, without an interrupt
    return run.board.since(0)[1]


def test_the_end_has_the_verdict_the_differences_and_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, _ = store_campaign(tmp_path, SCENARIO)
    values = wait_for_end(run_with(monkeypatch, FakeChild(archive.path)))
    assert values[PHASE] == ENDED
    assert values["cases"] == ["single", "epoll"]
    assert values["order"] == {"name": "two", "yaml": SCENARIO, "backend": "process"}
    result = str(values["result"])
    assert "all 11 expectations hold" in result
    assert AS_PREDICTED in result
    assert f'href="past_runs/files/{archive.path.name}/report.html"' in result
    for case in ("single", "epoll"):
        assert HAS_RUN in str(values[f"scene:{case}"])


def test_the_lanes_at_the_end_are_those_of_the_report(tmp_path: Path) -> None:
    archive, findings = store_campaign(tmp_path, SCENARIO)
    scenario = scenario_in(SCENARIO)
    for run in schedule(scenario):
        shown = recorded(scenario, run, archive.path / "raw" / run.slug, MAX_REQUESTS // 2)
        assert shown.excerpt == findings.exhibits[run.case.slug].excerpt


def test_lanes_are_drawn_while_it_takes_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, _ = store_campaign(tmp_path, SCENARIO)
    for path in (archive.path / "raw").glob(f"*/{CASE}"):
        path.unlink()
    (archive.path / "summary.json").unlink()
    values = wait_for_end(run_with(monkeypatch, FakeChild(archive.path)))
    for case in ("single", "epoll"):
        scene = str(values[f"scene:{case}"])
        assert "so far" in scene
        assert f"{case}, measured" in scene
    assert "no results: the engine failed; " in str(values["result"])


def test_without_results_the_error_advises_what_can_be_done_on_the_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = wait_for_end(run_with(monkeypatch, FakeChild(None)))
    advice = "run without containers: choose process as the Backend, above"
    assert f"no results: the engine failed; {advice}" in str(values["result"])


def test_of_many_cases_the_first_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_run, "MAX_CASES", 1)
    values = wait_for_end(run_with(monkeypatch, FakeChild(None)))
    assert values["cases"] == ["single"]
    assert values["note"] == "The first 1 of 2 cases are drawn."


def test_it_can_be_stopped_at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    child = FakeChild(None, looks=10**9)
    run = run_with(monkeypatch, child)
    assert not run.is_over
    run.ask_to_stop()
    assert "no results: you stopped it" in str(wait_for_end(run)["result"])
    assert child.stops >= 1


def test_the_end_of_the_page_is_no_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    child = FakeChild(None, looks=10**9)
    run = run_with(monkeypatch, child)
    run.close()
    assert run.is_over
    assert child.stops == 0


def test_a_fault_is_asked_of_the_child_until_it_is_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = run_with(monkeypatch, FakeChild(None, looks=10**9))

    def ask() -> str:
        return run.ask_for_fault("pause", "1s")

    assert wait_for(lambda: ask() != NOT_BEGUN, DEADLINE_S)
    assert ask() == "no pause of 1s here"
    run.ask_to_stop()
    assert ask() == "the run is being stopped"
    run.close()


def test_faults_are_offered_while_the_load_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, _ = store_campaign(tmp_path, SCENARIO)
    records = archive.path / "raw" / schedule(scenario_in(SCENARIO))[-1].slug / FAULTS_FILE
    child = FakeChild(archive.path, looks=10**9)
    child.printed.is_under_load = True
    run = run_with(monkeypatch, child)

    def is_offered(wanted: object) -> bool:
        return wait_for(lambda: run.board.since(0)[1].get("load") is wanted, DEADLINE_S)

    assert is_offered(False)
    write_faults([], records.parent)
    assert is_offered(True)
    child.printed.is_under_load = False
    assert is_offered(False)
    child.printed.is_under_load = True
    assert is_offered(True)
    run.ask_to_stop()
    assert wait_for_end(run)["load"] is False


def test_a_fault_by_hand_that_did_not_take_place_is_named_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    child = FakeChild(None)
    child.printed.forestalled = [f"[1/2] single: fault fill-backlog (by hand) {FORESTALLED}"]
    assert wait_for_end(run_with(monkeypatch, child))["forestalled"] == child.printed.forestalled[0]


def test_a_defect_ends_it_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(FakeChild):
        def has_ended_within(self, _timeout_s: float) -> bool:
            raise RuntimeError("nobody expects this")

    values = wait_for_end(run_with(monkeypatch, Broken(None)))
    assert "unexpected RuntimeError: nobody expects this" in str(values["result"])


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() <= before + 1
