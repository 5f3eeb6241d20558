"""The closed loop against sockets of this very process."""

import itertools
import os
import socket
import time

import pytest

from client.connection import failure_kind
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


def test_users_are_numbered_over_all_replicas() -> None:
    with served_by(serve_well, users=2) as address:
        loop = loop_of(address, replica=4, place=1, replicas=3, initial=6, messages=2)
        rows = ran(loop)
    assert sorted((row.user, row.message) for row in rows) == [
        (user, message) for user in (1, 4) for message in (0, 1)
    ]
    assert loop.recorder.end_ns == max(row.ended_ns for row in rows)


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


def test_a_think_time_delays_the_next_message_and_is_no_part_of_its_response_time() -> None:
    with served_by(serve_well) as address:
        loop = loop_of(address, messages=3, think_time="5ms")
        rows = ran(loop)
    assert len(loop.lags_ns) == 2
    for before, after in itertools.pairwise(rows):
        assert after.due_ns == before.ended_ns + 5_000_000
        assert after.sent_ns >= after.due_ns


def test_a_connection_that_ends_while_the_user_thinks_is_closed_early() -> None:
    def serve(conn: socket.socket) -> None:
        next(messages_of(conn))
        conn.sendall(b"ack")

    with served_by(serve) as address:
        loop = loop_of(address, messages=2, think_time="60s")
        ran(loop)
    assert loop.recorder.errors["closed_early"] == 1
    assert loop.recorder.counts == {"sent": 1, "acked": 1, "failed": 0, "unsent": 1, "in_flight": 0}


def test_a_reset_after_the_goodbye_is_an_end_like_another() -> None:
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


def test_a_stopped_run_leaves_its_message_in_flight_and_blames_nobody() -> None:
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


def test_an_exception_from_the_tick_leaves_the_books_balanced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("client.event_loop.TICK_NS", 1_000_000)

    def fail(_pulse: Pulse) -> None:
        raise BrokenPipeError

    def serve(conn: socket.socket) -> None:
        while conn.recv(100):
            pass

    with served_by(serve) as address:
        loop = loop_of(address, messages=2)
        with pytest.raises(BrokenPipeError):
            loop.run(time.monotonic_ns(), fail)
    assert loop.recorder.counts == {"sent": 1, "acked": 0, "failed": 0, "unsent": 1, "in_flight": 1}


def test_phases_are_counted() -> None:
    loop = loop_of(("127.0.0.1", 1))
    assert loop.phases() == {}
    loop.run(time.monotonic_ns())
    assert loop.phases()[Phase.GONE] == 0


def test_users_of_a_ramp_come_one_by_one_and_leave_when_their_time_is_over() -> None:
    with served_by(serve_well, users=3) as address:
        stages = ((0.06, 3.0), (0.02, 3.0), (0.03, 0.0))
        loop = loop_of(address, initial=0, stages=stages, messages=None, think_time="1ms")
        begun_ns = time.monotonic_ns()
        ran(loop)
    lives = sorted(connections_of(loop))
    assert [life.user for life in lives] == [0, 1, 2]
    for life, start_ms, stop_ms in zip(lives, (20, 40, 60), (100, 90, 80), strict=False):
        assert life.begun_ns >= begun_ns + start_ms * 1_000_000
        assert life.ended_ns >= begun_ns + stop_ms * 1_000_000


def test_a_user_begins_no_message_after_its_stop_and_leaves_at_it_when_it_thinks() -> None:
    with served_by(serve_well) as address:
        loop = loop_of(address, stages=((0.05, 1.0),), messages=None, think_time="40s")
        begun_ns = time.monotonic_ns()
        rows = ran(loop)
    assert len(rows) == 1
    assert loop.recorder.counts["unsent"] == 0
    assert time.monotonic_ns() - begun_ns < 40_000_000_000


def test_an_ack_that_comes_after_the_stop_is_no_lag_of_the_client() -> None:
    delay_s = 0.3

    def serve(conn: socket.socket) -> None:
        for message in messages_of(conn):
            if message == b"goodbye":
                return
            time.sleep(delay_s)  # the server's own time, no wait for a condition
            conn.sendall(b"ack")

    with served_by(serve) as address:
        loop = loop_of(address, stages=((0.01, 1.0),), messages=None, think_time="1ms")
        (row,) = ran(loop)
    assert row.ended_ns - row.sent_ns > delay_s * 1e9
    assert all(lag_ns < delay_s * 1e9 / 2 for lag_ns in loop.lags_ns)


def test_a_group_that_starts_later_is_due_later() -> None:
    with served_by(serve_well) as address:
        begun_ns = time.monotonic_ns()
        rows = ran(loop_of(address, start_s=0.03))
    assert rows[0].due_ns >= begun_ns + 30_000_000


def test_users_who_never_came_are_booked_unsent() -> None:
    loop = loop_of(("127.0.0.1", 1), start_s=5.0, timeout_s=0.02, initial=3, messages=4)
    ran(loop)
    assert loop.recorder.counts["unsent"] == 12


def test_an_answer_that_does_not_come_in_time_leaves_the_message_in_flight() -> None:
    def serve(conn: socket.socket) -> None:
        assert conn.recv(100)
        assert conn.recv(100) == b""  # the user has left, the run goes on to its end at once

    with served_by(serve) as address:
        loop = loop_of(address, messages=2, answer_timeout_s=0.02)
        rows = ran(loop)
    assert [OUTCOMES[row.outcome] for row in rows] == ["in_flight"]
    assert loop.recorder.errors["timed_out"] == 1
    assert loop.recorder.counts["unsent"] == 1


def test_a_late_ack_does_not_fall_to_the_time_out_of_an_earlier_message() -> None:
    with served_by(serve_well) as address:
        loop = loop_of(address, messages=3, answer_timeout_s=0.2, think_time="100ms")
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


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(111, ""), "refused"),
        (ConnectionResetError(104, ""), "reset"),
        (BrokenPipeError(32, ""), "reset"),
        (TimeoutError(110, ""), "timed_out"),
        (OSError(113, "no route"), "unreachable"),
        (OSError(99, "no local port"), "exhausted"),
        (OSError(24, "no descriptor"), "exhausted"),
        (OSError(11, "no local port, says connect(2)"), "exhausted"),
        (OSError("no number"), "unreachable"),
    ],
)
def test_an_error_has_its_kind(error: OSError, kind: str) -> None:
    assert failure_kind(error.errno) == kind
