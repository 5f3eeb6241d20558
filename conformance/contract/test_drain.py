"""How a server stops: a service that has begun is finished, and no client waits in vain."""

import contextlib
import signal
import socket
from collections import Counter
from pathlib import Path

import pytest

from conformance.server_process import RunningServer, Starter
from conformance.target import Client
from labkit.server.settings import Own, Whole

# The first ack means that the service of the second message begins.
LONG_SERVICE = b"a sleep=0ms\x03b sleep=400ms\x03"


def _begin_service(server: RunningServer, message: bytes = LONG_SERVICE) -> Client:
    client = server.connect()
    client.send(message)
    client.await_ack()
    return client


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_stops(server: RunningServer, signum: signal.Signals) -> None:
    server.send_signal(signum)
    assert server.wait() == 0
    server.assert_log_complete()
    assert server.of("drain_begun")[0]["signal"] == signum.name
    assert server.of("stopped")[0]["reason"] == "drained"


def test_an_idle_connection_is_closed(server: RunningServer) -> None:
    with server.connect() as client:
        client.send(b"a sleep=0ms\x03")
        client.await_ack()
        server.send_signal(signal.SIGTERM)
        assert client.read_to_end() == b""
    assert server.wait() == 0
    assert server.of("connection_closed")[0]["reason"] == "drain"


def test_an_unfinished_message_does_not_hold_the_drain(server: RunningServer) -> None:
    with server.connect() as client:
        client.send(b"a sleep=0ms\x03unfin")
        client.await_ack()
        server.send_signal(signal.SIGTERM)
        assert client.read_to_end() == b""
    assert server.wait() == 0


def test_what_is_in_service_is_finished_and_acked(server: RunningServer) -> None:
    with _begin_service(server) as client:
        server.send_signal(signal.SIGTERM)
        assert client.read_to_end() == b"ack"
    assert server.wait() == 0
    server.assert_log_complete()


def test_what_waits_behind_it_is_not_served(server: RunningServer) -> None:
    with _begin_service(server, LONG_SERVICE + b"c\x03d\x03goodbye\x03") as client:
        server.send_signal(signal.SIGTERM)
        assert client.read_to_end() == b"ack"
    assert server.wait() == 0


def test_a_signal_to_the_whole_group_is_one_signal(server: RunningServer) -> None:
    """A service manager, or ``kill 0``, signals every process of a server."""
    with _begin_service(server) as client:
        server.signal_group(signal.SIGTERM)
        assert client.read_to_end() == b"ack"
    assert server.wait() == 0
    server.assert_log_complete()


def test_a_draining_server_refuses_new_connections(server: RunningServer) -> None:
    with _begin_service(server, b"a sleep=0ms\x03b sleep=1s\x03") as client:
        server.send_signal(signal.SIGTERM)
        server.await_event("drain_begun")
        server.await_true(lambda: _is_refused(server.port), "connect is refused")
        assert client.read_to_end() == b"ack"
    assert server.wait() == 0


def _is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except (ConnectionRefusedError, ConnectionResetError):
        return True
    return False


def test_connections_waiting_to_be_accepted_are_reset_and_counted(server: RunningServer) -> None:
    """Each client occupies a worker or waits, in a queue of the server or of the kernel."""
    clients = [server.connect() for _ in range(20)]
    for client in clients:
        client.send(b"a sleep=300ms\x03")
    server.await_event("accepted")
    events = server.stop()
    acks = 0
    for client in clients:
        with client, contextlib.suppress(ConnectionResetError):
            acks += client.read_to_end() == b"ack"
    queued = server.of("drain_begun")[0]["accept_queue_reset"]
    count = Counter(event["event"] for event in events)
    assert count["accepted"] + queued == len(clients)
    assert count["connection_closed"] + count["connection_failed"] == count["accepted"]
    assert count["request_acked"] == acks


