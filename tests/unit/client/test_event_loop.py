"""The event loop with polite users, against sockets of the test process."""

import os
import socket
import threading
import time

import pytest

from client.message_format import MessageFormat
from client.user import Phase
from labkit.wire.progress import Pulse
from labkit.wire.samples import OUTCOMES
from tests.unit.client.server_fixtures import (
    connections_of,
    loop_of,
    messages_of,
    ran,
    serve_well,
    served_by,
)


def test_a_message_that_the_kernel_takes_in_pieces_arrives_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ending = b" " + b"x" * 20_000_000 + b"\x03"  # more than two socket buffers hold
    monkeypatch.setattr(MessageFormat, "suffix", lambda *_: ending)
    seen: list[int] = []

    def serve(conn: socket.socket) -> None:
        seen.append(0)
        last = b""
        while last != b"\x03":
            segment = conn.recv(1 << 20)
            seen[0] += len(segment)
            last = segment[-1:]
        conn.sendall(b"ack")
        assert conn.recv(100) == b"goodbye\x03"

    with served_by(serve) as address:
        loop = loop_of(address, demand="sleep=exponential(1ms)")  # drawn: not one form for all
        ran(loop)
    assert loop.recorder.acked == 1
    assert seen == [len("r0.c0.m0") + len(ending)]


def test_an_ack_in_pieces_counts_once() -> None:
    def serve(conn: socket.socket) -> None:
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for message in messages_of(conn):
            if message == b"goodbye":
                return
            for piece in (b"a", b"c", b"k"):
                conn.sendall(piece)

    with served_by(serve) as address:
        loop = loop_of(address, messages=3)
        rows = ran(loop)
    assert (loop.recorder.acked, len(rows)) == (3, 3)
    assert all(row.sent_ns < row.first_byte_ns <= row.ended_ns for row in rows)


def test_a_reset_after_the_goodbye_is_not_a_failure() -> None:
    def serve(conn: socket.socket) -> None:
        for message in messages_of(conn):
            if message == b"goodbye":
                linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # on, 0 s: close resets
                conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return
            conn.sendall(b"ack")

    with served_by(serve) as address:
        loop = loop_of(address)
        ran(loop)
    assert sum(loop.recorder.errors.values()) == 0


def test_a_server_that_does_not_close_after_the_goodbye_times_out() -> None:
    def serve(conn: socket.socket) -> None:
        for message in messages_of(conn):
            if message != b"goodbye":
                conn.sendall(b"ack")

    with served_by(serve) as address:
        loop = loop_of(address, timeout_s=0.1)
        rows = ran(loop)
    assert loop.recorder.errors["timed_out"] == 1
    assert [OUTCOMES[row.outcome] for row in rows] == ["acked"]


def test_a_stopped_run_leaves_its_message_in_flight_and_reports_no_failure() -> None:
    incoming, outgoing = os.pipe()

    def serve(conn: socket.socket) -> None:
        next(messages_of(conn))
        os.close(outgoing)
        conn.recv(1)

    with served_by(serve) as address:
        loop = loop_of(address, incoming, messages=2)
        rows = ran(loop)
    os.close(incoming)
    assert loop.is_stopped
    assert sum(loop.recorder.errors.values()) == 0
    assert [OUTCOMES[row.outcome] for row in rows] == ["in_flight"]


def test_an_exception_from_the_tick_leaves_counts_that_add_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("client.event_loop.TICK_NS", 1_000_000)

    received = threading.Event()

    def fail(_pulse: Pulse) -> None:
        if received.is_set():
            raise BrokenPipeError

    def serve(conn: socket.socket) -> None:
        while conn.recv(100):
            received.set()

    with served_by(serve) as address:
        loop = loop_of(address, messages=2)
        with pytest.raises(BrokenPipeError):
            loop.run(time.monotonic_ns(), fail)
    assert loop.recorder.counts == {
        "sent": 1, "acked": 0, "failed": 0, "unsent": 1, "in_flight": 1, "retries": 0,
    }  # fmt: skip


def test_phases_are_counted() -> None:
    loop = loop_of(("127.0.0.1", 1))
    assert loop.phases() == {}
    loop.run(time.monotonic_ns())
    assert loop.phases()[Phase.GONE] == 0


def test_an_answer_that_does_not_come_in_time_fails_the_message() -> None:
    def serve(conn: socket.socket) -> None:
        assert conn.recv(100)
        assert conn.recv(100) == b""  # the user has left, the run goes on to its end at once

    with served_by(serve) as address:
        loop = loop_of(address, messages=2, answer_timeout_s=0.02)
        rows = ran(loop)
    assert [OUTCOMES[row.outcome] for row in rows] == ["timed_out"]
    assert loop.recorder.errors["timed_out"] == 1
    assert loop.recorder.counts["unsent"] == 1


def test_a_late_ack_does_not_fall_to_the_time_out_of_an_earlier_message() -> None:
    with served_by(serve_well) as address:
        loop = loop_of(address, messages=3, answer_timeout_s=0.5, think_time="250ms")
        ran(loop)
    assert loop.recorder.acked == 3


def test_a_connect_that_takes_too_long_is_timed_out() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.create_connection(full.getsockname()):  # the only place in the accept queue
            loop = loop_of(full.getsockname(), connect_timeout_s=0.02, initial=2)
            ran(loop)
    timed_out = [life for life in connections_of(loop) if life.connected_ns == 0]
    assert loop.recorder.errors["timed_out"] == len(timed_out) > 0


def test_a_surplus_after_an_ack_counts_the_ack() -> None:
    def serve(conn: socket.socket) -> None:
        next(messages_of(conn))
        conn.sendall(b"ackack")
        conn.recv(100)

    with served_by(serve) as address:
        loop = loop_of(address, messages=2)
        rows = ran(loop)
    assert [OUTCOMES[row.outcome] for row in rows] == ["acked"]
    assert loop.recorder.errors["surplus_reply"] == 1


def test_phases_of_a_connection_follow_each_other() -> None:
    with served_by(serve_well) as address:
        loop = loop_of(address)
        (row,) = ran(loop)
    (life,) = connections_of(loop)
    assert life.begun_ns <= life.connected_ns <= row.sent_ns < row.first_byte_ns <= life.ended_ns
    assert life.port > 0
    assert life.outcome == 0
