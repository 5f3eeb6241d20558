"""The machine runs each case until a run is valid, and is compared with the twin."""

from pathlib import Path

import pytest

from orchestrator.campaign.evaluate_run import MeasuredRun
from orchestrator.quiz import machine as module
from orchestrator.quiz.machine import MOST_TRIES, Machine, MachineAnswer
from orchestrator.quiz.observed import LostMessagesError, Observed, observe_twin
from orchestrator.quiz.problem import Problem
from orchestrator.results.archive import Archive
from orchestrator.results.summary import Reason, ReasonKind
from orchestrator.scenario.plan import Case
from tests.unit.orchestrator.campaign.stored_run_fixtures import FakeBackend
from tests.unit.orchestrator.quiz.problem_fixtures import problem_of

BUSY = [Reason(ReasonKind.DISTURBED_HOST, "host_delay < 5%: 9%")]
LOST = Reason(ReasonKind.LOST_RECORDS, "3 lines of the log are missing")


class Runs:
    """Stands for the runs of cases: what invalidates each, and what is observed in a valid one."""

    def __init__(self, *reasons: list[Reason]) -> None:
        self._reasons = list(reasons)
        self.folders: list[str] = []

    def run(self, *order: object) -> "Runs":
        folder = order[3]
        assert isinstance(folder, Path)
        self.folders.append(folder.name)
        self.reasons = self._reasons.pop(0) if self._reasons else []
        return self


def machine_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: Runs, *, accept_invalid: bool = False
) -> tuple[Machine, FakeBackend]:
    backend = FakeBackend()
    monkeypatch.setattr(module, "run_case", runs.run)
    monkeypatch.setattr(module, "observe_run", lambda case, _measured: observe_twin(case))
    archive = Archive(tmp_path)
    return Machine(backend, archive, lambda _: None, accept_invalid=accept_invalid), backend


@pytest.mark.parametrize("kind", ["makespan", "first-done", "workers"])
def test_a_machine_that_does_what_the_twin_does_agrees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    runs, problem = Runs(), problem_of(kind)
    machine, backend = machine_of(tmp_path, monkeypatch, runs)
    found = machine.answer(problem)
    assert found.agrees
    assert found.value == pytest.approx(problem.derived) if kind == "makespan" else True
    assert runs.folders == [case.slug for case in problem.cases]
    assert backend.needs is not None
    assert set(backend.needs.models) == {case.model for case in problem.cases}


def test_a_disturbed_run_is_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, problem = Runs(BUSY, BUSY), problem_of("makespan")
    machine, _ = machine_of(tmp_path, monkeypatch, runs)
    assert machine.answer(problem).agrees
    slug = problem.cases[0].slug
    assert runs.folders == [slug, f"{slug}+1", f"{slug}+2"]


def test_a_case_without_a_valid_run_is_undecided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, problem = Runs(*[BUSY] * MOST_TRIES), problem_of("makespan")
    machine, _ = machine_of(tmp_path, monkeypatch, runs)
    found = machine.answer(problem)
    reason = f"3 runs of {problem.cases[0].name} do not count: host_delay < 5%: 9%"
    assert found == MachineAnswer(None, None, reason)


def test_a_run_that_is_invalid_for_another_reason_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To repeat it until the server does what it should would hide what it did."""
    runs, problem = Runs([*BUSY, LOST]), problem_of("makespan")
    machine, _ = machine_of(tmp_path, monkeypatch, runs, accept_invalid=True)
    found = machine.answer(problem)
    reason = f"1 run of {problem.cases[0].name} does not count: {BUSY[0].text}; {LOST.text}"
    assert found == MachineAnswer(None, None, reason)
    assert len(runs.folders) == 1


def test_a_disturbed_run_can_be_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs, problem = Runs(BUSY, BUSY), problem_of("makespan")
    machine, _ = machine_of(tmp_path, monkeypatch, runs, accept_invalid=True)
    assert machine.answer(problem).agrees
    assert len(runs.folders) == 1


def test_an_answer_beyond_the_tolerance_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(case: Case, _measured: MeasuredRun) -> Observed:
        seen = observe_twin(case)
        for column in ("started_ns", "ended_ns"):
            seen.messages[column] *= 2
        return seen

    machine, _ = machine_of(tmp_path, monkeypatch, Runs())
    monkeypatch.setattr(module, "observe_run", slowly)
    problem = problem_of("makespan")
    found = machine.answer(problem)
    assert isinstance(problem.derived, float)
    assert found.value == pytest.approx(2 * problem.derived)
    assert found.agrees is False


def test_lost_messages_are_a_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(_case: Case, _measured: MeasuredRun) -> Observed:
        raise LostMessagesError("2 of 3 messages were answered")

    machine, _ = machine_of(tmp_path, monkeypatch, Runs())
    monkeypatch.setattr(module, "observe_run", lost)
    found = machine.answer(problem_of("makespan"))
    assert found == MachineAnswer(None, agrees=False, reason="2 of 3 messages were answered")


def test_a_model_is_prepared_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine, backend = machine_of(tmp_path, monkeypatch, Runs())
    problem: Problem = problem_of("makespan")
    machine.answer(problem)
    backend.needs = None
    machine.answer(problem)
    assert backend.needs is None
