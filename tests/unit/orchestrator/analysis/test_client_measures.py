import dataclasses

import numpy as np
import pytest

from labkit.wire.samples import FAILURES
from orchestrator.analysis.analyse import analyse
from orchestrator.analysis.client_measures import request_measures, service_measures
from orchestrator.analysis.join import REQUEST
from orchestrator.measures.bounds import AtLeast
from orchestrator.results.client_samples import ACKED
from orchestrator.results.tables import Table
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    FIT,
    MS,
    ONE_AFTER_THE_OTHER,
    Sent,
    accepted,
    at,
    connection,
    dequeued,
    evidence,
    replica,
    served,
)


def requests(*rows: tuple[int, int, int, int, int]) -> Table:
    """Return acknowledged requests: user, due, started, finished, ended; sent when due; in ms."""
    found: Table = np.zeros(len(rows), REQUEST)
    found["outcome"] = ACKED
    columns = ("due_ns", "started_ns", "finished_ns", "ended_ns")
    for place, (user, *instants_ms) in enumerate(rows):
        found["user"][place] = user
        for column, ms in zip(columns, instants_ms, strict=True):
            found[column][place] = ms and at(ms)
    found["sent_ns"] = found["due_ns"]
    return found


def test_response_time_counts_from_due_not_from_sent() -> None:
    found = analyse(evidence([replica(0, [Sent(0, 80, 100)])], [served(0, 1, 80, 100)])).measures
    assert found["response_time_max"] == pytest.approx(0.1)
    assert found["exchange_time_max"] == pytest.approx(0.02)


def test_a_failed_message_took_at_least_until_it_failed() -> None:
    sent = [Sent(0, 1, 50, "reset"), Sent(1, 1, 90)]
    found = analyse(evidence([replica(0, sent)], [served(1, 1, 1, 90)])).measures
    assert found["failed"] == 1
    assert found["unanswered"] == 0.5
    assert found["response_time_max"] == pytest.approx(0.09)
    assert isinstance(found["response_time_max"], AtLeast)
    assert found["response_time_mean"] == pytest.approx(0.07)
    assert isinstance(found["response_time_mean"], AtLeast)
    assert isinstance(found["exchange_time_max"], AtLeast)


def test_a_connection_that_failed_would_have_taken_at_least_until_then() -> None:
    rows = [connection(0, 1), connection(1, None)]
    errors = dict.fromkeys(FAILURES, 0) | {"timed_out": 1}
    run = evidence([replica(0, [Sent(0, 3, 101)], connections=rows, errors=errors)], [])
    assert isinstance(analyse(run).measures["connect_time_max"], AtLeast)


def test_a_measure_over_nothing_is_unknown_and_never_negative() -> None:
    """The warm-up ends after the last ack, so no message counts."""
    found = analyse(dataclasses.replace(ONE_AFTER_THE_OTHER, warmup_s=10.0)).measures
    unknown = ("makespan", "throughput", "unanswered", "response_time_max", "peak_in_service",
               "utilization", "in_system_mean", "waiting_mean")  # fmt: skip
    assert {name: found[name] for name in unknown} == dict.fromkeys(unknown)


def test_one_long_message_does_not_change_the_throughput_of_an_open_load() -> None:
    """Of 100 messages in 1 s, 99 are acked within it and the last one 560 ms after its end."""
    sent = [Sent(n, 10 * n, 10 * n + 5, due_ms=10 * n) for n in range(99)]
    run = evidence([replica(0, [*sent, Sent(99, 990, 1560, due_ms=990)])], [])
    found = analyse(dataclasses.replace(run, loads={"clients": (0.0, 1.0)})).measures
    assert found["throughput"] == pytest.approx(99)
    assert found["makespan"] == pytest.approx(1.56)


def test_acks_after_the_warm_up_count_in_the_throughput_whenever_they_were_due() -> None:
    """One message is due before the end of the warm-up and acked after it."""
    sent = [Sent(0, 90, 150, due_ms=90), Sent(1, 200, 300, due_ms=200)]
    run = dataclasses.replace(evidence([replica(0, sent)], []), warmup_s=0.1)
    assert analyse(run).measures["throughput"] == pytest.approx(2 / 0.2)


