"""Every disagreement between the records is found, and its reason names the replica."""

import dataclasses

import pytest

from labkit.wire.samples import FAILURES
from orchestrator.analysis.analyse import analyse
from orchestrator.analysis.evidence import Evidence
from orchestrator.results.client_samples import LostReplica
from orchestrator.results.fault_log import FaultRecord
from orchestrator.results.server_log import log_of
from orchestrator.results.summary import ReasonKind
from tests.unit.orchestrator.analysis.evidence_fixtures import (
    FIT,
    STOPPED,
    Sent,
    connection,
    evidence,
    listening,
    replica,
    served,
    texts,
)

BOTH = [Sent(0, 1, 101), Sent(1, 1, 201)]
SERVED = [served(0, 1, 1, 101), served(1, 1, 101, 201)]


def doubts(told: Evidence) -> list[str]:
    return texts(analyse(told))


def test_a_sound_case_leaves_none() -> None:
    assert doubts(evidence([replica(0, BOTH)], SERVED, planned={"clients": 2})) == []


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"unsent": 1}, "replica 3: 2 messages planned, but 2 sent + 1 unsent"),
        ({"in_flight": 1},
         "replica 3: 2 messages sent, but 2 acked + 0 failed + 1 in flight"),
        ({"acked": 1, "failed": 1},
         "replica 3: it counts 1 message acked, but 2 rows of samples have it"),
    ],
)  # fmt: skip
def test_counts_that_do_not_add_up(counts: dict[str, int], expected: str) -> None:
    assert expected in doubts(evidence([replica(3, BOTH, counts=counts)], []))


TIMED_OUT_ONCE = dict.fromkeys(FAILURES, 0) | {"timed_out": 1}
ONE_CUT_OFF = [
    connection(0)._replace(outcome=1 + FAILURES.index("timed_out")),
    connection(1),
]
AGAIN = [Sent(0, 1, 51, "retried"), Sent(1, 60, 201)]


def test_an_attempt_that_was_sent_again_is_no_message_but_a_row() -> None:
    again = replica(0, AGAIN, errors=TIMED_OUT_ONCE, connections=ONE_CUT_OFF)
    assert again.counts["sent"] == 1
    assert doubts(evidence([again], SERVED, planned={"clients": 1})) == []


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"sent": 2, "acked": 2, "retries": 0},
         "replica 3: it counts 2 messages acked, but 1 row of samples has it"),
        ({"sent": 0, "acked": 0, "retries": 2},
         "replica 3: 2 retries, but 1 connection timed out"),
        ({"sent": 0, "acked": 0, "retries": 2},
         "replica 3: it counts 2 retries, but 1 row of samples has it"),
    ],
)  # fmt: skip
def test_retries_that_do_not_add_up(counts: dict[str, int], expected: str) -> None:
    """The rows are two in each case."""
    changes = {"errors": TIMED_OUT_ONCE, "connections": ONE_CUT_OFF, "counts": counts}
    assert expected in doubts(evidence([replica(3, AGAIN, **changes)], []))


def test_errors_that_no_connection_tells_of() -> None:
    errors = dict.fromkeys(FAILURES, 0) | {"reset": 2}
    told = evidence([replica(0, BOTH, errors=errors)], SERVED)
    assert doubts(told) == ["replica 0: it counts 2 errors reset, but 0 connections have it"]


def test_a_client_that_was_throttled() -> None:
    health = dataclasses.replace(FIT, throttled_periods=7)
    told = evidence([replica(0, BOTH, health=health)], SERVED)
    assert doubts(told) == [
        "replica 0 was throttled in 7 periods, though no scenario limits its CPU"
    ]


def test_a_client_without_ports_measures_itself() -> None:
    own = connection(0)._replace(outcome=1 + FAILURES.index("exhausted"))
    errors = dict.fromkeys(FAILURES, 0) | {"exhausted": 1}
    told = evidence([replica(0, [], errors=errors, connections=[own])], [])
    assert doubts(told) == ["replica 0 had no free local port or descriptor for 1 connection"]


def test_a_replica_that_ended_badly_after_its_report() -> None:
    told = evidence([replica(0, BOTH, exit_code=-9)], SERVED)
    assert doubts(told) == ["replica 0 ended with exit code -9 after it had reported"]
    assert doubts(evidence([replica(0, BOTH, exit_code=0)], SERVED)) == []


def test_shares_that_do_not_make_up_the_plan() -> None:
    told = evidence([replica(0, BOTH)], SERVED, planned={"clients": 5})
    assert doubts(told) == ["clients: 5 messages planned, but its replicas' shares add up to 2"]


def test_an_ack_that_the_server_never_gave() -> None:
    assert doubts(evidence([replica(0, BOTH)], SERVED[:1])) == [
        "1 ack at the clients has no request_acked in the server's log"
    ]


def test_an_ack_for_what_nobody_sent_and_one_given_twice() -> None:
    stranger = served(9, 1, 1, 101)
    assert doubts(evidence([replica(0, BOTH)], [*SERVED, stranger, SERVED[0]])) == [
        "1 event request_acked in the server's log belongs to no message that a client sent",
        "1 event request_acked in the server's log belongs to a message acked before",
    ]


def test_gaps_in_the_log_are_told_and_what_follows_from_them_is_not() -> None:
    log = log_of([listening(), STOPPED], "server.log:3 is not an event")
    told = dataclasses.replace(evidence([replica(0, BOTH)], []), log=log)
    assert doubts(told) == ["server.log:3 is not an event"]


