"""Messages, acknowledgements and refusals. These tests need only an address.

Every message states its demand, unless the test is about the server's default.
"""

from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.server_process import Starter
from conformance.target import Target

REFUSED = {
    b"caf\xc3\xa9\x03": "byte over 127",
    b"\xff": "byte over 127",  # refused at once: no further byte can make it valid
    b"x" * 4097 + b"\x03": "message longer than 4096 bytes",
    b"x" * 5000: "message longer than 4096 bytes",
    b"a sleep=soon\x03": "demand 'sleep=soon'",
    b"a cpu=1\x03": "demand 'cpu=1'",
    b"a sleep=-1s\x03": "demand 'sleep=-1s'",
    b"a sleep=61s\x03": "demand over 60s",
    b"a sleep=40s+cpu=21s\x03": "demand over 60s",
    b"a cpu=0ms+\x03": "demand 'cpu=0ms+'",
    b"b cpu=0ms+io=0ms\x03": "demand 'cpu=0ms+io=0ms'",
    b"c cpu=0ms" + b"+cpu=0ms" * 8 + b"\x03": "demand 'cpu=0ms+cpu=0ms+cpu=0ms+cpu=0ms+cpu=0ms+",
    b"a sleep=" + b"9" * 4000 + b"s\x03": "demand 'sleep=9999",
    b"a cpu=" + b"\x01" * 4000 + b"\x03": "demand 'cpu=",
}
MESSAGES = st.sampled_from(
    [
        b"a sleep=0ms\x03",
        b"bcd cpu=0s\x03",
        b"e sleep=1ms text\x03",
        b"f cpu=0s+sleep=1ms\x03",
        b"x sleep=0us " + b"x" * 4084,
    ]
)


def test_one_ack_for_each_message(target: Target) -> None:
    with target.connect() as client:
        for number in range(5):
            client.send(b"m%d sleep=0ms\x03" % number)
            client.await_ack()
        client.half_close()
        assert client.read_to_end() == b""


def test_messages_in_one_segment_are_each_acked(target: Target) -> None:
    with target.connect() as client:
        client.send(b"a sleep=0ms\x03b sleep=5ms\x03c sleep=0ms\x03d cpu=1ms\x03goodbye\x03")
        assert client.read_to_end() == b"ack" * 4


def test_a_message_in_many_segments_is_acked_once(target: Target) -> None:
    with target.connect() as client:
        client.send(*(bytes([byte]) for byte in b"package sleep=1ms\x03goodbye\x03"))
        assert client.read_to_end() == b"ack"


def test_every_way_to_cut_a_stream_is_acked_alike(target: Target) -> None:
    """Over real sockets. In lockstep, a segment is sent after all earlier ones were answered."""

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(MESSAGES, min_size=1, max_size=12), st.lists(st.integers(0, 200)), st.booleans()
    )
    def try_one(messages: list[bytes], cuts: list[int], lockstep: bool) -> None:
        stream = b"".join(message.rstrip(b"\x03") + b"\x03" for message in messages)
        edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
        owed = 0
        with target.connect() as client:
            for low, high in pairwise(edges):
                client.send(stream[low:high])
                completed = stream.count(b"\x03", low, high)
                owed += completed
                if lockstep:
                    assert client.read(3 * completed) == b"ack" * completed
                    owed = 0
            client.send(b"goodbye\x03")
            assert client.read_to_end() == b"ack" * owed

    try_one()


@pytest.mark.parametrize("depth", [1, 2, 10, 100, 1000])
def test_a_pipeline_of_any_depth_is_acked_to_the_last(target: Target, depth: int) -> None:
    with target.connect() as client:
        for lap in range(3):
            client.send(b"".join(b"m%d.%d sleep=0ms %050d\x03" % (lap, n, 0) for n in range(depth)))
            assert client.read(3 * depth) == b"ack" * depth
        client.send(b"goodbye\x03")
        assert client.read_to_end() == b""


