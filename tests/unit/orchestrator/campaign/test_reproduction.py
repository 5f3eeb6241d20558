"""Claims of several files are tried in turn, and what there is is kept, however it ends."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from orchestrator.campaign import campaign, reproduction
from orchestrator.campaign.progress import Progress
from orchestrator.campaign.reproduction import ClaimFile, ReproductionRun, Tools
from orchestrator.campaign.setup import Setup
from orchestrator.campaign.summarise import Findings
from orchestrator.execution import interrupts
from orchestrator.execution.backend import BackendError
from orchestrator.results.archive import Archive
from orchestrator.results.reproduction import Reproduction, Verdict
from orchestrator.results.summary import Status
from orchestrator.scenario.load import load_scenario
from tests.unit.orchestrator.campaign.stored_run_fixtures import SCENARIO, FakeBackend, store_run

CLAIMS = """\
repeats: 5
source: {author: A. Nobody, title: On servers, reference: nowhere}
claims:
  - says: They are alike.
    known: reproduced
    expression: makespan(epoll) ~= makespan(single) within 1%
"""
Try = Callable[..., Reproduction]


@pytest.fixture
def try_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Try:
    """Try the claims of two files; in the third round, a run of ``failing`` raises ``error``."""
    path = tmp_path / "claims.yaml"
    path.write_text(SCENARIO + CLAIMS)
    scenario = load_scenario(path, known_models=None)
    files = [ClaimFile(name, scenario) for name in ("first", "second")]

    def try_all(error: BaseException | None = None, failing: str = "first") -> Reproduction:
        def execute(*order: object) -> None:
            folder = order[3]
            assert isinstance(folder, Path)
            if error and failing in folder.parts and folder.name == "3":
                if isinstance(error, KeyboardInterrupt):
                    monkeypatch.setattr(interrupts, "is_interrupted", lambda: True)
                raise error
            store_run(folder)

        def set_up(file: ClaimFile) -> Setup:
            archive = Archive(tmp_path / file.name)
            archive.path.mkdir()
            return Setup(file.name, scenario, FakeBackend(), "no engine", archive, "reproduce")

        def follow(_file: ClaimFile) -> Progress:
            return Progress(Console(file=io.StringIO()))

        def finish(_setup: Setup, findings: Findings) -> None:
            finished.append(findings.summary.scenario)

        finished: list[str] = []
        monkeypatch.setattr(campaign, "execute", execute)
        found = ReproductionRun(files, "quick", Tools(set_up, follow, finish)).run()
        assert finished == [each.name for each in found.files]
        return found

    return try_all


def test_every_file_is_tried(try_all: Try) -> None:
    found = try_all()
    assert (found.status, found.exit_code, found.tier) == (Status.COMPLETE, 0, "quick")
    assert [each.name for each in found.files] == found.planned == ["first", "second"]
    assert [each.verdict for each in found.claims] == [Verdict.REPRODUCED] * 2
    assert found.host["command"] == "reproduce"
    assert found.backend == "process"


def test_a_file_that_cannot_be_run_leaves_its_claims_undecided_and_the_rest_go_on(
    try_all: Try,
) -> None:
    found = try_all(BackendError("the engine left"))
    assert [each.status for each in found.files] == [Status.BROKEN, Status.COMPLETE]
    first, second = found.claims
    assert first.verdict is Verdict.UNDECIDED
    assert second.verdict is Verdict.REPRODUCED
    assert found.exit_code == 4


def test_an_interrupt_keeps_what_there_is(try_all: Try) -> None:
    found = try_all(KeyboardInterrupt())
    assert (found.status, found.exit_code) == (Status.INTERRUPTED, 130)
    assert [each.name for each in found.files] == ["first"]
    assert found.planned == ["first", "second"]
    assert found.claims[0].verdict is Verdict.UNDECIDED


def test_a_backend_that_cannot_be_had_is_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "claims.yaml"
    path.write_text(SCENARIO + CLAIMS)
    scenario = load_scenario(path, known_models=None)

    def refuse(_file: ClaimFile) -> Setup:
        raise BackendError("no engine answers")

    tools = Tools(refuse, lambda _: Progress(Console(file=io.StringIO())), lambda *_: None)
    found = reproduction.ReproductionRun([ClaimFile("only", scenario)], "quick", tools).run()
    assert found.files[0].reason == "no engine answers"
    assert found.claims[0].reason == "not measured: no engine answers"
