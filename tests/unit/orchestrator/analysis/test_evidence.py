from dataclasses import replace

import pytest

from faultproxy.toxics import TOXICS
from orchestrator.results.fault_log import FaultRecord
from tests.unit.orchestrator.analysis.evidence_fixtures import ONE_AFTER_THE_OTHER, at


def took_effect(fault: str) -> FaultRecord:
    return FaultRecord(fault, at(50), at(51), error="")


@pytest.mark.parametrize("toxic", TOXICS)
def test_a_toxic_needs_the_proxy(toxic: str) -> None:
    assert replace(ONE_AFTER_THE_OTHER, faults=(took_effect(toxic),)).is_proxied


def test_a_toxic_that_failed_was_still_behind_the_proxy() -> None:
    """All connections of such a run go through the proxy, also those before the fault."""
    failed = FaultRecord("latency", at(50), error="refused")
    assert replace(ONE_AFTER_THE_OTHER, faults=(failed,)).is_proxied


@pytest.mark.parametrize("fault", ["pause", "kill", "kill-worker", "disconnect", "cpu-limit"])
def test_a_fault_of_the_server_needs_no_proxy(fault: str) -> None:
    assert not replace(ONE_AFTER_THE_OTHER, faults=(took_effect(fault),)).is_proxied


@pytest.mark.parametrize(
    ("fault", "expected"),
    [("kill", True), ("kill-worker", True), ("terminate", False), ("pause", False)],
)
def test_only_a_killed_process_may_lose_log_lines(fault: str, expected: bool) -> None:
    run = replace(ONE_AFTER_THE_OTHER, faults=(took_effect("latency"), took_effect(fault)))
    assert run.is_log_truncated is expected


def test_a_kill_that_did_not_take_effect_loses_nothing() -> None:
    missed = FaultRecord("kill", at(50), error="the server has gone")
    assert not replace(ONE_AFTER_THE_OTHER, faults=(missed,)).is_log_truncated