def test_at_the_bound_of_its_workers_it_does_not_accept(
    start: Starter, own: tuple[Own, ...]
) -> None:
    """If each connection gets a worker of its own: the others wait in the kernel's accept queue."""
    if not any(isinstance(each, Whole) and each.is_workers for each in own):
        pytest.skip("no setting of its own bounds the workers")
    server = start(LAB_WORKERS="3")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(3 + 4)]
        for client in clients[:3]:
            client.send(b"a sleep=0ms\x03")
            client.await_ack()
        clients[0].send(b"goodbye\x03")
        assert clients[0].read_to_end() == b""
        clients[3].send(b"a sleep=0ms\x03")
        clients[3].await_ack()
        server.stop()
    assert server.of("drain_begun")[0]["accept_queue_reset"] == 3
    assert len(server.of("accepted")) == 4


def test_under_load_every_served_message_is_acked(server: RunningServer) -> None:
    clients = [server.connect() for _ in range(server.workers + 10)]
    for number, client in enumerate(clients):
        client.send(b"".join(b"c%d sleep=2ms\x03" % number for _ in range(400)))
    clients[0].await_ack()
    clients[0].await_ack()
    server.send_signal(signal.SIGTERM)
    answers = []
    for client in clients:
        received = b""
        with client, contextlib.suppress(ConnectionResetError):
            while more := client.sock.recv(4096):
                received += more
        answers.append(received)
    assert server.wait() == 0
    server.assert_log_complete()
    acks = Counter(event["request"] for event in server.of("request_acked"))
    assert acks["c0"] >= 2
    for number, received in enumerate(answers):
        owed = acks[f"c{number}"] - (2 if number == 0 else 0)
        assert received == b"ack" * owed, f"client {number}"


def test_the_drain_time_out_ends_what_takes_too_long(start: Starter) -> None:
    server = start(LAB_DRAIN_TIMEOUT="200ms")
    with _begin_service(server, b"a sleep=0ms\x03b sleep=50s\x03") as client:
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 1
        with contextlib.suppress(ConnectionResetError):
            assert client.read_to_end() == b""
    assert server.of("stopped")[0]["reason"] != "drained"
    server.assert_log_complete()


def test_a_second_signal_stops_at_once(server: RunningServer) -> None:
    with _begin_service(server, b"a sleep=0ms\x03b sleep=50s\x03"):
        server.await_event("request_acked")
        server.send_signal(signal.SIGTERM)
        server.await_event("drain_begun")
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 128 + signal.SIGTERM
    stopped = server.of("stopped")
    assert [event["reason"] for event in stopped] == ["second signal, connections cut: 1"]
    assert len(server.of("request_acked")) == 1


def test_the_address_is_free_afterwards(start: Starter) -> None:
    server = start()
    server.serves()
    server.stop()
    start(LAB_PORT=str(server.port)).serves()


def test_the_ready_file_is_there_while_it_listens(start: Starter, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    server = start(LAB_READY_FILE=str(ready))
    server.await_true(ready.exists, "the ready file")
    server.stop()
    assert not ready.exists()


def test_a_ready_file_that_cannot_be_removed_does_not_hold_the_drain(
    start: Starter, tmp_path: Path
) -> None:
    """The file is replaced by a folder, which root cannot unlink either."""
    ready = tmp_path / "ready"
    server = start(LAB_READY_FILE=str(ready))
    server.await_true(ready.exists, "the ready file")
    ready.unlink()
    ready.mkdir()
    with _begin_service(server) as client:
        server.send_signal(signal.SIGTERM)
        assert client.read_to_end() == b"ack"
    assert server.wait() == 0
    assert server.stderr == ""


def test_a_slow_reader_does_not_hold_the_drain(server: RunningServer) -> None:
    with server.connect() as client:
        client.buffer_little()
        client.sock.setblocking(False)
        messages = b"a sleep=0ms\x03" * 5000
        with contextlib.suppress(BlockingIOError):
            for _ in range(400):
                client.sock.send(messages)
        server.await_event("request_acked")
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0
    server.assert_log_complete()
