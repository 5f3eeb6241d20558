import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.message_format import MessageFormat
from client.user import Phase, Reply, User
from labkit.wire.samples import request_id
from tests.unit.client.share_fixtures import share_of


def user_of(number: int = 3, **changes: Any) -> User:  # noqa: ANN401 whatever a group may hold
    return User(number, MessageFormat(share_of(replica=1, **changes)), due_ns=100)


def waiting_user(**changes: Any) -> User:  # noqa: ANN401
    user = user_of(**changes)
    user.next_message()
    return user


def test_a_message_carries_its_id() -> None:
    user = user_of()
    assert user.next_message() == b"r1.c3.m0\x03"
    assert user.phase is Phase.WAITING


@given(st.integers(0, 999), st.integers(0, 9_999), st.integers(0, 11))
def test_an_id_is_spelled_as_those_who_read_the_samples_spell_it(
    replica: int, number: int, message: int
) -> None:
    user = User(number, MessageFormat(share_of(replica=replica)), due_ns=0)
    user.schedule(message, due_ns=0)
    assert user.next_message() == request_id(replica, number, message).encode() + b"\x03"


def test_a_message_carries_its_demand() -> None:
    assert user_of(demand="sleep=50ms").next_message() == b"r1.c3.m0 sleep=50ms\x03"


def test_demands_that_take_turns_do_so_by_message() -> None:
    user = user_of(demand="sleep=50ms, cpu=2ms")
    user.schedule(1, due_ns=0)
    assert user.next_message() == b"r1.c3.m1 cpu=2ms\x03"


def test_a_drawn_demand_depends_on_user_and_message_and_in_an_open_loop_on_the_arrival_alone() -> (
    None
):
    law = "sleep=exponential(50ms)"

    def drawn(number: int, message: int, **changes: Any) -> bytes:  # noqa: ANN401
        user = user_of(number, demand=law, **changes)
        user.schedule(message, due_ns=0)
        return user.next_message().split(b" ")[1]

    assert drawn(3, 7) == drawn(3, 7)
    assert len({drawn(3, 7), drawn(3, 8), drawn(4, 7)}) == 3
    assert drawn(3, 7, loop="open") == drawn(4, 7, loop="open")


def test_after_the_last_ack_comes_the_goodbye_and_then_the_end() -> None:
    user = waiting_user()
    assert user.receive(b"ack") is Reply.ACKED
    user.schedule(1, due_ns=200)
    assert user.goodbye() == b"goodbye\x03"
    assert user.receive(b"") is Reply.END


@given(cuts=st.lists(st.integers(0, 3), max_size=4))
def test_an_ack_may_come_in_any_pieces(cuts: list[int]) -> None:
    user = waiting_user()
    bounds = [0, *sorted(cuts), 3]
    pieces = [b"ack"[start:end] for start, end in itertools.pairwise(bounds)]
    replies = [user.receive(piece) for piece in pieces if piece]
    assert replies == [Reply.PARTIAL] * (len(replies) - 1) + [Reply.ACKED]
    user.schedule(1, due_ns=200)
    assert user.next_message() == b"r1.c3.m1\x03"


@pytest.mark.parametrize("segment", [b"nak", b" ack", b"\x03", b"acn"])
def test_anything_else_is_a_bad_reply(segment: bytes) -> None:
    assert waiting_user().receive(segment) is Reply.BAD


@pytest.mark.parametrize("segment", [b"ackack", b"acks", b"ack\x03"])
def test_more_than_the_ack_is_surplus_and_the_ack_counts(segment: bytes) -> None:
    user = waiting_user()
    assert user.receive(segment) is Reply.SURPLUS
    assert user.has_ack


def test_a_second_ack_while_nothing_is_in_flight_is_surplus() -> None:
    user = waiting_user()
    user.receive(b"ack")
    user.schedule(1, due_ns=200)
    assert user.receive(b"ack") is Reply.SURPLUS
    assert not user.has_ack


def test_an_ack_instead_of_the_end_is_surplus() -> None:
    user = waiting_user()
    user.receive(b"ack")
    user.goodbye()
    assert user.receive(b"ack") is Reply.SURPLUS


def test_an_end_before_the_goodbye_is_early() -> None:
    assert waiting_user().receive(b"") is Reply.CLOSED_EARLY
