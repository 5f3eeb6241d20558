import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.analyse import analyse, peak_overlap
from orchestrator.collect import ClientRun, Event, Sample, ServerLog
from orchestrator.evidence import Evidence

START_NS = 1_000_000_000_000
MS = 1_000_000
FAILURES = ("refused", "reset", "timed_out", "closed_early", "bad_reply", "unreachable")
INPUTS = {"users": 2.0, "messages": 1.0, "workers": 5.0}


def at(ms: float) -> int:
    return START_NS + round(ms * MS)


def sample(user: int, sent_ms: float, ended_ms: float, outcome: str = "acked") -> Sample:
    return Sample(f"r0.c{user}.m0", user, 0, outcome, START_NS, at(sent_ms), at(ended_ms))


def served(user: int, worker: int, started_ms: float, finished_ms: float) -> Event:
    return {
        "event": "request_acked",
        "t_ns": at(finished_ms),
        "pid": 7,
        "worker": worker,
        "conn": f"{worker}.1",
        "request": f"r0.c{user}.m0",
        "received_ns": at(started_ms),
        "started_ns": at(started_ms),
        "finished_ns": at(finished_ms),
    }


def lifecycle(workers: int = 1) -> tuple[Event, Event]:
    listening = {"event": "listening", "t_ns": at(-50), "workers": workers}
    stopped = {
        "event": "stopped",
        "t_ns": at(900),
        "cpu_user_s": 0.25,
        "cpu_system_s": 0.5,
        "peak_memory_bytes": 1000,
    }
    return listening, stopped


def evidence(samples: list[Sample], events: list[Event], **books: int) -> Evidence:
    listening, stopped = lifecycle()
    outcomes = [each.outcome for each in samples]
    counted = {
        "sent": len(samples),
        "acked": outcomes.count("acked"),
        "in_flight": outcomes.count("in_flight"),
        "failed": sum(1 for each in outcomes if each in FAILURES),
        "unsent": 2 - len(samples),
    }
    clients = ClientRun(
        start_ns=START_NS,
        end_ns=max(each.ended_ns for each in samples),
        started_ns=(at(0.1), at(0.4)),
        samples=tuple(samples),
        books=counted | books,
        errors=dict.fromkeys(FAILURES, 0),
        gaps=(),
    )
    return Evidence(INPUTS, clients, ServerLog((listening, *events, stopped), ()), 0)


ONE_AFTER_THE_OTHER = evidence(
    [sample(0, 1, 101), sample(1, 2, 201)],
    [served(0, 1, 1, 101), served(1, 1, 101, 201)],
)


def test_two_users_one_after_the_other() -> None:
    measures = analyse(ONE_AFTER_THE_OTHER).measures
    assert measures["makespan"] == pytest.approx(0.201)
    assert measures["throughput"] == pytest.approx(2 / 0.201)
    assert measures["peak_in_service"] == 1
    assert measures["first_service_wait_max"] == pytest.approx(0.101)
    assert measures["response_time_max"] == pytest.approx(0.201)
    assert measures["response_time_p50"] == pytest.approx(0.101)
    assert measures["utilization"] == pytest.approx(0.2 / 0.201)
    assert measures["start_spread"] == pytest.approx(0.0003)
    assert measures["cpu_time"] == 0.75
    assert measures["cpu_time_per_message"] == 0.375


def test_what_the_model_declares_outranks_what_was_configured() -> None:
    assert analyse(ONE_AFTER_THE_OTHER).measures["workers"] == 1


def test_a_sound_case_leaves_no_doubt() -> None:
    assert analyse(ONE_AFTER_THE_OTHER).invalid == []


def test_response_time_counts_from_due_not_from_sent() -> None:
    late = evidence([sample(0, 80, 100)], [served(0, 1, 80, 100)], unsent=1)
    assert analyse(late).measures["response_time_max"] == pytest.approx(0.1)


def test_a_failed_message_has_no_response_time() -> None:
    broken = evidence([sample(0, 1, 50, "reset"), sample(1, 1, 90)], [served(1, 1, 1, 90)])
    measures = analyse(broken).measures
    assert measures["failed"] == 1
    assert measures["response_time_max"] == pytest.approx(0.09)


def test_books_that_do_not_add_up_are_a_doubt() -> None:
    lost = evidence([sample(0, 1, 101), sample(1, 1, 201)], [], sent=3, unsent=0)
    doubts = "; ".join(analyse(lost).invalid)
    assert "2 messages planned, but 3 sent" in doubts
    assert "3 messages sent, but 2 acked + 0 failed + 0 in flight" in doubts


def test_an_ack_that_the_server_never_gave_is_a_doubt() -> None:
    unseen = evidence([sample(0, 1, 101), sample(1, 1, 201)], [served(0, 1, 1, 101)])
    assert analyse(unseen).invalid == [
        "1 acks at the clients have no request_acked in the server's log"
    ]


def test_gaps_in_the_log_are_doubts() -> None:
    log = dataclasses.replace(ONE_AFTER_THE_OTHER.log, gaps=("server.log:3 is no event",))
    torn = dataclasses.replace(ONE_AFTER_THE_OTHER, log=log)
    assert analyse(torn).invalid == ["server.log:3 is no event"]


def test_connections_per_worker_counts_who_took_them_not_who_accepted_them() -> None:
    """In ``threaded`` worker 0 accepts what others serve."""
    events: list[Event] = [
        {"event": "accepted", "t_ns": at(0), "pid": 7, "worker": 0, "conn": "0.1"},
        {"event": "accepted", "t_ns": at(0), "pid": 7, "worker": 0, "conn": "0.2"},
        {"event": "dequeued", "t_ns": at(0), "pid": 7, "worker": 2, "conn": "0.1"},
        {"event": "dequeued", "t_ns": at(0), "pid": 7, "worker": 2, "conn": "0.2"},
    ]
    _, stopped = lifecycle()
    log = ServerLog((lifecycle(workers=2)[0], *events, stopped), ())
    measures = analyse(dataclasses.replace(ONE_AFTER_THE_OTHER, log=log)).measures
    assert measures["connections_per_worker_min"] == 0
    assert measures["connections_per_worker_max"] == 2
    assert measures["workers_used"] == 1


def test_a_worker_that_leaves_in_the_drain_did_not_die() -> None:
    def exited(t_ms: float) -> Event:
        return {"event": "worker_exited", "t_ns": at(t_ms), "index": 1, "peak_memory_bytes": 50}

    drain: Event = {"event": "drain_begun", "t_ns": at(500)}
    listening, stopped = lifecycle()
    log = ServerLog((listening, exited(100), drain, exited(600), stopped), ())
    measures = analyse(dataclasses.replace(ONE_AFTER_THE_OTHER, log=log)).measures
    assert measures["worker_deaths"] == 1
    assert measures["peak_memory"] == 1050


def test_without_the_last_line_the_server_s_own_figures_are_unknown() -> None:
    log = ServerLog(ONE_AFTER_THE_OTHER.log.events[:-1], ("does not end with the event stopped",))
    measures = analyse(dataclasses.replace(ONE_AFTER_THE_OTHER, log=log)).measures
    assert measures["cpu_time"] is None
    assert measures["peak_memory"] is None
    assert measures["cpu_time_per_message"] is None


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
    assert peak_overlap(spans) == peak


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20))))
def test_peak_overlap_agrees_with_counting_at_every_instant(spans: list[tuple[int, int]]) -> None:
    ends = [(start, start + length) for start, length in spans]
    counts = [sum(start <= t < end for start, end in ends) for t in range(61)]
    assert peak_overlap(ends) == max(counts)
