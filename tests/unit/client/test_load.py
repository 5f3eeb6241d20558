"""The loop against sockets of this very process: what a real server would rarely do on cue."""

import itertools
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from client.link import failure_kind
from client.load import Load
from client.task import Task
from client.user import Phase, Script
from labkit.samples import OUTCOMES, Row, unpack

Serve = Callable[[socket.socket], None]
DEADLINE_S = 20.0


@contextmanager
def served_by(serve: Serve, users: int = 1) -> Iterator[tuple[str, int]]:
    """Serve ``users`` connections, each in a thread of its own, and wait for their ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with listener.accept()[0] as conn:
                conn.settimeout(DEADLINE_S)
                serve(conn)

        threads = [threading.Thread(target=accept) for _ in range(users)]
        for thread in threads:
            thread.start()
        yield listener.getsockname()
        for thread in threads:
            thread.join()


def task(address: tuple[str, int], script: Script, users: int = 1, **changes: float) -> Task:
    numbers = {"timeout_s": DEADLINE_S, **changes}
    return Task(socket.AF_INET, address, script, users, first_user=4, **numbers)


def ran(task: Task, stop_fd: int | None = None) -> tuple[Load, list[Row]]:
    load = Load(task, stop_fd=stop_fd)
    load.run(time.monotonic_ns())
    counts = load.books.counts
    assert counts["sent"] + counts["unsent"] == task.users * task.script.messages
    assert counts["sent"] == counts["acked"] + counts["failed"] + counts["in_flight"]
    return load, list(unpack(load.books.packed()))


def messages_of(conn: socket.socket) -> Iterator[bytes]:
    stream = b""
    while segment := conn.recv(65_536):
        *messages, stream = (stream + segment).split(b"\x03")
        yield from messages


def serve_well(conn: socket.socket) -> None:
    for message in messages_of(conn):
        if message == b"goodbye":
            return
        conn.sendall(b"ack")


def test_users_are_numbered_over_all_replicas() -> None:
    with served_by(serve_well, users=3) as address:
        load, rows = ran(task(address, Script(2, replica=1), users=3))
    assert sorted((row.user, row.message) for row in rows) == [
        (user, message) for user in (4, 5, 6) for message in (0, 1)
    ]
    assert load.books.end_ns == max(row.ended_ns for row in rows)


def test_a_message_that_the_kernel_takes_in_pieces_arrives_whole() -> None:
    demand = "x" * 20_000_000  # more than two socket buffers hold
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
        load, _ = ran(task(address, Script(1, demand)))
    assert load.books.acked == 1
    assert seen == [len("r0.c4.m0 ") + len(demand) + 1]


def test_an_ack_in_pieces_counts_once() -> None:
    def serve(conn: socket.socket) -> None:
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for message in messages_of(conn):
            if message == b"goodbye":
                return
            for piece in (b"a", b"c", b"k"):
                conn.sendall(piece)

    with served_by(serve) as address:
        load, rows = ran(task(address, Script(3)))
    assert (load.books.acked, len(rows)) == (3, 3)


def test_a_think_time_delays_the_next_message_and_is_no_part_of_its_response_time() -> None:
    with served_by(serve_well) as address:
        _, rows = ran(task(address, Script(3), think_time_s=0.005))
    for before, after in itertools.pairwise(rows):
        assert after.due_ns == before.ended_ns + 5_000_000
        assert after.sent_ns >= after.due_ns


def test_a_connection_that_ends_while_the_user_thinks_is_closed_early() -> None:
    def serve(conn: socket.socket) -> None:
        next(messages_of(conn))
        conn.sendall(b"ack")

    with served_by(serve) as address:
        load, _ = ran(task(address, Script(2), think_time_s=60))
    assert load.books.errors["closed_early"] == 1
    assert load.books.counts == {"sent": 1, "acked": 1, "failed": 0, "unsent": 1, "in_flight": 0}


def test_a_reset_after_the_goodbye_is_an_end_like_another() -> None:
    def serve(conn: socket.socket) -> None:
        for message in messages_of(conn):
            if message == b"goodbye":
                linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # on, 0 s: close resets
                conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                return
            conn.sendall(b"ack")

    with served_by(serve) as address:
        load, _ = ran(task(address, Script(1)))
    assert sum(load.books.errors.values()) == 0


def test_a_server_that_does_not_close_after_the_goodbye_times_out() -> None:
    def serve(conn: socket.socket) -> None:
        for message in messages_of(conn):
            if message != b"goodbye":
                conn.sendall(b"ack")

    with served_by(serve) as address:
        load, rows = ran(task(address, Script(1), timeout_s=0.1))
    assert load.books.errors["timed_out"] == 1
    assert [OUTCOMES[row.outcome] for row in rows] == ["acked"]


def test_a_stopped_run_leaves_its_message_in_flight_and_blames_nobody() -> None:
    incoming, outgoing = os.pipe()

    def serve(conn: socket.socket) -> None:
        next(messages_of(conn))
        os.close(outgoing)
        conn.recv(1)

    with served_by(serve) as address:
        load, rows = ran(task(address, Script(2)), incoming)
    os.close(incoming)
    assert load.is_stopped
    assert sum(load.books.errors.values()) == 0
    assert [OUTCOMES[row.outcome] for row in rows] == ["in_flight"]


def test_an_exception_from_the_tick_leaves_the_books_balanced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("client.load.TICK_NS", 1_000_000)

    def fail(_acked: int) -> None:
        raise BrokenPipeError

    def serve(conn: socket.socket) -> None:
        while conn.recv(100):
            pass

    with served_by(serve) as address:
        load = Load(task(address, Script(2)))
        with pytest.raises(BrokenPipeError):
            load.run(time.monotonic_ns(), fail)
    assert load.books.counts == {"sent": 1, "acked": 0, "failed": 0, "unsent": 1, "in_flight": 1}


def test_phases_are_counted() -> None:
    load = Load(task(("127.0.0.1", 1), Script(1)))
    assert load.phases() == {}
    load.run(time.monotonic_ns())
    assert load.phases()[Phase.GONE] == 0


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionRefusedError(111, ""), "refused"),
        (ConnectionResetError(104, ""), "reset"),
        (BrokenPipeError(32, ""), "reset"),
        (TimeoutError(110, ""), "timed_out"),
        (OSError(113, "no route"), "unreachable"),
        (OSError(99, "no local port"), "unreachable"),
        (OSError(24, "no descriptor"), "unreachable"),
        (OSError(11, "no local port, says connect(2)"), "unreachable"),
        (OSError("no number"), "unreachable"),
    ],
)
def test_an_error_has_its_kind(error: OSError, kind: str) -> None:
    assert failure_kind(error.errno) == kind
