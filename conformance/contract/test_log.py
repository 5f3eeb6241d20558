"""The event log is complete or states what is missing, and does not stop the service."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from conformance import ROOT
from conformance.contract.test_protocol import REFUSED
from conformance.server_process import SETTINGS, RunningServer, Starter, environment
from conformance.target import Client, await_true

ALWAYS = {"t_ns", "event", "model", "pid", "worker"}
HOSTILE = b'\x00\x1b[2J"\\\x7f' * 600


def test_every_line_is_an_event(server: RunningServer) -> None:
    for _ in range(3):
        server.serves()
    with server.connect() as client:
        client.send(b"unfin")
    server.stop()
    for event in server.events:
        assert event.keys() >= ALWAYS
        assert isinstance(event["t_ns"], int)


def test_started_is_the_first_line(server: RunningServer) -> None:
    """A reader begins a new account there; a pool logs `worker_started` before it listens."""
    server.stop()
    assert server.events[0]["event"] == "started"
    assert len(server.of("started")) == 1


def test_no_line_is_longer_than_can_be_written_at_once(server: RunningServer) -> None:
    """Whatever a client sends. Forked processes that share a pipe would mix longer lines."""
    for message in (HOSTILE, b"a sleep=" + HOSTILE, b"\x01" * 4000, b"a cpu=" + b"9" * 4000):
        with server.connect() as client:
            client.send(message + b"\x03goodbye\x03")
            client.read_to_end()
    server.stop()
    assert max(len(line) for line in server.lines) <= 4096


def test_a_refusal_is_logged_with_its_reason(server: RunningServer) -> None:
    for number, (message, reason) in enumerate(REFUSED.items(), 1):
        with server.connect() as client:
            client.send(message)
            client.read_to_end()
        logged = server.await_event("connection_failed", number)
        assert str(logged["reason"]).startswith(reason), message
    server.stop()
    assert len(server.of("connection_failed")) == len(REFUSED)


def test_how_a_connection_ended_is_logged(server: RunningServer) -> None:
    for message in (b"a sleep=0ms\x03", b"a sleep=0ms\x03unfinished"):
        with server.connect() as client:
            client.send(message)
            client.half_close()
            assert client.read_to_end() == b"ack"
    server.stop()
    assert server.of("connection_closed")[0]["reason"] == "eof"
    failed = server.of("connection_failed")[0]
    assert (failed["reason"], failed["requests"]) == ("disconnected inside a message", 1)


def test_a_connection_is_accepted_taken_and_ended_once(server: RunningServer) -> None:
    """Two workers that share a socket each read some of its bytes, and all acks look alike."""
    clients = [server.connect() for _ in range(server.workers + 2)]
    for client in clients:
        client.send(b"a sleep=20ms\x03b sleep=0ms\x03goodbye\x03")
    for client in clients:
        assert client.read_to_end() == b"ackack"
        client.sock.close()
    server.stop()
    accepted = Counter(event["conn"] for event in server.of("accepted"))
    assert accepted == dict.fromkeys(accepted, 1)
    assert accepted.total() == len(clients)
    if taken := Counter(event["conn"] for event in server.of("dequeued")):
        assert taken == accepted
    ends = [*server.of("connection_closed"), *server.of("connection_failed")]
    assert Counter(event["conn"] for event in ends) == accepted


def test_requests_are_acked_in_the_order_sent(server: RunningServer) -> None:
    with server.connect() as client:
        client.send(b"".join(b"m%d sleep=0ms\x03" % number for number in range(1000)))
        client.send(b"goodbye\x03late sleep=0ms\x03")
        assert client.read_to_end() == b"ack" * 1000
    server.stop()
    served = [event["request"] for event in server.of("request_acked")]
    assert served == [f"m{number}" for number in range(1000)]


@pytest.mark.parametrize("level", ["trace", "connections", "lifecycle"])
def test_each_level_is_complete_in_itself(start: Starter, level: str) -> None:
    server = start(LAB_LOG_LEVEL=level)
    server.serves()
    server.stop()
    logged = {event["event"] for event in server.events}
    assert ("accepted" in logged) == (level != "lifecycle")
    assert ("request_acked" in logged) == (level == "trace")


def test_lines_come_within_the_promised_time(server: RunningServer) -> None:
    """Lines are buffered, but an idle server writes them without a further event."""
    with server.connect() as client:
        client.send(b"a sleep=0ms\x03")
        client.await_ack()
        server.await_event("request_acked")
        for byte in b"dribbled sleep=0ms\x03":
            client.send(bytes([byte]))
        client.await_ack()
        server.await_event("request_acked", 2)


def test_many_writers_tear_no_line(start: Starter) -> None:
    server = start(LAB_WORKERS="4")
    clients = [server.connect() for _ in range(4)]
    messages = b"".join(b"%d sleep=0ms %s\x03" % (number, b"x" * 200) for number in range(300))
    for client in clients:
        client.send(messages)
        client.half_close()
    for client in clients:
        assert client.read_to_end() == b"ack" * 300
        client.sock.close()
    server.stop()


def test_a_closed_log_pipe_does_not_stop_the_service(start: Starter) -> None:
    readable, writable = os.pipe()
    with os.fdopen(readable, "rb") as reader, os.fdopen(writable, "wb") as writer:
        server = start.launch(stdout=writer, LAB_PORT=str(_free_port(start)))
        writer.close()
        first = reader.readline()
        while b"listening" not in first:
            first = reader.readline()
        reader.close()
        _outlives_its_log(server, int(re.findall(rb'"port":([0-9]+)', first)[0]))


def test_a_full_disk_does_not_stop_the_service(start: Starter) -> None:
    port = _free_port(start)
    with Path("/dev/full").open("wb") as full:
        _outlives_its_log(start.launch(stdout=full, LAB_PORT=str(port)), port)


def _free_port(start: Starter) -> int:
    server = start()
    server.stop()
    return server.port


def _is_up(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return False
    return True


def _outlives_its_log(server: RunningServer, port: int) -> None:
    server.await_true(lambda: _is_up(port), "it listens")
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", port), timeout=server.deadline_s) as sock:
            sock.sendall(b"a\x03goodbye\x03")
            assert sock.recv(3) == b"ack"
            assert sock.recv(3) == b""
    server.send_signal(signal.SIGTERM)
    assert server.wait() == 0
    assert server.stderr == ""


def test_a_reader_that_stalls_does_not_keep_it_from_stopping(start: Starter) -> None:
    """It slows the service down, so that the log has no gaps; late lines are whole."""
    port = _free_port(start)
    readable, writable = os.pipe()
    with os.fdopen(readable, "rb") as reader:
        with os.fdopen(writable, "wb") as writer:
            server = start.launch(stdout=writer, LAB_PORT=str(port), LAB_DRAIN_TIMEOUT="300ms")
        seen = reader.readline()
        while b"listening" not in seen:
            seen = reader.readline()
        with Client(("127.0.0.1", port), server.deadline_s) as client:
            client.sock.settimeout(0.3)
            try:
                for number in range(5000):
                    client.send(b"m%d sleep=0ms\x03" % number)
                    client.read(3)
            except (AssertionError, OSError):
                pass  # the pipe is full, so the server waits
            else:
                raise AssertionError("the pipe never filled")
            server.send_signal(signal.SIGTERM)
            assert server.wait() == 1
        for line in reader.read().splitlines():
            assert line.startswith(b'{"t_ns":'), line
            assert line.endswith(b"}"), line


def test_a_closed_stdout_is_not_taken_by_a_client(start: Starter) -> None:
    port = _free_port(start)
    command = [sys.executable, "-m", start.program]
    settings = environment({**SETTINGS, "LAB_PORT": str(port)})
    shell = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command]
    process = subprocess.Popen(shell, cwd=ROOT, env=settings)
    try:
        await_true(lambda: _is_up(port), "it listens")
        with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
            sock.sendall(b"a\x03")
            assert sock.recv(100) == b"ack"
            sock.settimeout(0.3)  # longer than any line is buffered
            with pytest.raises(TimeoutError):
                sock.recv(100)
        process.terminate()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()


def test_the_text_log_is_readable(start: Starter) -> None:
    server = start.launch(LAB_LOG_FORMAT="text")
    server.await_true(lambda: b"listening on" in b"".join(server.lines), "listening")
    port = int(re.findall(rb"listening on 127.0.0.1:([0-9]+)", b"".join(server.lines))[0])
    with Client(("127.0.0.1", port), server.deadline_s) as client:
        client.send(b"\x1b[2Jhello sleep=1ms\x03goodbye\x03")
        assert client.read_to_end() == b"ack"
    server.send_signal(signal.SIGTERM)
    assert server.wait() == 0
    text = b"".join(server.lines).decode("ascii")
    for phrase in ("accepted connection", "serving \\x1b[2Jhello", "acked", "goodbye", "stopped"):
        assert phrase in text
    assert not re.search(r"[^\x20-\x7e\n]", text)
