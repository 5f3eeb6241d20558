"""A search keeps its bounds however it ends; the trials are made by hand."""

from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from orchestrator.campaign.setup import Setup
from orchestrator.capacity import capacity_run
from orchestrator.capacity.capacity_run import CapacityRun, CapacitySettings, exit_code
from orchestrator.capacity.case_run import CasePlan, SearchTerms
from orchestrator.capacity.objectives import Objective
from orchestrator.capacity.planning import AskedCase, asked_cases
from orchestrator.capacity.progress import SearchProgress
from orchestrator.capacity.searched_group import TrialLoad, find_searched
from orchestrator.capacity.trials import TrialOutcome
from orchestrator.execution.backend import BackendError
from orchestrator.execution.conformance import NonconformingError
from orchestrator.results.archive import Archive
from orchestrator.results.capacity import Capacity, CaseCapacity, LoadKind, Verdict
from orchestrator.results.summary import Status
from orchestrator.scenario.plan import Case
from tests.unit.orchestrator.campaign.stored_run_fixtures import FakeBackend
from tests.unit.orchestrator.capacity.capacity_fixtures import case
from tests.unit.orchestrator.capacity.trial_fixtures import SLO, QueueTrials, scenario_of

SearchAll = Callable[..., Capacity]


class Failing(QueueTrials):
    """Trials of which the first of the second case fails."""

    error: BaseException | None = None

    def run(self, case: Case, objectives: Sequence[Objective], load: TrialLoad) -> TrialOutcome:
        """Run a trial, unless it is one of the second case."""
        if self.error is not None and case.axes == {"workers": 6}:
            raise self.error
        return super().run(case, objectives, load)


def plan_without_twin(asked: AskedCase, _terms: SearchTerms, _cpus: float) -> CasePlan:
    return CasePlan(asked.case, "processes", asked.case.workers, asked.objectives, 160.0)


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def search_all(tmp_path: Path, backend: FakeBackend, monkeypatch: pytest.MonkeyPatch) -> SearchAll:
    """Search two cases that bear 160/s; ``error`` is raised in the second one."""

    def search_all(error: BaseException | None = None, at: float | None = None) -> Capacity:
        trials = Failing(capacity=160.0)
        trials.error = error
        monkeypatch.setattr(capacity_run, "BackendTrials", lambda *_: trials)
        monkeypatch.setattr(capacity_run, "plan_case", plan_without_twin)
        scenario = scenario_of(more="matrix: {workers: [4, 6]}\n")
        terms = SearchTerms(find_searched(scenario), at, 0.5, 0.9, 1)
        archive = Archive(tmp_path / "results")
        archive.path.mkdir()
        setup = Setup("mine", scenario, backend, "as asked", archive, "again")
        settings = CapacitySettings(terms, cpus=2.0)
        progress = SearchProgress(Console(file=StringIO()), terms.group, 2)
        return CapacityRun(setup, settings, asked_cases(scenario, [SLO]), progress).run()

    return search_all


def test_all_cases_are_searched(
    search_all: SearchAll, backend: FakeBackend, tmp_path: Path
) -> None:
    found = search_all()
    assert (found.status, found.reason, found.exit_code) == (Status.COMPLETE, "", 0)
    assert [each.name for each in found.cases] == ["prefork,workers=4", "prefork,workers=6"]
    assert (found.kind, found.group, found.objectives) == (LoadKind.RATE, "clients", [SLO])
    assert found.planned_cases == 2
    assert found.host["command"] == "again"
    assert found.cheapest == []
    assert backend.closed == 1
    assert (tmp_path / "results" / "environment.json").is_file()


def test_the_cheapest_case_that_holds_at_the_load_asked_about_is_named(
    search_all: SearchAll,
) -> None:
    found = search_all(at=100.0)
    assert found.exit_code == 0
    assert [each.cases for each in found.cheapest] == [["prefork,workers=4"]]


def test_an_interrupt_keeps_the_cases_so_far(search_all: SearchAll, backend: FakeBackend) -> None:
    found = search_all(KeyboardInterrupt())
    assert (found.status, found.exit_code) == (Status.INTERRUPTED, 130)
    first, second = found.cases
    assert first.is_complete
    assert (second.lower, second.upper, second.loads) == (None, None, [])
    assert backend.closed == 1


def test_a_failure_keeps_the_cases_so_far(search_all: SearchAll) -> None:
    found = search_all(BackendError("no server"))
    assert (found.status, found.reason, found.exit_code) == (Status.BROKEN, "no server", 3)
    assert len(found.cases) == 2


def test_a_target_that_violates_the_contract_is_not_searched(
    search_all: SearchAll, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise NonconformingError("2 checks failed")

    monkeypatch.setattr("orchestrator.campaign.setup.hold_to_contract", fail)
    found = search_all()
    assert (found.status, found.reason) == (Status.NONCONFORMING, "2 checks failed")
    assert (found.cases, found.exit_code) == ([], 1)
    assert found.host["command"] == "again"


HOLDS, FAILS, UNDECIDED = (
    case(at=verdict) for verdict in (Verdict.HOLDS, Verdict.FAILS, Verdict.UNDECIDED)
)


@pytest.mark.parametrize(
    ("cases", "of_all", "of_any"),
    [
        ([HOLDS], 0, 0),
        ([HOLDS, FAILS], 1, 0),
        ([HOLDS, UNDECIDED], 4, 0),
        ([FAILS, UNDECIDED], 1, 4),
        ([FAILS], 1, 1),
        ([case(at=None)], 4, 4),
    ],
)
def test_the_exit_code_says_whether_the_load_asked_about_holds(
    cases: Sequence[CaseCapacity], of_all: int, of_any: int
) -> None:
    complete = Status.COMPLETE
    assert exit_code(complete, cases, 100.0, is_any_enough=False) == of_all
    assert exit_code(complete, cases, 100.0, is_any_enough=True) == of_any
    assert exit_code(Status.INTERRUPTED, cases, 100.0, is_any_enough=False) == 130


def test_without_such_a_load_all_bounds_must_be_as_close_as_asked() -> None:
    assert exit_code(Status.COMPLETE, [case()], None, is_any_enough=False) == 0
    wide = case(is_complete=False)
    assert exit_code(Status.COMPLETE, [case(), wide], None, is_any_enough=False) == 4
