import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.wire.samples import FAILURES
from orchestrator.analysis.analyse import analyse
from orchestrator.analysis.statistics import Figures, peak_overlap
from orchestrator.results.client_samples import LostReplica
from orchestrator.results.server_log import Event, log_of
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    STOPPED,
    Sent,
    accepted,
    at,
    connection,
    dequeued,
    evidence,
    listening,
    replica,
    served,
)

ONE_AFTER_THE_OTHER = evidence(
    [replica(0, [Sent(0, 1, 101), Sent(1, 2, 201)])],
    [served(0, 1, 1, 101), served(1, 1, 101, 201)],
)


def measures(*events: Event) -> Figures:
    """Return the measures where the server logged ``events`` instead."""
    return analyse(dataclasses.replace(ONE_AFTER_THE_OTHER, log=log_of(events))).measures


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


def test_what_the_model_declares_outranks_what_was_configured() -> None:
    assert ONE_AFTER_THE_OTHER.inputs["workers"] == 5
    assert analyse(ONE_AFTER_THE_OTHER).measures["workers"] == 1


def test_a_sound_case_leaves_no_doubt() -> None:
    assert analyse(ONE_AFTER_THE_OTHER).invalid == []


def test_response_time_counts_from_due_not_from_sent() -> None:
    found = analyse(evidence([replica(0, [Sent(0, 80, 100)])], [served(0, 1, 80, 100)])).measures
    assert found["response_time_max"] == pytest.approx(0.1)
    assert found["exchange_time_max"] == pytest.approx(0.02)


def test_a_failed_message_has_no_response_time() -> None:
    sent = [Sent(0, 1, 50, "reset"), Sent(1, 1, 90)]
    found = analyse(evidence([replica(0, sent)], [served(1, 1, 1, 90)])).measures
    assert found["failed"] == 1
    assert found["response_time_max"] == pytest.approx(0.09)


def test_replicas_add_up_and_the_worst_speaks_for_the_instrument() -> None:
    late = dataclasses.replace(
        ONE_AFTER_THE_OTHER.clients.replicas[0].health,
        cpu_s=0.5, lag_p50_ns=1000, lag_p99_ns=3000, lag_max_ns=9000, lags=5, gc_pauses=2,
    )  # fmt: skip
    both = evidence(
        [replica(0, [Sent(0, 1, 101)]), replica(1, [Sent(0, 2, 201)], health=late)],
        [served(0, 1, 1, 101), served(0, 1, 101, 201, replica=1)],
    )
    found = analyse(both).measures
    assert found["acked"] == 2
    assert found["start_spread"] == pytest.approx(0.0003)
    assert found["client_cpu_share"] == 0.5
    assert found["schedule_lag_p99"] == pytest.approx(3e-6)
    assert found["gc_pauses"] == 2
    assert analyse(both).invalid == []


def test_each_group_has_measures_of_its_own() -> None:
    two = evidence(
        [
            replica(0, [Sent(0, 1, 101)], group="fast"),
            replica(1, [Sent(0, 1, 301)], group="slow", counts={"unsent": 3}, planned=4),
        ],
        [served(0, 1, 1, 101), served(0, 2, 1, 301, replica=1)],
        open_groups=frozenset({"slow"}),
    )
    found = analyse(two)
    assert list(found.groups) == ["fast", "slow"]
    assert found.groups["fast"]["response_time_max"] == pytest.approx(0.101)
    assert found.groups["slow"]["response_time_max"] == pytest.approx(0.301)
    assert (found.groups["fast"]["dropped"], found.groups["slow"]["dropped"]) == (0, 3)
    assert found.measures["dropped"] == 3


def test_connected_is_not_accepted() -> None:
    rows = [connection(0, 0.2), connection(1, 0.3), connection(2, None)]
    told = evidence(
        [replica(0, [Sent(0, 1, 101)], connections=rows, errors=_errors(refused=1))],
        [accepted("0.0", 1, 5.2, rows[0].port), served(0, 1, 6, 101)],
    )
    found = analyse(told)
    assert found.measures["connected"] == 2
    assert found.measures["never_accepted"] == 1
    assert found.measures["accept_wait_max"] == pytest.approx(0.005)
    assert found.measures["connect_time_max"] == pytest.approx(0.0002)
    assert found.merged.connections["accepted_ns"].tolist() == [at(5.2), 0, 0]
    assert found.merged.requests["accepted_ns"].tolist() == [at(5.2)]
    assert found.invalid == []


