"""The closed loop against sockets of the test process."""

import itertools
import socket
import time

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
    assert loop.recorder.counts == {
        "sent": 1,
        "acked": 1,
        "failed": 0,
        "unsent": 1,
        "in_flight": 0,
        "retries": 0,
    }


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
