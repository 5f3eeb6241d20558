"""Faults that were not those of the scenario make the run invalid."""

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.analysis.fault_doubts import find_fault_doubts
from orchestrator.results.fault_log import FaultRecord
from orchestrator.results.proxy_log import ProxyLog, ToxicsChange
from tests.unit.orchestrator.analysis.evidence_fixtures import ONE_AFTER_THE_OTHER, at

SECOND_NS = 1_000_000_000
PAUSED = FaultRecord("pause", at(2000), at(2010), at(3010), at(3020), None, "", SECOND_NS)
SLOW = {"name": "latency at 2s", "type": "latency", "attributes": {"latency": "5ms"}}
SLOWED = replace(PAUSED, fault="latency", toxic=SLOW)
NONE, ADDED, LIFTED = (
    ToxicsChange(at(-50), ()), ToxicsChange(at(2010), (SLOW,)), ToxicsChange(at(3015), ()),
)  # fmt: skip


def doubts(fault: FaultRecord, *changes: ToxicsChange, gaps: tuple[str, ...] = ()) -> list[str]:
    proxy = ProxyLog(changes, gaps)
    found = find_fault_doubts(replace(ONE_AFTER_THE_OTHER, faults=(fault,), proxy=proxy))
    return [reason.text for reason in found]


@pytest.mark.parametrize(
    "changes",
    [{}, {"effect_ns": at(2100), "ending_ns": at(3100)}, {"ending_ns": at(3110)},
     {"ending_ns": at(2500), "is_cut": True}, {"lasts_ns": None, "ending_ns": at(2500)},
     {"ending_ns": None, "reverted_ns": None, "lasts_ns": None}],
)  # fmt: skip
def test_a_fault_that_was_in_time_is_no_doubt(changes: dict[str, Any]) -> None:
    assert doubts(replace(PAUSED, **changes)) == []


def test_a_fault_that_took_effect_late_is_a_doubt_with_both_instants() -> None:
    late = replace(PAUSED, effect_ns=at(2101), ending_ns=at(3101))
    assert doubts(late) == [
        "fault pause: it was due at 2.000 s, but took effect at 2.101 s, more than 0.1 s late"
    ]


@pytest.mark.parametrize(
    ("ending_ms", "lasted"), [(3009, "0.999"), (3111, "1.101"), (2010.1, "0.000")]
)
def test_a_fault_that_lasted_too_short_or_too_long_is_a_doubt(
    ending_ms: float, lasted: str
) -> None:
    end = f"{ending_ms / 1e3:.3f}"
    assert doubts(replace(PAUSED, ending_ns=at(ending_ms))) == [
        f"fault pause: it lasted from 2.010 s to {end} s, {lasted} s instead of 1.000 s"
    ]


def test_a_fault_by_hand_is_due_when_it_takes_effect_but_lasts_as_long_as_others() -> None:
    late = replace(PAUSED, effect_ns=at(2500), ending_ns=at(3500), is_by_hand=True)
    assert doubts(late) == []
    assert doubts(replace(late, ending_ns=at(3601))) == [
        "fault pause: it lasted from 2.500 s to 3.601 s, 1.101 s instead of 1.000 s"
    ]


def test_a_fault_that_could_not_be_injected_is_a_doubt() -> None:
    gone = FaultRecord("kill", at(2000), error="the server has ended, exit code 0")
    assert doubts(gone) == ["fault kill: the server has ended, exit code 0"]


def test_the_toxics_of_the_timeline_are_no_doubt() -> None:
    assert doubts(SLOWED, NONE, ADDED, LIFTED) == []


OTHER = {"name": "stranger", "type": "reset_peer"}
STRONGER = {**SLOW, "attributes": {"latency": "9s"}}


@pytest.mark.parametrize(
    ("change", "when"),
    [
        (ToxicsChange(at(2500), (SLOW, OTHER)), "2.500"),
        (ToxicsChange(at(2500), (STRONGER,)), "2.500"),
        (ToxicsChange(at(1999), (SLOW,)), "1.999"),
        (ToxicsChange(at(3021), (SLOW,)), "3.021"),
        (ToxicsChange(at(-50), (OTHER,)), "-0.050"),  # the proxy started with it
        (ToxicsChange(at(2500), (SLOW, {})), "2.500"),
    ],
)
def test_a_toxic_that_no_fault_asked_for_is_a_doubt(change: ToxicsChange, when: str) -> None:
    found = doubts(SLOWED, change)
    assert len(found) == 1
    assert f"got a toxic at {when} s that no fault asked for: {{" in found[0]


def test_a_toxic_that_was_removed_while_its_fault_lasted_is_a_doubt() -> None:
    assert doubts(SLOWED, NONE, ADDED, ToxicsChange(at(2500), ())) == [
        "the fault proxy lost the toxic 'latency at 2s' at 2.500 s, while its fault lasted"
    ]


def test_a_gap_in_the_log_of_the_proxy_is_a_doubt_of_runs_that_had_one() -> None:
    assert doubts(SLOWED, gaps=("faultproxy.log is missing",)) == ["faultproxy.log is missing"]
    assert doubts(PAUSED, gaps=("faultproxy.log is missing",)) == []


def test_a_run_of_an_older_version_is_judged_by_what_it_recorded() -> None:
    old = replace(SLOWED, toxic=None, lasts_ns=None)
    assert doubts(old, NONE, ToxicsChange(at(2010), None), LIFTED) == []
    assert doubts(SLOWED, ToxicsChange(at(2500), None)) == []
