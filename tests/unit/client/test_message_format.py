"""The bytes of messages, put together from prefix, number and suffix."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.message_format import MessageFormat
from labkit.protocol.session import Limits, Session
from labkit.protocol.work import Demand
from labkit.wire.samples import request_id
from tests.unit.client.share_fixtures import share_of

DEFAULT = Demand("sleep", 9.0)
DEMANDS = st.sampled_from(
    [
        None,
        "sleep=50ms",
        "cpu=1us, sleep=0ms",
        "sleep=exponential(50ms)",
        "cpu=bimodal(1ms, 2s, share=0.5)",
        "sleep=10ms+cpu=2ms",
        "sleep=exponential(50ms)+cpu=exponential(50ms), cpu=1ms",
    ]
)


@given(st.integers(0, 999), st.integers(0, 99_999), st.integers(0, 99_999), DEMANDS)
def test_a_server_reads_one_request_with_the_id_and_a_demand_within_the_limit(
    replica: int, user: int, message: int, demand: str | None
) -> None:
    written = MessageFormat(share_of(replica=replica, demand=demand, demand_limit_s=0.05))
    session = Session(Limits(DEFAULT, 4096, 0.05))
    session.receive(written.prefix(user) + str(message).encode() + written.suffix(user, message), 1)
    request = session.next_request()
    assert request is not None
    assert request.id == request_id(replica, user, message)
    assert (request.demand == DEFAULT) == (demand is None)
    assert session.next_request() is None
    assert session.end is None


@pytest.mark.parametrize(
    ("demand", "constant"),
    [
        (None, b"\x03"),
        ("sleep=50ms", b" sleep=50ms\x03"),
        ("sleep=10ms + cpu=2ms", b" sleep=10ms+cpu=2ms\x03"),
        ("sleep=50ms, sleep=60ms", None),
        ("sleep=exponential(50ms)", None),
    ],
)
def test_a_suffix_that_all_messages_share_is_known_beforehand(
    demand: str | None, constant: bytes | None
) -> None:
    written = MessageFormat(share_of(demand=demand))
    assert written.constant == constant
    suffixes = {written.suffix(user, message) for user in range(3) for message in range(3)}
    assert (suffixes == {constant}) == (constant is not None)


def test_replicas_of_one_group_draw_the_same_demands_and_another_group_others() -> None:
    def suffixes(**changes: Any) -> list[bytes]:  # noqa: ANN401 fields of a group
        written = MessageFormat(share_of(demand="sleep=exponential(50ms)", **changes))
        return [written.suffix(user, 0) for user in range(20)]

    assert suffixes(replica=0) == suffixes(replica=5)
    assert suffixes(name="other") != suffixes()
