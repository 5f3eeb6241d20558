"""The check of a target, with a suite and a backend that do what the test says."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrator.execution import conformance
from orchestrator.execution.backend import BackendError, StageOrder
from orchestrator.execution.conformance import NonconformingError, hold_to_contract
from orchestrator.results.archive import Archive
from orchestrator.scenario.scenario import Scenario

PASSED = "passed  0.1 s  split goodbye\n12 checks passed\n"
FAILED = """\
passed  0.1 s  one ack per message
FAILED  2.0 s  split goodbye
    the connection stayed open
FAILED  0.3 s  half-close
2 of 12 checks failed
"""


class Stages:
    """A backend whose stages only record their order and that they ended."""

    def __init__(self) -> None:
        self.orders: list[StageOrder] = []
        self.ended = 0
        self.address = ("127.0.0.1", 4000)

    @contextmanager
    def stage(self, order: StageOrder) -> Iterator["Stages"]:
        self.orders.append(order)
        yield self

    def end(self) -> None:
        self.ended += 1


def scenario(target: dict[str, Any] | None, **sections: object) -> Scenario:
    written: dict[str, Any] = {
        "intent": "Is it one of ours?",
        "models": ["epoll"],
        "clients": [{"executor": "closed", "users": 1, "messages": 1}],
        **sections,
    }
    return Scenario.model_validate(written | ({"target": target} if target else {}))


@pytest.fixture
def stages() -> Stages:
    return Stages()


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def let_suite_end(monkeypatch: pytest.MonkeyPatch, code: int, report: str) -> list[str]:
    """Replace the suite; return the addresses that it will be given."""
    checked: list[str] = []

    def run_suite(address: str) -> tuple[int, str]:
        checked.append(address)
        return code, report

    monkeypatch.setattr(conformance, "_run_suite", run_suite)
    return checked


@pytest.mark.parametrize("target", [None, {"image": "mine", "conformance": "skip"}])
def test_without_a_target_or_if_it_skips_the_check_nothing_is_started(
    stages: Stages, archive: Archive, target: dict[str, Any] | None
) -> None:
    hold_to_contract(scenario(target), stages, archive)  # type: ignore[arg-type]
    assert stages.orders == []


def test_a_target_that_passes_is_checked_alone_with_the_settings_of_the_suite(
    stages: Stages, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = let_suite_end(monkeypatch, 0, PASSED)
    tested = scenario(
        {"name": "mine", "image": "mine"}, server={"workers": 3, "service_time": "5s"}
    )
    hold_to_contract(tested, stages, archive)  # type: ignore[arg-type]
    (order,) = stages.orders
    assert checked == ["127.0.0.1:4000"]
    assert (order.model, order.replicas, stages.ended) == ("mine", 0, 1)
    assert order.environment["LAB_WORKERS"] == "3"
    assert order.environment["LAB_SERVICE_TIME"] == "10ms"  # not 5 s for each check
    assert (archive.path / "raw/conformance/report.txt").read_text() == PASSED


def test_a_target_that_fails_is_refused_with_the_failed_checks_and_its_report_is_kept(
    stages: Stages, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_suite_end(monkeypatch, 1, FAILED)
    with pytest.raises(NonconformingError) as refusal:
        hold_to_contract(scenario({"image": "mine"}), stages, archive)  # type: ignore[arg-type]
    assert "split goodbye; half-close (2 of 12 checks failed;" in str(refusal.value)
    assert "one ack" not in str(refusal.value)
    assert stages.ended == 1
    assert (archive.path / "raw/conformance/report.txt").read_text() == FAILED


@pytest.mark.parametrize(
    ("code", "report", "reason"),
    [(2, "usage: ...\nno such address\n", "no such address"), (-9, "", "-9")],
)
def test_a_suite_that_could_not_run_is_no_verdict_on_the_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, report: str, reason: str
) -> None:
    let_suite_end(monkeypatch, code, report)
    stages, archive = Stages(), Archive(tmp_path)
    with pytest.raises(BackendError, match=f"could not run: {reason}"):
        hold_to_contract(scenario({"image": "mine"}), stages, archive)  # type: ignore[arg-type]
    assert stages.ended == 1


def test_without_the_development_tools_the_check_is_refused_before_anything_starts(
    stages: Stages, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(BackendError, match="conformance: skip"):
        hold_to_contract(scenario({"image": "mine"}), stages, archive)  # type: ignore[arg-type]
    assert stages.orders == []
