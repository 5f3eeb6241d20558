"""Claims of several files are tried in turn, and what there is is kept, however it ends."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from orchestrator.campaign import campaign, reproduction
from orchestrator.campaign.progress import Progress
from orchestrator.campaign.reproduction import ClaimFile, ReproductionRun, Tools
from orchestrator.campaign.setup import Setup
from orchestrator.campaign.summarise import Findings
from orchestrator.execution import interrupts
from orchestrator.execution.backend import BackendError
from orchestrator.results.archive import Archive, ArchiveError
from orchestrator.results.exit_codes import BROKEN
from orchestrator.results.reproduction import Reproduction, Verdict
from orchestrator.results.summary import Status
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.scenario import Scenario
from tests.unit.orchestrator.campaign.stored_run_fixtures import SCENARIO, FakeBackend, store_run

CLAIMS = """\
repeats: 8
source: {author: A. Nobody, title: On servers, reference: nowhere}
claims:
  - says: They are alike.
    known: reproduced
    expression: makespan(epoll) ~= makespan(single) within 1%
"""
Try = Callable[..., Reproduction]


@dataclass(frozen=True)
class Trial:
    """The claims of two files, of which ``failing`` raises ``error``.

    A run of it does in the round ``at``, or the tool ``at``: ``set_up``, ``finish`` or ``keep``.
    """

    scenario: Scenario
    folder: Path
    error: BaseException | None = None
    at: str = "3"
    failing: str = "first"
    raised: list[BaseException] = field(default_factory=list)
    kept: list[Reproduction] = field(default_factory=list)

    def run(self) -> Reproduction:
        """Try both."""
        files = [ClaimFile(name, self.scenario) for name in ("first", "second")]
        tools = Tools(self.set_up, self.follow, self.finish, self.keep, self.folder)
        return ReproductionRun(files, "quick", tools).run()

    def execute(self, *order: object) -> None:
        """Store the files of a run."""
        folder = order[3]
        assert isinstance(folder, Path)
        self._fail(folder.relative_to(self.folder).parts[0], folder.name)
        store_run(folder)

    def set_up(self, file: ClaimFile) -> Setup:
        """Return a backend that starts nothing."""
        self._fail(file.name, "set_up")
        archive = Archive(self.folder / file.name)
        archive.path.mkdir()
        return Setup(file.name, self.scenario, FakeBackend(), "no engine", archive, "reproduce")

    def follow(self, _file: ClaimFile) -> Progress:
        """Show nothing."""
        return Progress(Console(file=io.StringIO()))

    def finish(self, setup: Setup, findings: Findings) -> None:
        """Store nothing."""
        assert findings.summary.scenario == setup.name
        self._fail(setup.name, "finish")

    def keep(self, found: Reproduction) -> None:
        """Keep the verdicts so far."""
        self._fail(found.files[-1].name, "keep")
        self.kept.append(found)

    def _fail(self, name: str, step: str) -> None:
        if self.error is not None and (name, step) == (self.failing, self.at):
            self.raised.append(self.error)
            raise self.error

    def is_interrupted(self) -> bool:
        """Return whether ``error`` is an interrupt, and has come."""
        return any(isinstance(each, KeyboardInterrupt) for each in self.raised)


@pytest.fixture
def try_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Try:
    """Run a `Trial` with what is given to it."""
    path = tmp_path / "claims.yaml"
    path.write_text(SCENARIO + CLAIMS)
    scenario = load_scenario(path, known_models=None)

    def try_all(*given: Any, **options: Any) -> Reproduction:  # noqa: ANN401 as of a trial
        trial = Trial(scenario, tmp_path, *given, **options)
        monkeypatch.setattr(campaign, "execute", trial.execute)
        monkeypatch.setattr(interrupts, "is_interrupted", trial.is_interrupted)
        return trial.run()

    return try_all


def test_every_file_is_tried(try_all: Try) -> None:
    found = try_all()
    assert (found.status, found.exit_code, found.tier) == (Status.COMPLETE, 0, "quick")
    assert [each.name for each in found.files] == found.planned == ["first", "second"]
    assert [each.verdict for each in found.claims] == [Verdict.REPRODUCED] * 2
    assert found.host["command"] == "reproduce"
    assert found.backend == "process"


def test_what_was_tried_is_kept_after_each_file_as_of_a_program_that_was_killed(
    try_all: Try,
) -> None:
    kept: list[Reproduction] = []
    found = try_all(kept=kept)
    assert [each.files for each in kept] == [found.files[:1], found.files]
    assert {(each.status, each.exit_code) for each in kept} == {(Status.BROKEN, BROKEN)}
    assert kept[0].reason == "killed when 1 of 2 files had been tried"


def test_verdicts_that_cannot_be_kept_end_it(try_all: Try) -> None:
    found = try_all(ArchiveError("the disk is full"), "keep")
    assert (found.status, found.reason) == (Status.BROKEN, "the disk is full")
    assert [each.name for each in found.files] == ["first"]
    assert [each.verdict for each in found.claims] == [Verdict.REPRODUCED]


def test_a_file_that_cannot_be_run_leaves_its_claims_undecided_and_the_rest_go_on(
    try_all: Try,
) -> None:
    found = try_all(BackendError("the engine left"))
    assert [each.status for each in found.files] == [Status.BROKEN, Status.COMPLETE]
    first, second = found.claims
    assert first.verdict is Verdict.UNDECIDED
    assert first.reason == "2 repeats; confidence needs at least 5; the engine left"
    assert second.verdict is Verdict.REPRODUCED
    assert found.exit_code == 4


def test_a_file_that_broke_off_after_enough_rounds_is_not_as_known(try_all: Try) -> None:
    found = try_all(BackendError("the engine left"), at="7")
    assert [each.verdict for each in found.claims] == [Verdict.REPRODUCED] * 2
    assert found.claims[0].reason == "confidence that it holds: 98.4%"
    assert (found.files[0].status, found.files[0].reason) == (Status.BROKEN, "the engine left")
    assert (found.status, found.exit_code) == (Status.COMPLETE, 4)


@pytest.mark.parametrize("error", [ArchiveError("the disk is full"), ValueError("a defect")])
def test_what_ends_it_early_loses_no_verdict(
    try_all: Try, error: Exception, tmp_path: Path
) -> None:
    found = try_all(error, at="finish")
    assert (found.status, found.exit_code) == (Status.BROKEN, 3)
    assert str(error) in found.reason
    (first,) = found.files
    assert (first.status, first.reason) == (Status.BROKEN, found.reason)
    assert [each.verdict for each in first.claims] == [Verdict.REPRODUCED]
    assert found.planned == ["first", "second"]
    assert (tmp_path / "error.txt").is_file() == isinstance(error, ValueError)


@pytest.mark.parametrize("error", [ArchiveError("the disk is full"), ValueError("a defect")])
def test_it_ends_at_the_first_file_that_has_no_place(try_all: Try, error: Exception) -> None:
    found = try_all(error, at="set_up", failing="second")
    assert (found.status, found.exit_code) == (Status.BROKEN, 3)
    first, second = found.claims
    assert first.verdict is Verdict.REPRODUCED
    assert second.reason == f"not measured: {found.reason}"


def test_an_interrupt_keeps_what_there_is(try_all: Try) -> None:
    found = try_all(KeyboardInterrupt())
    assert (found.status, found.exit_code) == (Status.INTERRUPTED, 130)
    assert [each.name for each in found.files] == ["first"]
    assert found.planned == ["first", "second"]
    assert found.claims[0].verdict is Verdict.UNDECIDED
    assert "; interrupted by " in found.claims[0].reason


def test_a_backend_that_cannot_be_had_is_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(SCENARIO + CLAIMS)
    scenario = load_scenario(path, known_models=None)

    def refuse(_file: ClaimFile) -> Setup:
        raise BackendError("no engine answers")

    screen = Console(file=io.StringIO())
    tools = Tools(refuse, lambda _: Progress(screen), lambda *_: None, lambda _: None, tmp_path)
    found = reproduction.ReproductionRun([ClaimFile("only", scenario)], "quick", tools).run()
    assert found.files[0].reason == "no engine answers"
    assert found.claims[0].reason == "not measured: no engine answers"
