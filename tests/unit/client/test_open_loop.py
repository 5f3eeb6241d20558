"""The open loop against sockets of the test process."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from client.event_loop import EventLoop
from labkit.wire.histogram import bucket_of
from labkit.wire.progress import Pulse
from labkit.wire.samples import OUTCOMES, Row
from tests.unit.client.server_fixtures import (
    DEADLINE_S,
    connections_of,
    loop_of,
    messages_of,
    ran,
    serve_well,
)

Serve = Callable[[socket.socket], None]


@contextmanager
def server(serve: Serve) -> Iterator[tuple[str, int]]:
    """Serve however many connections come, each in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:

        def attend(conn: socket.socket) -> None:
            with conn:
                serve(conn)

        def accept() -> None:
            while True:
                try:
                    conn, _ = listener.accept()
                except OSError:
                    return
                conn.settimeout(DEADLINE_S)
                threads.append(threading.Thread(target=attend, args=(conn,)))
                threads[-1].start()

        threads: list[threading.Thread] = []
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield listener.getsockname()
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for thread in threads:
                thread.join()


def open_loop(address: tuple[str, int], **changes: Any) -> EventLoop:  # noqa: ANN401 fields of a group
    plan: dict[str, Any] = {
        "loop": "open",
        "initial": 200.0,
        "stages": ((0.1, 200.0),),
        "messages": None,
    }
    return loop_of(address, **plan | changes)


@pytest.mark.parametrize(("connections", "sent"), [(0, 20), (3, 3)])
def test_arrivals_that_wait_are_in_the_live_histogram(
    monkeypatch: pytest.MonkeyPatch, connections: int, sent: int
) -> None:
    """Whether they wait for an ack, or for a connection of the pool."""
    monkeypatch.setattr("client.event_loop.TICK_NS", 50_000_000)
    pulses: list[Pulse] = []
    with server(lambda conn: drop(conn.recv(100), conn.recv(1))) as address:
        loop = open_loop(address, connections=connections, timeout_s=0.4)
        loop.run(time.monotonic_ns(), pulses.append)
    last = pulses[-1]
    assert (last.sent, last.acked, last.failed) == (sent, 0, 0)
    assert sum(last.times) == 20
    assert sum(last.times[bucket_of(100_000_000) :]) == 20  # all were due 0.1 s ago or more


def drop(*_: object) -> None:
    """Do nothing with what was received."""


def arrivals(rows: list[Row]) -> list[int]:
    return sorted(row.message for row in rows)


@pytest.mark.parametrize("connections", [0, 3])
def test_every_arrival_is_due_when_the_rate_says_and_is_served(connections: int) -> None:
    with server(serve_well) as address:
        loop = open_loop(address, connections=connections)
        begun_ns = time.monotonic_ns()
        rows = ran(loop)
    assert arrivals(rows) == list(range(20))
    first_ns = min(row.due_ns for row in rows)
    assert first_ns >= begun_ns
    for row in rows:
        assert row.due_ns == first_ns + row.message * 5_000_000
        assert row.due_ns <= row.sent_ns < row.ended_ns
    assert len(connections_of(loop)) == (connections or 20)
    assert len(loop.lags_ns) == 20
    assert sum(loop.recorder.errors.values()) == 0


@pytest.mark.parametrize("connections", [0, 4])
def test_replicas_take_arrivals_in_turn(connections: int) -> None:
    with server(serve_well) as address:
        shares = [
            open_loop(address, connections=connections, replica=place, place=place, replicas=2)
            for place in (0, 1)
        ]
        rows = [ran(loop) for loop in shares]
    assert [arrivals(each) for each in rows] == [list(range(0, 20, 2)), list(range(1, 20, 2))]
    users = [{life.user for life in connections_of(loop)} for loop in shares]
    assert not users[0] & users[1]


