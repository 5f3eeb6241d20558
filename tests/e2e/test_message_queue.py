"""A loop with a pool behind it: messages wait for a worker, connections do not."""

import signal
from collections.abc import Iterator

import pytest

from conformance.server_process import RunningServer, starting
from conformance.target import Client


@pytest.fixture
def server() -> Iterator[RunningServer]:
    with starting("services.half_sync.server") as start:
        yield start(LAB_WORKERS="1")


def _busy(server: RunningServer, message: bytes) -> Client:
    """Return a client whose ``message`` is in service, or waits for the worker."""
    client = server.connect()
    client.send(b"a sleep=0ms\x03" + message + b"\x03")
    client.await_ack()
    return client


def test_idle_clients_and_messages_without_work_need_no_worker(server: RunningServer) -> None:
    with _busy(server, b"long sleep=300ms") as busy, _busy(server, b"b sleep=0ms") as other:
        other.await_ack()
        server.serves()
        busy.await_ack()
    server.stop()
    served = [event["request"] for event in server.of("request_acked")]
    assert served == ["a", "a", "b", "probe", "long"]
    workers = {event["request"]: event["worker"] for event in server.of("request_acked")}
    assert (workers["b"], workers["long"]) == (0, 1)


def test_messages_of_all_clients_are_served_in_the_order_in_which_they_came(
    server: RunningServer,
) -> None:
    with _busy(server, b"one sleep=80ms") as one, _busy(server, b"two sleep=1ms") as two:
        three = _busy(server, b"three sleep=1ms")
        with three:
            for client in (three, two, one):
                client.await_ack()
    server.stop()
    served = [event["request"] for event in server.of("request_acked")]
    assert [name for name in served if name != "a"] == ["one", "two", "three"]


def test_a_drain_serves_what_waits_only_if_its_client_may_count_on_it(
    server: RunningServer,
) -> None:
    """That is, if an acknowledgement was sent since the message arrived."""
    with (
        _busy(server, b"long sleep=400ms") as busy,
        server.connect() as waiting,
        server.connect() as promised,
    ):
        waiting.send(b"waits sleep=1ms\x03")
        promised.send(b"a sleep=0ms\x03promised sleep=1ms\x03later sleep=1ms\x03")
        promised.await_ack()
        server.send_signal(signal.SIGTERM)
        assert waiting.read_to_end() == b""
        assert busy.read_to_end() == b"ack"
        assert promised.read_to_end() == b"ack"
    assert server.wait() == 0
    server.assert_log_complete()
    served = [event["request"] for event in server.of("request_acked")]
    assert [name for name in served if name != "a"] == ["long", "promised"]
    assert {event["reason"] for event in server.of("connection_closed")} == {"drain"}


def test_a_message_whose_client_has_left_is_not_served(server: RunningServer) -> None:
    busy, gone = _busy(server, b"long sleep=200ms"), _busy(server, b"gone sleep=30s")
    gone.reset()
    with busy:
        server.await_event("connection_failed")
        busy.await_ack()
    server.serves()
    server.stop()
    assert "gone" not in {event["request"] for event in server.of("request_acked")}
