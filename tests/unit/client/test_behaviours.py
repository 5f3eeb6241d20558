"""The scripts of misbehaving clients, carried out without sockets and clock."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.behaviours import (
    BEHAVIOURS,
    Acks,
    Leave,
    Offer,
    OneAck,
    Pause,
    Send,
    Silence,
    Step,
)
from labkit.protocol.session import Limits, Session
from labkit.protocol.work import Demand
from labkit.workload.load_order import POLITE
from orchestrator.scenario.clients import BEHAVIOURS as NAMES

PACE_S = 0.5
LENIENT = Limits(Demand("sleep", 0.0), 1 << 20, 60.0)
LAST_STEPS = {
    "no-goodbye": Leave.CLOSE,
    "pipeline": Leave.GOODBYE,
    "slow-sender": Leave.GOODBYE,
    "slow-reader": Leave.GOODBYE,
    "silent": Leave.CLOSE,
    "vanish": Leave.VANISH,
    "reset": Leave.RESET,
    "garbage": Leave.CLOSE,
    "oversize": Leave.CLOSE,
}


class Peer:
    """A connection whose kernel takes ``room`` offered messages until an ack is read."""

    def __init__(self, number: int, depth: int = 2, room: int = 100) -> None:
        self.depth = depth
        self.pace_s = PACE_S
        self.in_flight = 0
        self.most_in_flight = 0
        self.stream = b""
        self._number = number
        self._room = room

    def messages(self) -> Iterator[bytes]:
        for number in range(self._number):
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
            yield b"r0.c0.m%d\x03" % number

    @property
    def is_blocked(self) -> bool:
        return self.in_flight > self._room

    def carry_out(self, behaviour: str) -> list[Step]:
        """Return the steps of the script; every ack that it reads is there."""
        steps: list[Step] = []
        for step in BEHAVIOURS[behaviour](self):
            steps.append(step)
            if isinstance(step, Send | Offer):
                self.stream += step.message
            elif isinstance(step, Acks | OneAck):
                read = step.number if isinstance(step, Acks) else 1
                assert read <= self.in_flight, "it would wait for an ack that never comes"
                self.in_flight -= read
        return steps


def test_a_scenario_may_name_each_and_no_other() -> None:
    assert {POLITE, *BEHAVIOURS} == set(NAMES)


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@given(number=st.integers(0, 5))
def test_a_script_ends_the_connection_in_its_way_and_only_once(behaviour: str, number: int) -> None:
    steps = Peer(number).carry_out(behaviour)
    assert [step for step in steps if isinstance(step, Leave)] == [LAST_STEPS[behaviour]]
    assert steps[-1] is LAST_STEPS[behaviour]


@pytest.mark.parametrize("behaviour", ["no-goodbye", "pipeline", "slow-sender", "slow-reader"])
@given(number=st.integers(0, 8), depth=st.integers(1, 4), room=st.integers(0, 3))
def test_these_send_well_formed_messages_and_read_every_ack(
    behaviour: str, number: int, depth: int, room: int
) -> None:
    peer = Peer(number, depth, room)
    peer.carry_out(behaviour)
    assert peer.stream == b"".join(b"r0.c0.m%d\x03" % each for each in range(number))
    assert peer.in_flight == 0


@given(st.integers(0, 20), st.integers(1, 6))
def test_a_pipeline_is_as_deep_as_wanted_and_no_deeper(number: int, depth: int) -> None:
    peer = Peer(number, depth)
    peer.carry_out("pipeline")
    assert peer.most_in_flight == min(number, depth)


def test_a_slow_sender_pauses_after_each_byte() -> None:
    steps = Peer(1).carry_out("slow-sender")
    *paced, acks, _ = steps
    assert paced[1::2] == [Pause(PACE_S)] * 9
    assert all(isinstance(step, Send) and len(step.message) == 1 for step in paced[::2])
    assert acks == Acks(1)


@given(st.integers(1, 6), st.integers(0, 3))
def test_a_slow_reader_reads_at_its_pace_and_sooner_only_if_it_cannot_send(
    number: int, room: int
) -> None:
    peer = Peer(number, room=room)
    steps = peer.carry_out("slow-reader")
    reads = [place for place, step in enumerate(steps) if isinstance(step, OneAck)]
    assert len(reads) == number
    assert all(steps[place - 1] == Pause(PACE_S) for place in reads)
    last_offer = max(place for place, step in enumerate(steps) if isinstance(step, Offer))
    assert sum(place < last_offer for place in reads) == max(number - 1 - room, 0)


def test_a_silent_client_sends_no_byte_even_if_messages_are_due() -> None:
    peer = Peer(3)
    assert peer.carry_out("silent") == [Silence(), Leave.CLOSE]
    assert peer.stream == b""


@pytest.mark.parametrize("behaviour", ["vanish", "reset"])
def test_these_leave_while_their_messages_are_in_service(behaviour: str) -> None:
    peer = Peer(2)
    steps = peer.carry_out(behaviour)
    assert steps[-2] == Pause(PACE_S)
    assert peer.in_flight == 2


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [("garbage", "byte over 127"), ("oversize", "message longer than 1048576 bytes")],
)
def test_these_are_refused_by_the_most_lenient_server(behaviour: str, reason: str) -> None:
    peer = Peer(1)
    assert Silence() in peer.carry_out(behaviour)
    session = Session(LENIENT)
    session.receive(peer.stream, 1)
    assert session.next_request() is None
    assert session.end is not None
    assert (session.end.failed, session.end.reason) == (True, reason)
