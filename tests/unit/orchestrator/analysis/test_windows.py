"""What is measured before, during and after the faults of a run."""

import dataclasses

import pytest

from orchestrator.analysis.analyse import Analysis, analyse
from orchestrator.results.fault_log import FaultRecord
from orchestrator.results.server_log import Gap, GapKind
from tests.unit.orchestrator.analysis.evidence_fixtures import Sent, at, evidence, replica, served

PAUSED = FaultRecord("pause", at(1000), at(1001), at(2000), at(2003), error="")


def steady(*gaps_ms: tuple[int, int]) -> list[Sent]:
    """Return a message each 10 ms for 4 s that takes 1 ms, but those due in a gap until its end."""
    sent = []
    for number in range(400):
        due_ms = 10 * number
        over_ms = max([due_ms + 1, *(end + 1 for begin, end in gaps_ms if begin <= due_ms < end)])
        sent.append(Sent(0, due_ms, over_ms, message=number, due_ms=due_ms))
    return sent


def analysed(*faults: FaultRecord) -> Analysis:
    told = evidence([replica(0, steady((1000, 2000)))], [])
    return analyse(dataclasses.replace(told, faults=faults))


def test_each_window_has_its_own_figures() -> None:
    found = analysed(PAUSED).views
    assert list(found) == ["before", "during", "after", "slowest"]
    assert found["before"]["throughput"] == pytest.approx(100, rel=0.01)
    assert found["during"]["throughput"] == 0
    assert found["during"]["response_time_max"] == pytest.approx(0.991, abs=0.002)
    assert found["after"]["acked"] == 300  # those that had waited, too
    assert found["after"]["response_time_p50"] == pytest.approx(0.001)


def test_recovery_is_when_throughput_is_back() -> None:
    assert analysed(PAUSED).measures["recovery_time"] == 0.0
    early = dataclasses.replace(PAUSED, ending_ns=at(1500))  # nothing came for another 500 ms
    assert analysed(early).measures["recovery_time"] == pytest.approx(0.5)
    late = dataclasses.replace(PAUSED, effect_ns=at(3900), ending_ns=at(4100))
    assert analysed(late).measures["recovery_time"] is None


def test_without_a_fault_that_took_effect_there_are_no_windows() -> None:
    failed = FaultRecord("kill", at(1000), error="it had gone")
    found = analysed(failed)
    assert not {"before", "during", "after"} & found.views.keys()
    assert found.measures["recovery_time"] is None
    assert "fault kill: it had gone" in found.inconsistencies


def test_a_process_killed_on_purpose_takes_log_lines_with_it_and_that_is_no_doubt() -> None:
    sent = [Sent(0, 1, 101), Sent(1, 1, 201)]
    told = evidence([replica(0, sent)], [served(0, 1, 1, 101)])
    end = Gap("server.log does not end with the event stopped", GapKind.END)
    log = dataclasses.replace(told.log, found=(end,))
    cut = dataclasses.replace(told, log=log)
    assert analyse(cut).inconsistencies == ["server.log does not end with the event stopped"]
    killed = FaultRecord("kill", at(50), at(51), error="")
    assert analyse(dataclasses.replace(cut, faults=(killed,))).inconsistencies == []