def test_a_connection_that_asked_nothing_is_known_by_its_port() -> None:
    rows = [connection(0), connection(1)]
    told = evidence(
        [replica(0, [Sent(0, 1, 101)], connections=rows)],
        [accepted("x", 1, 7, rows[1].port), accepted("0.0", 1, 5, rows[0].port),
         served(0, 1, 6, 101)],
    )  # fmt: skip
    assert analyse(told).merged.connections["accepted_ns"].tolist() == [at(5), at(7)]


def test_connections_per_worker_counts_who_took_them_not_who_accepted_them() -> None:
    """In ``threaded`` worker 0 accepts what others serve; who writes first is a matter of luck."""
    found = measures(
        listening(workers=2),
        accepted("0.1", 0, 0, 1), dequeued("0.1", 2, 1),
        dequeued("0.2", 2, 1), accepted("0.2", 0, 0, 2),
        STOPPED,
    )  # fmt: skip
    assert found["connections_per_worker_min"] == 0
    assert found["connections_per_worker_max"] == 2
    assert found["workers_used"] == 1


def test_a_worker_that_leaves_in_the_drain_did_not_die() -> None:
    def exited(t_ms: float) -> Event:
        return {"event": "worker_exited", "t_ns": at(t_ms), "index": 1, "peak_memory_bytes": 50}

    drain: Event = {"event": "drain_begun", "t_ns": at(500)}
    found = measures(listening(), exited(100), drain, exited(600), STOPPED)
    assert found["worker_deaths"] == 1
    assert found["peak_memory"] == 1050


def test_without_the_last_line_the_server_s_own_figures_are_unknown() -> None:
    found = measures(listening())
    assert found["cpu_time"] is None
    assert found["peak_memory"] is None
    assert found["cpu_time_per_message"] is None


def _errors(**counts: int) -> dict[str, int]:
    return dict.fromkeys(FAILURES, 0) | counts


def test_nothing_at_all_has_measures_too() -> None:
    lost = LostReplica(0, "clients", None, "never enrolled", 5)
    found = analyse(evidence([], [], lost=[lost]))
    assert found.measures["acked"] == 0
    assert found.measures["response_time_p50"] is None
    assert found.measures["peak_in_service"] == 0


@pytest.mark.parametrize(
    ("spans", "peak"),
    [
        ([], 0),
        ([(1, 5)], 1),
        ([(1, 5), (5, 9)], 1),  # one ends where another begins
        ([(1, 5), (4, 9)], 2),
        ([(1, 9), (2, 3), (4, 5)], 2),
        ([(1, 2), (1, 2), (1, 2)], 3),
    ],
)
def test_peak_overlap(spans: list[tuple[int, int]], peak: int) -> None:
    assert overlap(spans) == peak


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20))))
def test_peak_overlap_agrees_with_counting_at_every_instant(spans: list[tuple[int, int]]) -> None:
    ends = [(start, start + length) for start, length in spans]
    counts = [sum(start <= t < end for start, end in ends) for t in range(61)]
    assert overlap(ends) == max(counts)


def overlap(spans: list[tuple[int, int]]) -> int:
    """Return the peak overlap of spans, each its begin and end."""
    begun, ended = np.array(spans, dtype=np.int64).reshape(-1, 2).T
    return peak_overlap(begun, ended)


def test_what_is_due_in_the_warm_up_counts_in_the_books_alone() -> None:
    sent = [Sent(0, 1, 101), Sent(0, 300, 310, message=1, due_ms=300)]
    told = evidence([replica(0, sent)], [served(0, 1, 1, 101)], warmup_s=0.2)
    found = analyse(told).measures
    assert found["acked"] == 2
    assert found["response_time_max"] == pytest.approx(0.01)
    assert found["makespan"] == pytest.approx(0.11)
    assert found["throughput"] == pytest.approx(1 / 0.11)
