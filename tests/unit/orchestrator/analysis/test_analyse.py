"""The analysis of whole runs; each figure is tested with the module that measures it."""

import pytest

from orchestrator.analysis.analyse import analyse
from orchestrator.results.client_samples import LostReplica
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    ONE_AFTER_THE_OTHER,
    Sent,
    evidence,
    replica,
    served,
)


def test_two_users_one_after_the_other() -> None:
    found = analyse(ONE_AFTER_THE_OTHER).measures
    assert found["makespan"] == pytest.approx(0.201)
    assert found["throughput"] == pytest.approx(2 / 0.201)
    assert found["peak_in_service"] == 1
    assert found["first_service_wait_max"] == pytest.approx(0.101)
    assert found["response_time_max"] == pytest.approx(0.201)
    assert found["response_time_p50"] == pytest.approx(0.101)
    assert found["exchange_time_max"] == pytest.approx(0.199)
    assert found["send_delay_max"] == pytest.approx(0.002)
    assert found["utilization"] == pytest.approx(0.2 / 0.201)
    assert found["cpu_time"] == 0.75
    assert found["cpu_time_per_message"] == 0.375


def test_a_sound_case_leaves_no_doubt() -> None:
    assert analyse(ONE_AFTER_THE_OTHER).inconsistencies == []


def test_nothing_at_all_has_measures_too() -> None:
    lost = LostReplica(0, "clients", None, "never enrolled", 5)
    found = analyse(evidence([], [], lost=[lost]))
    assert found.measures["acked"] == 0
    assert found.measures["response_time_p50"] is None
    assert found.measures["peak_in_service"] is None


def test_what_is_due_in_the_warm_up_counts_in_the_books_alone() -> None:
    sent = [Sent(0, 1, 101), Sent(0, 300, 310, message=1, due_ms=300)]
    told = evidence([replica(0, sent)], [served(0, 1, 1, 101)], warmup_s=0.2)
    found = analyse(told).measures
    assert found["acked"] == 2
    assert found["response_time_max"] == pytest.approx(0.01)
    assert found["makespan"] == pytest.approx(0.11)
    assert found["throughput"] == pytest.approx(1 / 0.11)
