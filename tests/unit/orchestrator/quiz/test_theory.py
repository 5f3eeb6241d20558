"""The figures of paper and pencil, against values worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.quiz.servers import Mechanism, Server
from orchestrator.quiz.theory import (
    Load,
    first_come,
    first_response,
    makespan,
    ms_text,
    rounds,
    schedule_text,
)

EIGHT = Load(users=8, messages=4, service_ms=50)
THINKING = Load(users=4, messages=3, service_ms=20, think_ms=100)


def served_by(mechanism: Mechanism) -> Server:
    has_pool = mechanism in {Mechanism.POOL, Mechanism.SHARED}
    return Server("any", mechanism, 3 if has_pool else 1)


@pytest.mark.parametrize(
    ("mechanism", "ms"),
    [
        (Mechanism.ONE, 1600),  # 8 * 4 * 50 ms
        (Mechanism.POOL, 600),  # three rounds of 200 ms
        (Mechanism.EACH, 200),
        (Mechanism.LOOP, 200),
        (Mechanism.BLOCKED, 1600),
        (Mechanism.SHARED, 550),  # 32 messages are 11 turns of three
    ],
)
def test_the_makespan_of_eight_users(mechanism: Mechanism, ms: int) -> None:
    found = makespan(served_by(mechanism), EIGHT)
    assert found.ms == ms
    assert ms_text(ms) in found.why


def test_a_worker_keeps_its_connection_while_the_user_thinks() -> None:
    assert THINKING.conversation == "3 × 20 ms + 2 × 100 ms = 260 ms"
    assert makespan(served_by(Mechanism.POOL), THINKING).ms == 520
    assert makespan(served_by(Mechanism.LOOP), THINKING).ms == 260


def test_a_thread_for_each_user_lets_none_wait() -> None:
    found = makespan(Server("any", Mechanism.SHARED, 4), Load(3, 2, 50))
    assert found.ms == 100
    assert "so none waits" in found.why


@pytest.mark.parametrize(
    ("mechanism", "user", "ms"),
    [
        (Mechanism.ONE, 0, 50),
        (Mechanism.ONE, 2, 450),  # two connections of 200 ms, and its own 50 ms
        (Mechanism.POOL, 2, 50),
        (Mechanism.POOL, 3, 250),
        (Mechanism.SHARED, 3, 100),
        (Mechanism.SHARED, 6, 150),
        (Mechanism.LOOP, 7, 50),
    ],
)
def test_the_first_response_of_a_user(mechanism: Mechanism, user: int, ms: int) -> None:
    found = first_response(served_by(mechanism), EIGHT, user)
    assert found.ms == ms
    assert ms_text(ms) in found.why


def test_arrivals_get_the_worker_that_is_free_first() -> None:
    served = first_come(workers=2, gap_ms=50, services_ms=[200, 200, 300, 60])
    assert [each.begin_ms for each in served] == [0, 50, 200, 250]
    assert [each.wait_ms for each in served] == [0, 0, 100, 100]
    assert schedule_text(served[3:]) == (
        "User 0 arrives at 150 ms, is served from 250 ms to 310 ms, and waits 100 ms."
    )


@given(st.integers(1, 500), st.integers(1, 50))
def test_rounds_are_the_fewest_with_room_for_all(users: int, workers: int) -> None:
    found = rounds(users, workers)
    assert (found - 1) * workers < users <= found * workers


@given(
    st.integers(1, 4),
    st.integers(1, 100),
    st.lists(st.integers(1, 500), min_size=1, max_size=20),
)
def test_no_schedule_serves_more_at_once_than_there_are_workers(
    workers: int, gap_ms: int, services_ms: list[int]
) -> None:
    served = first_come(workers, gap_ms, services_ms)
    for each in served:
        at_once = sum(other.begin_ms <= each.begin_ms < other.end_ms for other in served)
        assert at_once <= workers
        assert each.wait_ms >= 0
        if each.wait_ms:
            busy = [o for o in served if o.begin_ms < each.begin_ms <= o.end_ms]
            assert len(busy) >= min(workers, 1)


def test_the_sentences_of_a_load_say_all_of_it() -> None:
    assert EIGHT.sentence == (
        "8 users connect at once, in the order of their numbers, from 0. Each sends 4 messages, "
        "waits for each ack, and closes. The service of a message waits 50 ms, as on I/O."
    )
    assert "thinks for 100 ms before the next message, and closes" in THINKING.sentence
    assert "thinks" not in Load(2, 1, 50, think_ms=100).sentence
