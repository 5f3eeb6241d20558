from hypothesis import given
from hypothesis import strategies as st

from client.connection import Connection
from client.message_format import MessageFormat
from client.recorder import Recorder
from client.user import User
from labkit.wire.histogram import bucket_of
from labkit.wire.samples import FAILURES, OUTCOMES, connection_rows, rows
from tests.unit.client.share_fixtures import share_of

MESSAGES = 4
FATES = st.tuples(
    st.integers(0, MESSAGES),  # acks before the end
    st.booleans(),  # whether a message is in flight then
    st.sampled_from([None, *FAILURES]),
)


def played(
    recorder: Recorder, number: int, acks: int, in_flight: bool, failure: str | None
) -> None:
    user = User(number, MessageFormat(share_of()), due_ns=10)
    now_ns = 20
    for message in range(acks):
        recorder.sent += 1
        user.sent_ns = now_ns
        recorder.record_ack(user, now_ns + 5)
        user.schedule(message + 1, due_ns=now_ns + 5)
        now_ns += 10
    is_waiting = in_flight and acks < MESSAGES
    if is_waiting:
        recorder.sent += 1
        recorder.record_loss(user, now_ns + 7, failure)
    recorder.record_unsent(MESSAGES - acks - is_waiting, now_ns + 7)
    recorder.record_connection(Connection(user, begun_ns=1), now_ns + 7, failure)


@given(st.lists(FATES, max_size=8))
def test_the_counts_always_add_up(fates: list[tuple[int, bool, str | None]]) -> None:
    recorder = Recorder()
    for number, fate in enumerate(fates):
        played(recorder, number, *fate)
    counts = recorder.counts
    sent = list(rows(recorder.packed()[0]))
    connections = list(connection_rows(recorder.packed()[1]))
    assert counts["sent"] + counts["unsent"] == MESSAGES * len(fates)
    assert counts["sent"] == counts["acked"] + counts["failed"] + counts["in_flight"]
    assert len(sent) == counts["sent"]
    assert [row.user for row in connections] == list(range(len(fates)))
    failures = [FAILURES[row.outcome - 1] for row in connections if row.outcome]
    assert {kind: failures.count(kind) for kind in FAILURES} == recorder.errors
    outcomes = [OUTCOMES[row.outcome] for row in sent]
    assert outcomes.count("acked") == counts["acked"]
    assert outcomes.count("in_flight") == counts["in_flight"]
    assert sum(recorder.errors.values()) == sum(failure is not None for _, _, failure in fates)
    assert sum(recorder.times) == counts["acked"] + counts["failed"]


@given(st.integers(0, 4_000_000_000_000))
def test_an_ack_is_in_the_bucket_of_its_response_time(duration_ns: int) -> None:
    recorder = Recorder()
    recorder.record_ack(User(1, MessageFormat(share_of()), due_ns=10), 10 + duration_ns)
    assert recorder.times[bucket_of(duration_ns)] == sum(recorder.times) == 1


def test_an_outcome_that_is_recorded_twice_does_not_add_up() -> None:
    """The number sent is counted when it is sent, not derived from the outcomes."""
    recorder = Recorder()
    played(recorder, 0, 1, in_flight=True, failure="reset")
    recorder.record_loss(User(0, MessageFormat(share_of()), due_ns=10), 60, "reset")
    counts = recorder.counts
    assert counts["sent"] == 2
    assert counts["acked"] + counts["failed"] + counts["in_flight"] == 3


ONE_FAILED = {"sent": 2, "acked": 1, "failed": 1, "unsent": 2, "in_flight": 0, "retries": 0}


def test_a_message_on_a_broken_connection_has_failed() -> None:
    recorder = Recorder()
    played(recorder, 0, 1, in_flight=True, failure="reset")
    assert recorder.counts == ONE_FAILED
    assert OUTCOMES[list(rows(recorder.packed()[0]))[1].outcome] == "reset"


def test_a_message_that_was_not_answered_in_time_has_failed() -> None:
    recorder = Recorder()
    played(recorder, 0, 1, in_flight=True, failure="timed_out")
    assert recorder.counts == ONE_FAILED
    assert recorder.errors["timed_out"] == 1


def test_the_end_is_when_the_last_message_s_fate_was_known_not_the_goodbye() -> None:
    recorder = Recorder()
    played(recorder, 0, MESSAGES, in_flight=False, failure=None)
    assert recorder.end_ns == 55


def test_the_end_is_also_when_it_was_known_that_a_message_would_not_be_sent() -> None:
    recorder = Recorder()
    played(recorder, 0, MESSAGES, in_flight=False, failure=None)
    recorder.record_unsent(1, 900)
    assert recorder.end_ns == 900


def test_response_times_count_from_due_and_only_what_was_acknowledged() -> None:
    recorder = Recorder()
    played(recorder, 0, 2, in_flight=True, failure="reset")
    assert recorder.response_times_s() == [15e-9, 10e-9]