def test_each_client_gets_its_own_acks(target: Target) -> None:
    """Each client sends a different number of messages."""
    clients = [target.connect() for _ in range(6)]
    for number, client in enumerate(clients):
        client.send(b"m sleep=1ms\x03" * number + b"goodbye\x03")
    for number, client in enumerate(clients):
        with client:
            assert client.read_to_end() == b"ack" * number


def test_a_split_goodbye_still_closes(target: Target) -> None:
    """Every ack looks alike, so only a split ``goodbye`` proves that messages are reassembled."""
    with target.connect() as client:
        client.send(b"a sleep=0ms\x03good")
        client.await_ack()  # so "good" was read, by itself
        client.send(b"bye\x03")
        assert client.read_to_end() == b""


def test_a_goodbye_waits_for_what_is_in_service(target: Target) -> None:
    with target.connect() as client:
        client.send(b"a sleep=60ms\x03b sleep=60ms\x03goodbye\x03")
        assert client.read_to_end() == b"ackack"


def test_nothing_after_goodbye_is_served(target: Target) -> None:
    with target.connect() as client:
        client.send(b"a sleep=1ms\x03goodbye\x03late sleep=0ms\x03goodbye\x03")
        assert client.read_to_end() == b"ack"


def test_only_the_exact_goodbye_closes(target: Target) -> None:
    with target.connect() as client:
        client.send(b"Goodbye sleep=0ms\x03goodbye sleep=0ms\x03 goodbye sleep=0ms\x03goodbye \x03")
        client.send(b"goodbye\x03")
        assert client.read_to_end() == b"ack" * 4


def test_a_half_closed_client_gets_what_it_is_owed(target: Target) -> None:
    with target.connect() as client:
        client.send(b"a sleep=0ms\x03b sleep=50ms\x03c sleep=0ms\x03")
        client.half_close()
        assert client.read_to_end() == b"ack" * 3


def test_an_end_inside_a_message_is_a_disconnect(target: Target) -> None:
    with target.connect() as client:
        client.send(b"a sleep=0ms\x03unfinished sleep=0ms")
        client.half_close()
        assert client.read_to_end() == b"ack"


def test_the_longest_message_is_served(target: Target) -> None:
    with target.connect() as client:
        client.send(b"x sleep=0ms ".ljust(4096, b"x") + b"\x03goodbye\x03")
        assert client.read_to_end() == b"ack"


def test_one_byte_over_is_refused(target: Target) -> None:
    with target.connect() as client:
        client.send(b"x sleep=0ms ".ljust(4097, b"x") + b"\x03goodbye\x03")
        assert client.read_to_end() == b""


def test_any_other_text_is_a_message(target: Target) -> None:
    """The empty text too. All have the default demand, which may take seconds on other servers."""
    with target.connect() as client:
        client.send(b"\x03 \x03package 1\x03a b=1s\x03a sleeping=1\x03goodbye\x03")
        assert client.read_to_end() == b"ack" * 5


def test_control_characters_are_text(target: Target) -> None:
    with target.connect() as client:
        client.send(b"\x00\x01\x1b\x7f sleep=0ms \x04\x02\x03goodbye\x03")
        assert client.read_to_end() == b"ack"


@pytest.mark.parametrize("message", REFUSED, ids=lambda message: repr(message[:16]))
def test_what_is_refused_closes_its_connection(target: Target, message: bytes) -> None:
    """Complete messages before it are acked; none after it is."""
    with target.connect() as client:
        client.send(b"before sleep=0ms\x03" + message)
        assert client.read_to_end() == b"ack"
    target.serves()


def test_the_limits_are_settings(start: Starter) -> None:
    server = start(LAB_MAX_MESSAGE_BYTES="16", LAB_MAX_SERVICE_TIME="20ms")
    for message in (b"x" * 17, b"a sleep=21ms\x03"):
        with server.connect() as client:
            client.send(message)
            assert client.read_to_end() == b""