def test_an_arrival_that_waits_for_a_connection_keeps_its_due_instant() -> None:
    def serve(conn: socket.socket) -> None:
        for message in messages_of(conn):
            if message == b"goodbye":
                return
            if b".m0" in message:
                held.wait(DEADLINE_S)
            conn.sendall(b"ack")

    held = threading.Event()
    with server(serve) as address:
        loop = open_loop(address, connections=1)
        threading.Timer(0.5, held.set).start()
        rows = ran(loop)
    first, second = sorted(rows, key=lambda row: row.message)[:2]
    assert second.sent_ns >= first.ended_ns
    assert second.due_ns == first.due_ns + 5_000_000
    assert second.sent_ns - second.due_ns > 10 * max(loop.lags_ns[1:2])


def test_arrivals_that_find_no_connection_are_dropped_and_counted() -> None:
    def serve(conn: socket.socket) -> None:
        assert conn.recv(100)
        assert conn.recv(100) == b""

    with server(serve) as address:
        loop = open_loop(address, connections=2, timeout_s=0.2)
        rows = ran(loop)
    assert [OUTCOMES[row.outcome] for row in rows] == ["timed_out"] * 2
    assert loop.recorder.counts["unsent"] == 18


@pytest.mark.parametrize("rate", [200.0, 2_000.0, 20_000.0])
@pytest.mark.parametrize("connections", [0, 3, 10])
def test_a_server_that_is_not_there_refuses_every_arrival(
    connections: int, rate: float, refusing_address: tuple[str, int]
) -> None:
    load: dict[str, Any] = {"initial": rate, "stages": ((20 / rate, rate),)}
    loop = open_loop(refusing_address, connections=connections, **load)
    assert ran(loop) == []
    assert loop.recorder.counts["unsent"] == 20
    # An attempt that fails costs an arrival, but for those of the pool while none waits.
    assert 20 <= loop.recorder.errors["refused"] <= 20 + connections
    assert len(connections_of(loop)) == loop.recorder.errors["refused"]


def test_a_connection_of_the_pool_that_breaks_is_made_anew_when_it_is_wanted() -> None:
    def serve(conn: socket.socket) -> None:
        for _ in zip(range(4), messages_of(conn), strict=False):
            conn.sendall(b"ack")

    with server(serve) as address:
        loop = open_loop(address, connections=1)
        rows = ran(loop)
    counts = loop.recorder.counts
    assert counts["acked"] + counts["failed"] == counts["sent"] == len(rows)
    assert counts["acked"] >= 12
    assert loop.recorder.errors["closed_early"] + loop.recorder.errors["reset"] >= 3
    assert [life.user for life in connections_of(loop)] == list(range(len(connections_of(loop))))


def test_a_pool_serves_on_where_one_connection_is_accepted_at_a_time() -> None:
    """An idle connection that is kept would lock the others out of such a server for good."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:

        def serve_one_by_one() -> None:
            for _ in range(3):
                with listener.accept()[0] as conn:
                    conn.settimeout(DEADLINE_S)
                    serve_well(conn)

        server_thread = threading.Thread(target=serve_one_by_one)
        server_thread.start()
        loop = open_loop(listener.getsockname(), connections=3)
        rows = ran(loop)
        server_thread.join()
    assert arrivals(rows) == list(range(20))
    assert loop.recorder.acked == 20


def test_a_share_without_arrivals_ends_at_once() -> None:
    with server(serve_well) as address:
        loop = open_loop(address, initial=10.0, stages=((0.1, 10.0),), place=1, replicas=2)
        assert ran(loop) == []
    assert loop.task.share.planned == 0


def test_an_answer_that_does_not_come_in_time_frees_the_place_in_the_pool() -> None:
    def serve(conn: socket.socket) -> None:
        for message in messages_of(conn):
            if message == b"goodbye":
                return
            if b".m0" in message:
                assert conn.recv(100) == b""
            else:
                conn.sendall(b"ack")

    with server(serve) as address:
        loop = open_loop(address, connections=1, answer_timeout_s=0.3)
        rows = ran(loop)
    outcomes = {row.message: OUTCOMES[row.outcome] for row in rows}
    assert outcomes.pop(0) == "timed_out"
    assert set(outcomes.values()) == {"acked"}
    assert len(outcomes) == 19
    assert sum(loop.recorder.errors.values()) == loop.recorder.errors["timed_out"] == 1
