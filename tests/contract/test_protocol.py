"""What a message is, what answers it, and what is refused."""

import pytest

from tests.harness import RunningServer, Starter

REFUSED = {
    b"caf\xc3\xa9\x03": "byte over 127",
    b"\xff": "byte over 127",  # refused without its end: no further byte can mend it
    b"x" * 4097 + b"\x03": "message longer than 4096 bytes",
    b"x" * 5000: "message longer than 4096 bytes",
    b"a sleep=soon\x03": "demand 'sleep=soon'",
    b"a cpu=1\x03": "demand 'cpu=1'",
    b"a sleep=-1s\x03": "demand 'sleep=-1s'",
    b"a sleep=61s\x03": "demand over 60s",
    b"a sleep=" + b"9" * 4000 + b"s\x03": "demand 'sleep=9999",
    b"a cpu=" + b"\x01" * 4000 + b"\x03": "demand 'cpu=",
}


def test_one_ack_for_each_message(server: RunningServer) -> None:
    with server.connect() as client:
        for number in range(5):
            client.send(b"m%d sleep=0ms\x03" % number)
            client.await_ack()
        client.half_close()
        assert client.read_to_end() == b""


def test_messages_in_one_segment_are_each_acked(server: RunningServer) -> None:
    with server.connect() as client:
        client.send(b"a\x03b sleep=5ms\x03c sleep=0ms\x03d cpu=1ms\x03\x03goodbye\x03")
        assert client.read_to_end() == b"ack" * 5


def test_a_message_in_many_segments_is_acked_once(server: RunningServer) -> None:
    with server.connect() as client:
        client.send(*(bytes([byte]) for byte in b"package 1\x03goodbye\x03"))
        assert client.read_to_end() == b"ack"


def test_a_split_goodbye_still_closes(server: RunningServer) -> None:
    """Every ack looks alike, so only a split ``goodbye`` proves that messages are reassembled."""
    with server.connect() as client:
        client.send(b"a sleep=0ms\x03good")
        client.await_ack()  # so "good" was read, by itself
        client.send(b"bye\x03")
        assert client.read_to_end() == b""


def test_nothing_after_goodbye_is_served(server: RunningServer) -> None:
    with server.connect() as client:
        client.send(b"a\x03goodbye\x03late\x03goodbye\x03")
        assert client.read_to_end() == b"ack"
    assert [event["request"] for event in _of(server, "request_acked")] == ["a"]


def test_only_goodbye_itself_says_goodbye(server: RunningServer) -> None:
    with server.connect() as client:
        client.send(b"Goodbye\x03goodbye \x03 goodbye\x03goodbye sleep=0ms\x03goodbye\x03")
        assert client.read_to_end() == b"ack" * 4


def test_a_half_closed_client_gets_what_it_is_owed(server: RunningServer) -> None:
    with server.connect() as client:
        client.send(b"a\x03b sleep=50ms\x03")
        client.half_close()
        assert client.read_to_end() == b"ackack"
    assert _of(server, "connection_closed")[0]["reason"] == "eof"


def test_an_end_inside_a_message_is_a_disconnect(server: RunningServer) -> None:
    with server.connect() as client:
        client.send(b"a\x03unfinished")
        client.half_close()
        assert client.read_to_end() == b"ack"
    failed = _of(server, "connection_failed")[0]
    assert (failed["reason"], failed["requests"]) == ("disconnected inside a message", 1)


def test_the_longest_message_is_served(server: RunningServer) -> None:
    with server.connect() as client:
        client.send(b"x" * 4096 + b"\x03goodbye\x03")
        assert client.read_to_end() == b"ack"


def test_any_other_text_is_a_message(server: RunningServer) -> None:
    with server.connect() as client:
        client.send(
            b"\x03 \x03package 1\x03a b=1s\x03a sleeping=1\x03\x00\x01\r\n\x7f\x03goodbye\x03"
        )
        assert client.read_to_end() == b"ack" * 6


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_refused_closes_its_connection(server: RunningServer, message: bytes) -> None:
    """Whatever came whole before it is acked; nothing after it is."""
    with server.connect() as client:
        client.send(b"before sleep=0ms\x03" + message)
        assert client.read_to_end() == b"ack"
    server.serves()
    assert str(_of(server, "connection_failed")[0]["reason"]).startswith(REFUSED[message])


def test_the_limits_are_settings(start: Starter) -> None:
    server = start(LAB_MAX_MESSAGE_BYTES="16", LAB_MAX_SERVICE_TIME="20ms")
    for message in (b"x" * 17, b"a sleep=21ms\x03"):
        with server.connect() as client:
            client.send(message)
            assert client.read_to_end() == b""


def test_many_clients_are_served(server: RunningServer) -> None:
    clients = [server.connect() for _ in range(server.workers + 5)]
    for number, client in enumerate(clients):
        client.send(b"c%d\x03goodbye\x03" % number)
    assert [client.read_to_end() for client in clients] == [b"ack"] * len(clients)
    for client in clients:
        client.sock.close()
    requests = {event["request"] for event in _of(server, "request_acked")}
    assert requests == {f"c{number}" for number in range(len(clients))}


def _of(server: RunningServer, name: str) -> list[dict[str, object]]:
    server.stop()
    return server.of(name)