def test_clocks_that_run_backwards() -> None:
    told = evidence([replica(0, [Sent(0, 1, 101, due_ms=50)])], SERVED[:1])
    assert doubts(told) == ["1 message was sent before due, or ended before sent"]


def test_a_lost_replica_is_named_with_what_the_server_knows_of_it() -> None:
    lost = LostReplica(1, "slow", "10.0.0.7", "its connection was reset", 5)
    told = evidence(
        [replica(0, BOTH)],
        [*SERVED, served(0, 1, 1, 2, replica=1)],
        lost=[lost],
        planned={"clients": 2, "slow": 5},
    )
    assert doubts(told) == [
        "replica 1 at 10.0.0.7, of slow, was lost: its connection was reset; "
        "the server acked 1 of its 5 messages"
    ]


def test_a_replica_that_never_came_is_named_too() -> None:
    lost = LostReplica(1, "clients", None, "never enrolled", None)
    assert doubts(evidence([replica(0, BOTH)], SERVED, lost=[lost])) == [
        "replica 1, of clients, was lost: never enrolled; the server acked 0 messages"
    ]


def test_a_connection_that_failed_is_no_doubt() -> None:
    rows = [connection(0), connection(1, None)]
    errors = dict.fromkeys(FAILURES, 0) | {"refused": 1}
    told = evidence([replica(0, BOTH[:1], connections=rows, errors=errors)], SERVED[:1])
    assert doubts(told) == []


def test_a_log_without_its_beginning_is_named_though_a_fault_killed_the_server() -> None:
    """A killed server loses its last lines; an engine that rotates logs loses the first."""
    kill = FaultRecord(fault="kill", asked_ns=1, effect_ns=2, error="")
    whole = dataclasses.replace(evidence([replica(0, BOTH)], SERVED), faults=(kill,))
    events = [each for each in whole.log.events if each["event"] != "listening"]
    cut = dataclasses.replace(whole, log=dataclasses.replace(whole.log, events=tuple(events)))
    assert "no event listening" not in " ".join(doubts(whole))
    assert "no event listening" in " ".join(doubts(cut))


def test_a_process_that_the_kernel_killed_for_lack_of_memory_is_a_doubt() -> None:
    reason = "the kernel killed a process of epoll, whose memory limit is 64 MiB"
    told = dataclasses.replace(evidence([replica(0, BOTH)], SERVED), out_of_memory=(reason,))
    assert f"out of memory: {reason}" in doubts(told)


def test_a_client_that_waits_for_each_ack_does_not_send_before_it() -> None:
    early = [Sent(0, 1, 101), Sent(0, 50, 150, message=1)]
    logged = [served(0, 1, 1, 101), {**served(0, 1, 102, 149), "request": "r0.c0.m1"}]
    told = evidence([replica(0, early)], logged)
    assert doubts(told) == []  # a pipeline may
    waiting = dataclasses.replace(told, waiting=frozenset({"clients"}))
    assert doubts(waiting) == [
        "1 message was sent before the previous one of the connection had ended"
    ]


def test_each_reason_has_the_kind_that_says_whether_it_may_be_forgiven() -> None:
    health = dataclasses.replace(FIT, throttled_periods=7)
    throttled = evidence([replica(0, BOTH, health=health)], SERVED)
    lost = evidence([replica(0, BOTH)], SERVED, lost=[LostReplica(1, "c", None, "gone", None)])
    gap = dataclasses.replace(throttled, log=log_of([listening(), STOPPED], "line 3 is missing"))
    unbalanced = evidence([replica(0, BOTH)], SERVED[:1])
    kinds = [[each.kind for each in analyse(told).inconsistencies]
             for told in (throttled, lost, gap, unbalanced)]  # fmt: skip
    assert kinds == [
        [ReasonKind.DISTURBED_RUN],
        [ReasonKind.LOST_REPLICA],
        [ReasonKind.LOST_RECORDS, ReasonKind.DISTURBED_RUN],
        [ReasonKind.UNBALANCED],
    ]


@pytest.mark.parametrize(
    ("wanted", "started", "locked_at_the_end", "expected"),
    [
        ("3.13t", ("3.13.5", False), False, []),
        ("3.13", ("3.13.5", True), True, []),
        ("python:3.9", ("3.13.5", True), True, []),
        (None, ("3.13.5", True), True, []),
        ("3.13", ("3.131.0", True), True,
         ["interpreter 3.13 was requested, but the server reports Python 3.131.0"]),
        ("3.13t", ("3.13.5", True), True,
         ["interpreter 3.13t was requested, but its interpreter lock is on"]),
        ("3.13", ("3.13.5", False), False,
         ["interpreter 3.13 was requested, but its interpreter lock is off"]),
        ("3.13t", ("3.13.5", False), True,
         ["the interpreter lock of 3.13t came on again during the run: the server imported an "
          "extension that is not ready for free threading; its stderr names it"]),
    ],
)  # fmt: skip
def test_another_interpreter_than_the_requested_one(
    wanted: str | None, started: tuple[str, bool], locked_at_the_end: bool, expected: list[str]
) -> None:
    begun = {**listening(), "python": started[0], "interpreter_lock": started[1]}
    stopped = {**STOPPED, "interpreter_lock": locked_at_the_end}
    told = evidence(
        [replica(0, BOTH)], [], log=log_of([begun, *SERVED, stopped]), interpreter=wanted
    )
    assert doubts(told) == expected
    kinds = {each.kind for each in analyse(told).inconsistencies}
    assert kinds == ({ReasonKind.OTHER_INTERPRETER} if expected else set())
