"""The open loop that sends messages again, against sockets of the test process."""

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from client.event_loop import EventLoop
from client.open_loop import OpenLoop
from client.retrying_loop import RetryingLoop
from labkit.wire.progress import Pulse
from labkit.wire.samples import OUTCOMES, Row
from tests.port_fixtures import held_port
from tests.unit.client.server_fixtures import connections_of, loop_of, messages_of, ran
from tests.unit.client.test_open_loop import server

MS = 1_000_000
GROUP: dict[str, Any] = {
    "loop": "open",
    "initial": 100.0,
    "stages": ((0.1, 100.0),),
    "messages": None,
    "answer_timeout_s": 0.05,
    "attempts": 3,
    "retry_budget": None,
    "backoff": "20ms",
}


def retrying(address: tuple[str, int], stop_fd: int | None = None, **changes: Any) -> EventLoop:  # noqa: ANN401 fields of a group
    return loop_of(address, stop_fd, **GROUP | changes)


def silent_for(times: int) -> Callable[[socket.socket], None]:
    """Return a server that answers a message only when it comes once more than ``times``."""
    seen: Counter[bytes] = Counter()
    lock = threading.Lock()

    def serve(conn: socket.socket) -> None:
        for message in messages_of(conn):
            if message == b"goodbye":
                return
            number = message.split(b" ")[0].rpartition(b".m")[2]
            with lock:
                seen[number] += 1
                is_answered = seen[number] > times
            if is_answered:
                conn.sendall(b"ack")

    return serve


def silent_to_first() -> Callable[[socket.socket], None]:
    """Return a server that answers each message but the first that comes."""
    silence = iter([True])

    def serve(conn: socket.socket) -> None:
        for message in messages_of(conn):
            if message == b"goodbye":
                return
            if not next(silence, False):
                conn.sendall(b"ack")

    return serve


def by_message(rows: list[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.sent_ns):
        found.setdefault(row.message, []).append(row)
    return found


def outcomes(rows: list[Row]) -> list[str]:
    return [OUTCOMES[row.outcome] for row in rows]


def test_a_group_without_retries_has_the_loop_without_them() -> None:
    """So that it pays nothing: `RetryingLoop` overrides what runs for each message."""
    plain = loop_of(("127.0.0.1", 1), **GROUP | {"attempts": 1})
    assert type(plain) is OpenLoop
    assert type(retrying(("127.0.0.1", 1))) is RetryingLoop
    for loop in (plain, retrying(("127.0.0.1", 1))):
        loop.close()


@pytest.mark.parametrize("connections", [0, 4])
def test_a_message_is_sent_again_until_it_is_acked(connections: int) -> None:
    with server(silent_for(2)) as address:
        loop = retrying(address, connections=connections, answer_timeout_s=0.5)
        found = by_message(ran(loop))
    assert len(found) == 10
    for rows in found.values():
        assert outcomes(rows) == ["retried", "retried", "acked"]
        assert len({row.user for row in rows}) == 3  # a connection each, so that ids differ
        assert len({row.due_ns for row in rows}) == 1
        first, second, third = rows
        assert first.ended_ns - first.due_ns >= 500 * MS
        assert second.ended_ns - first.ended_ns >= 520 * MS  # counted from just before it is sent
        for earlier, later in ((first, second), (second, third)):
            assert later.sent_ns - earlier.ended_ns >= 20 * MS
        assert third.ended_ns - third.due_ns >= 1040 * MS
    assert loop.recorder.retries == loop.recorder.errors["timed_out"] == 20
    assert loop.recorder.counts["acked"] == 10
    assert min(loop.recorder.response_times_s()) >= 1.04


def test_the_connections_that_the_last_retry_leaves_idle_are_closed() -> None:
    """The message due at 0 ms is sent again at 1.2 s, when the others have long been acked."""
    with server(silent_to_first()) as address:
        load: dict[str, Any] = {"initial": 10.0, "stages": ((0.4, 10.0),), "connections": 4}
        loop = retrying(address, **load, answer_timeout_s=0.2, backoff="1s", timeout_s=8.0)
        found = by_message(ran(loop))
    assert outcomes(found[0])[0] == "retried"
    assert loop.recorder.errors["timed_out"] == loop.recorder.retries


def test_the_last_attempt_has_the_outcome_of_its_message() -> None:
    with server(silent_for(9)) as address:
        loop = retrying(address)
        found = by_message(ran(loop))
    assert {tuple(outcomes(rows)) for rows in found.values()} == {
        ("retried", "retried", "timed_out")
    }
    assert loop.recorder.counts["failed"] == loop.recorder.counts["sent"] == 10
    assert sum(life.outcome > 0 for life in connections_of(loop)) == 30


@pytest.mark.parametrize(("budget", "retries"), [(0.0, 0), (0.25, 2), (1.0, 10), (None, 20)])
def test_the_budget_limits_the_retries(budget: float | None, retries: int) -> None:
    """Of 10 messages, none of which is answered."""
    with server(silent_for(9)) as address:
        loop = retrying(address, retry_budget=budget, answer_timeout_s=0.15)
        ran(loop)
    assert loop.recorder.retries == retries
    assert loop.recorder.counts["failed"] == 10


def test_a_message_asks_for_the_same_again() -> None:
    texts: dict[bytes, set[bytes]] = {}

    def serve(conn: socket.socket) -> None:
        for message in messages_of(conn):
            identity, _, demand = message.partition(b" ")
            texts.setdefault(identity.rpartition(b".m")[2], set()).add(demand)

    with server(serve) as address:
        ran(retrying(address, demand="sleep=exponential(5ms)"))
    assert len(texts) == 10
    assert all(len(demands) == 1 for demands in texts.values())
    assert len(set.union(*texts.values())) == 10


@pytest.mark.parametrize("connections", [0, 4])
def test_a_message_that_pauses_when_the_run_ends_has_timed_out(connections: int) -> None:
    with server(silent_for(9)) as address:
        loop = retrying(address, connections=connections, backoff="60s", timeout_s=0.4)
        rows = ran(loop)
    assert loop.recorder.retries == 0
    assert set(outcomes(rows)) == {"timed_out"}


def test_a_run_that_is_stopped_adds_up() -> None:
    read_end, write_end = os.pipe()
    threading.Timer(0.12, os.write, (write_end, b"x")).start()
    with server(silent_for(9)) as address:
        loop = retrying(address, read_end)
        rows = ran(loop)
    assert loop.is_stopped
    assert {"timed_out", "in_flight"} >= set(outcomes(rows)) - {"retried"}
    os.close(read_end)
    os.close(write_end)


def test_a_retry_that_finds_no_server_has_timed_out() -> None:
    with held_port() as port:
        listener = socket.create_server(("127.0.0.1", port))
        loop = retrying(("127.0.0.1", port), initial=10.0, stages=((0.1, 10.0),), backoff="1s")
        closing = threading.Timer(0.3, listener.close)
        closing.start()
        rows = ran(loop)
        closing.join()
    assert outcomes(rows) == ["timed_out"]
    assert loop.recorder.errors["refused"] == 1
    assert loop.recorder.counts["unsent"] == 0


def test_a_message_that_pauses_is_in_the_live_histogram(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.event_loop.TICK_NS", 50 * MS)
    pulses: list[Pulse] = []
    with server(silent_for(9)) as address:
        loop = retrying(address, backoff="60s", timeout_s=0.4)
        loop.run(time.monotonic_ns(), pulses.append)
    last = pulses[-1]
    assert (last.sent, last.failed) == (10, 0)
    assert sum(last.times) == 10