def test_the_window_of_a_group_begins_with_its_load() -> None:
    sent = [Sent(0, 600, 700, due_ms=600), Sent(1, 900, 1000, due_ms=900)]
    run = evidence([replica(0, sent)], [])
    found = analyse(dataclasses.replace(run, loads={"clients": (0.5, None)}))
    assert found.groups["clients"]["throughput"] == pytest.approx(2 / 0.5)


def test_replicas_add_up_and_the_worst_speaks_for_the_instrument() -> None:
    late = dataclasses.replace(
        ONE_AFTER_THE_OTHER.clients.replicas[0].health,
        cpu_s=0.5, lag_p50_ns=1000, lag_p99_ns=3000, lag_max_ns=9000, lags=100, gc_pauses=2,
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
    assert analyse(both).inconsistencies == []


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


def test_percentiles_of_the_response_time_are_nearest_ranks() -> None:
    # 100 response times of 1 ms to 100 ms; by nearest rank, p90 is the 90th and p99 the 99th.
    found = request_measures(requests(*((0, 1, 1, 1, 1 + ms) for ms in range(1, 101))))
    assert found["response_time_mean"] == pytest.approx(0.0505)
    assert found["response_time_p90"] == pytest.approx(0.090)
    assert found["response_time_p99"] == pytest.approx(0.099)
    assert found["response_time_p999"] is None  # it needs 1000 values
    assert found["response_time_max"] == pytest.approx(0.1)


def test_other_percentiles_are_measured_if_they_are_asked_for() -> None:
    # 200 response times of 1 ms to 200 ms: p95 is the 190th and p99.5 the 199th.
    table = requests(*((0, 1, 1, 1, 1 + ms) for ms in range(1, 201)))
    found = request_measures(table, {"response_time": ["p95", "p99_5"], "send_delay": ["p5"]})
    assert found["response_time_p95"] == pytest.approx(0.190)
    assert found["response_time_p99_5"] == pytest.approx(0.199)
    assert found["send_delay_p5"] is not None
    assert "exchange_time_p95" not in found


def test_the_first_service_wait_of_a_user_is_that_of_the_first_service() -> None:
    # User 0 waits 10 ms for its first service and 500 ms for its second, user 1 waits 30 ms.
    rows = [(0, 200, 700, 710, 711), (0, 1, 11, 21, 22), (1, 1, 31, 41, 42)]
    found = service_measures(requests(*rows))
    assert found["first_service_wait_max"] == pytest.approx(0.030)
    assert found["first_service_wait_p50"] == pytest.approx(0.010)
    assert found["waiting_time_mean"] == pytest.approx((0.5 + 0.01 + 0.03) / 3)


def test_a_request_that_the_server_did_not_log_has_no_service() -> None:
    found = service_measures(requests((0, 1, 0, 0, 50), (1, 1, 11, 21, 22)))
    assert found["waiting_time_mean"] == pytest.approx(0.010)
    assert found["peak_in_service"] == 1


def test_waits_of_connections_are_counted_from_when_they_were_established() -> None:
    rows = [connection(0, 1), connection(1, 2)]
    run = evidence(
        [replica(0, [Sent(0, 3, 101)], connections=rows)],
        [
            accepted("0.0", 0, 5, rows[0].port),  # 4 ms after it was established
            dequeued("0.0", 1, 12),  # 7 ms after it was accepted
            accepted("0.1", 0, 1, rows[1].port),  # before the client knew: no wait
            served(0, 1, 12, 101),
        ],
    )
    found = analyse(run).measures
    assert found["accept_wait_max"] == pytest.approx(0.004)
    assert found["accept_wait_p50"] == 0
    assert found["queue_wait_max"] == pytest.approx(0.007)
    assert found["connect_time_max"] == pytest.approx(0.0019)


def test_only_open_groups_drop_messages() -> None:
    left = replica(0, [Sent(0, 1, 101)], counts={"unsent": 3}, planned=4)
    assert analyse(evidence([left], [])).measures["dropped"] == 0
    is_open = evidence([left], [], open_groups=frozenset({"clients"}))
    assert analyse(is_open).measures["dropped"] == 3


def test_errors_are_counted_by_kind_and_in_all() -> None:
    errors = dict.fromkeys(FAILURES, 0)
    both = [
        replica(0, [Sent(0, 1, 101)], errors=errors | {"refused": 2}),
        replica(1, [], errors=errors | {"refused": 1, "reset": 4}),
    ]
    found = analyse(evidence(both, [])).measures
    assert (found["errors"], found["refused"], found["reset"], found["timed_out"]) == (7, 3, 4, 0)


def test_the_lag_is_unknown_without_scheduled_instants_and_else_the_worst() -> None:
    assert analyse(ONE_AFTER_THE_OTHER).measures["schedule_lag_max"] is None
    late = [
        replica(
            number, [Sent(0, 1, 101)], health=dataclasses.replace(FIT, lag_max_ns=lag_ns, lags=99)
        )
        for number, lag_ns in enumerate([2 * MS, None, 7 * MS])
    ]
    found = analyse(evidence(late, [])).measures
    assert found["schedule_lag_max"] == pytest.approx(0.007)
    assert found["schedule_lag_p99"] is None  # of 100 lags or more


AGAIN = [
    Sent(0, 10, 60, "retried", message=5, due_ms=10),
    Sent(1, 80, 130, "retried", message=5, due_ms=10),
    Sent(2, 150, 190, message=5, due_ms=10),
    Sent(3, 20, 50, message=6, due_ms=20),
    Sent(4, 30, 80, "retried", message=7, due_ms=30),
    Sent(5, 90, 140, "timed_out", message=7, due_ms=30),
]
"""Three messages: the first acked at the third attempt, the second at once, the third never."""


def test_a_message_that_was_sent_again_counts_once_from_its_first_due_instant() -> None:
    errors = dict.fromkeys(FAILURES, 0) | {"timed_out": 4}
    found = analyse(evidence([replica(0, AGAIN, errors=errors)], [])).measures
    assert {name: found[name] for name in ("sent", "acked", "failed", "retries")} == {
        "sent": 3, "acked": 2, "failed": 1, "retries": 3,
    }  # fmt: skip
    assert found["unanswered"] == pytest.approx(1 / 3)
    assert found["response_time_p50"] == pytest.approx(0.18)  # of 30 and 180 ms, and the lost one
    assert found["in_system_mean"] == pytest.approx((180 + 30 + 110) / 180)


def test_goodput_is_the_throughput_of_acks_within_the_deadline() -> None:
    told = evidence([replica(0, AGAIN)], [], loads={"clients": (0.0, 0.2)})
    throughput = analyse(told).measures["throughput"]
    assert throughput == pytest.approx(10)
    for limit_s, expected in ((0.02, 0), (0.03, 5), (0.1, 5), (0.18, 10)):
        found = analyse(dataclasses.replace(told, deadlines={"clients": limit_s})).measures
        assert found["goodput"] == pytest.approx(expected)


def test_goodput_is_unknown_if_a_group_with_messages_has_no_deadline() -> None:
    one, other = replica(0, AGAIN), replica(1, [Sent(9, 1, 2)], group="others")
    told = evidence([one, other], [])
    assert analyse(told).measures["goodput"] is None
    found = analyse(dataclasses.replace(told, deadlines={"others": 1.0}))
    assert found.measures["goodput"] is None
    assert found.groups["clients"]["goodput"] is None
    assert found.groups["others"]["goodput"] is not None
    both = analyse(dataclasses.replace(told, deadlines={"others": 1.0, "clients": 1.0}))
    assert both.measures["goodput"] == both.measures["throughput"]


def test_attempts_that_were_given_up_occupy_the_workers_all_the_same() -> None:
    """Of one worker: two attempts of 50 ms each in 190 ms, of which the client saw one ack."""
    sent = [Sent(0, 10, 60, "retried", due_ms=10), Sent(1, 80, 190, due_ms=10)]
    logged = [served(0, 1, 60, 110), served(1, 1, 130, 180)]
    found = analyse(evidence([replica(0, sent)], logged)).measures
    assert found["makespan"] == pytest.approx(0.19)
    assert found["utilization"] == pytest.approx(100 / 190)
