import asyncio
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.conductor.clock_comparison import PINGS, Ahead, by_clock, compare_clock, narrowed
from labkit.clock import Clock
from labkit.wire.wire import WireError

AHEAD_NS = 86_400_000_000_123
HERE, THERE = Clock("b00t", 0), Clock("0ther", 0)


class FarPeer:
    """A peer whose clock is `AHEAD_NS` ahead of this process's, and which answers at once."""

    def __init__(self) -> None:
        self.pinged = 0

    async def send(self, kind: str) -> None:
        """Count a ping."""
        assert kind == "ping"
        self.pinged += 1

    async def receive(self) -> Mapping[str, Any]:
        """Return its instant."""
        return {"type": "pong", "t_ns": time.monotonic_ns() + AHEAD_NS}


def test_a_peer_is_ahead_by_what_its_answers_leave_possible() -> None:
    peer = FarPeer()
    found = asyncio.run(compare_clock(peer.send, peer.receive))
    assert peer.pinged == PINGS
    assert found.least_ns <= AHEAD_NS <= found.most_ns
    assert found.least_ns <= found.middle_ns <= found.most_ns


@pytest.mark.parametrize(
    "answer",
    [{"type": "pong"}, {"type": "pong", "t_ns": "1"}, {"type": "pong", "t_ns": True},
     {"type": "ready", "t_ns": 1}],
)  # fmt: skip
def test_an_answer_that_is_none_is_refused(answer: Mapping[str, Any]) -> None:
    async def receive() -> Mapping[str, Any]:
        return answer

    with pytest.raises(WireError, match="an answer to a ping is"):
        asyncio.run(compare_clock(FarPeer().send, receive))


ways_ns = st.integers(0, 10**9)
true_ns = st.integers(-(2**60), 2**60)


@given(true_ns, st.lists(st.tuples(ways_ns, ways_ns), min_size=1, max_size=20))
def test_pings_of_any_delays_enclose_the_truth(
    ahead_ns: int, delays_ns: list[tuple[int, int]]
) -> None:
    found = narrowed(Ahead(ahead_ns - back, ahead_ns + there) for there, back in delays_ns)
    assert found.least_ns <= ahead_ns <= found.most_ns
    shortest_ns = min(there + back for there, back in delays_ns)
    assert abs(found.middle_ns - ahead_ns) <= shortest_ns


def test_replicas_of_one_clock_start_at_the_same_instant_of_it() -> None:
    found = by_clock(
        {
            0: (HERE, Ahead(0, 0)),
            1: (THERE, Ahead(100, 900)),
            2: (THERE, Ahead(300, 700)),
            3: (None, Ahead(0, 0)),
        }
    )
    assert found == {0: 0, 1: 500, 2: 500, 3: 0}
