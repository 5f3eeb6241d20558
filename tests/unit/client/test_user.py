import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.user import Phase, Reply, Script, User
from labkit.samples import request_id


def waiting_user(messages: int = 2, demand: str | None = None) -> User:
    user = User(3, Script(messages, demand, replica=1), due_ns=100)
    user.next_message(sent_ns=110)
    return user


def test_a_message_carries_its_id() -> None:
    user = User(3, Script(2, replica=1), due_ns=100)
    assert user.next_message(sent_ns=110) == b"r1.c3.m0\x03"
    assert (user.phase, user.sent_ns) == (Phase.WAITING, 110)


@given(st.integers(0, 999), st.integers(0, 9_999), st.integers(0, 11))
def test_an_id_is_spelled_as_those_who_read_the_samples_spell_it(
    replica: int, number: int, message: int
) -> None:
    user = User(number, Script(12, replica=replica), due_ns=0)
    for _ in range(message):
        user.advance(due_ns=0)
    sent = user.next_message(sent_ns=1)
    assert sent == request_id(replica, number, message).encode() + b"\x03"


def test_a_message_carries_its_demand() -> None:
    user = User(0, Script(1, "sleep=50ms"), due_ns=0)
    assert user.next_message(sent_ns=1) == b"r0.c0.m0 sleep=50ms\x03"


def test_after_the_last_ack_comes_the_goodbye_and_then_the_end() -> None:
    user = waiting_user(messages=1)
    assert user.receive(b"ack") is Reply.ACKED
    assert not user.advance(due_ns=200)
    assert user.next_message(sent_ns=201) == b"goodbye\x03"
    assert user.receive(b"") is Reply.END


@given(cuts=st.lists(st.integers(0, 3), max_size=4))
def test_an_ack_may_come_in_any_pieces(cuts: list[int]) -> None:
    user = waiting_user()
    bounds = [0, *sorted(cuts), 3]
    pieces = [b"ack"[start:end] for start, end in itertools.pairwise(bounds)]
    replies = [user.receive(piece) for piece in pieces if piece]
    assert replies == [Reply.PARTIAL] * (len(replies) - 1) + [Reply.ACKED]
    assert user.advance(due_ns=200)
    assert user.next_message(sent_ns=201) == b"r1.c3.m1\x03"


@pytest.mark.parametrize("segment", [b"nak", b"ackack", b"acks", b" ack", b"\x03"])
def test_anything_else_is_a_bad_reply(segment: bytes) -> None:
    assert waiting_user().receive(segment) is Reply.BAD


def test_a_second_ack_while_nothing_is_in_flight_is_a_bad_reply() -> None:
    user = waiting_user()
    user.receive(b"ack")
    user.advance(due_ns=200)
    assert user.receive(b"ack") is Reply.BAD


def test_an_ack_instead_of_the_end_is_a_bad_reply() -> None:
    user = waiting_user(messages=1)
    user.receive(b"ack")
    user.advance(due_ns=200)
    user.next_message(sent_ns=201)
    assert user.receive(b"ack") is Reply.BAD


def test_an_end_before_the_goodbye_is_early() -> None:
    assert waiting_user().receive(b"") is Reply.CLOSED_EARLY
