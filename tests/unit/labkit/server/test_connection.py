import json
import os
import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labkit.protocol.session import EOF, End, Limits, Request, Session
from labkit.protocol.work import Demand
from labkit.server.connection import (
    DRAIN,
    IDLE,
    RECEIVE,
    SETTLE,
    STALLED,
    TICK_S,
    Connection,
    Transfer,
)
from labkit.server.events import EventLog, Served
from labkit.server.logs import Counts
from labkit.server.stream import Stream

NOTHING = Limits(Demand("sleep", 0.0), 64, 1.0)
WORDS = ("one", "two words", "", " ", "goodbye", "sleep=0ms", "x sleep=1ms", "\x7f", "é", "x" * 65)
MESSAGES = b"one\x03two words\x03\x03"


class Peer:
    """A socket whose peer sent ``segment`` and takes ``room`` bytes, then no more."""

    def __init__(self, segment: bytes, room: int) -> None:
        self._segment = segment
        self._room = room
        self.sent = b""

    def recv(self, _size: int) -> bytes:
        return self._segment

    def send(self, unsent: bytes) -> int:
        if not self._room:
            raise BlockingIOError
        taken = unsent[: self._room]
        self._room -= len(taken)
        self.sent += taken
        return len(taken)

    def give_room(self) -> None:
        self._room = 1000


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def _connect(peer: Peer, limits: Limits = NOTHING) -> Connection:
    sock: socket.socket = peer  # type: ignore[assignment]  # what a connection uses of one
    return Connection(sock, "1.1", limits, set())


def _log(fd: int, level: str) -> EventLog:
    return EventLog(Stream("m", fd, as_text=False, level=level), 1, Counts(1).row(0))


@given(st.lists(st.sampled_from(WORDS)), st.sampled_from(["", "tail", "good"]))
@example(["one"], "")
def test_only_what_needs_no_service_is_prompt(words: list[str], tail: str) -> None:
    """A no is always right; a yes must hold for what the session would hand out."""
    segment = "".join(f"{word}\x03" for word in words).encode("utf-8") + tail.encode("ascii")
    session = Session(NOTHING)
    if not session.is_prompt(segment):
        return
    session.receive(segment, 1)
    for _ in range(segment.count(b"\x03")):
        request = session.next_request()
        assert request is not None
        assert request.demand == NOTHING.default_demand
    assert session.next_request() is None
    assert session.end is None


def test_plain_messages_are_prompt_unless_something_came_before() -> None:
    session = Session(NOTHING)
    assert session.is_prompt(MESSAGES)
    session.receive(b"good", 1)
    assert not session.is_prompt(b"bye\x03")
    assert not Session(Limits(Demand("sleep", 0.01), 64, 1.0)).is_prompt(MESSAGES)


@pytest.mark.parametrize("room", range(10))
@pytest.mark.parametrize("level", ["lifecycle", "trace"])
def test_a_peer_that_reads_slowly_gets_every_ack_once(
    pipe: tuple[int, int], level: str, room: int
) -> None:
    log, peer = _log(pipe[1], level), Peer(MESSAGES, room)
    conn = _connect(peer)
    is_done = conn.receive(log)
    assert is_done is (room == 9)
    assert conn.owes is not is_done
    peer.give_room()
    conn.settle(log)
    assert peer.sent == b"ack" * 3
    assert not conn.owes
    log.emit("stopped")
    log.flush()
    lines = [json.loads(line) for line in os.read(pipe[0], 65_536).splitlines()]
    ids = [line["request"] for line in lines if line["event"] == "request_acked"]
    assert ids == (["one", "two", ""] if level == "trace" else [])
    assert log.count("request_acked") == len(ids)


def test_both_ways_write_the_same_line(pipe: tuple[int, int]) -> None:
    log = _log(pipe[1], "trace")
    _connect(Peer(b'o"ne x\x03', 9)).receive(log)  # prompt
    slow = Peer(b'o"ne x\x03', 0)
    conn = _connect(slow)
    conn.receive(log)
    slow.give_room()
    conn.settle(log)
    log.flush()
    prompt, usual = map(json.loads, os.read(pipe[0], 65_536).splitlines())
    assert list(prompt) == list(usual)
    varying = ("t_ns", "received_ns", "started_ns", "finished_ns")
    assert {k: v for k, v in prompt.items() if k not in varying} == {
        k: v for k, v in usual.items() if k not in varying
    }
    for line in (prompt, usual):
        instants = [line[k] for k in ("received_ns", "started_ns", "finished_ns", "t_ns")]
        assert instants == sorted(instants)


def _steps(conn: Connection, *, draining: bool = False) -> list[str | End | Transfer]:
    """Take the steps of ``conn`` until it waits for bytes or ends; requests by their ids."""
    steps: list[str | End | Transfer] = []
    while RECEIVE not in steps and not (steps and isinstance(steps[-1], End)):
        step = conn.next_step(draining=draining)
        steps.append(step.id if isinstance(step, Request) else step)
        if isinstance(step, Request):
            conn.owe(Served(step, 1, 2))
        elif step is SETTLE:
            conn._owed = []  # noqa: SLF001
    return steps


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (b"", [RECEIVE]),
        (b"a\x03", ["a", SETTLE, RECEIVE]),
        (b"a\x03b\x03c", ["a", "b", SETTLE, RECEIVE]),  # one segment of acknowledgements
        (b"a\x03b sleep=1ms\x03", ["a", SETTLE, "b", SETTLE, RECEIVE]),  # a waits for no service
        (b"a\x03goodbye\x03b\x03", ["a", SETTLE, End("goodbye")]),
        (b"a\x03\xff", ["a", SETTLE, End("byte over 127", failed=True)]),
    ],
)
def test_what_is_owed_is_sent_before_anything_that_may_block(
    received: bytes, expected: list[str | End | Transfer]
) -> None:
    conn = _connect(Peer(b"", 0))
    if received:
        conn.session.receive(received, 1)
    assert _steps(conn) == expected


def test_the_end_of_the_stream_comes_after_what_is_owed() -> None:
    conn = _connect(Peer(b"", 0))
    conn.session.receive(b"a\x03", 1)
    conn.session.receive(b"", 2)
    assert _steps(conn) == ["a", SETTLE, EOF]


def test_a_drain_settles_serves_no_more_and_ends() -> None:
    conn = _connect(Peer(b"", 0))
    conn.session.receive(b"a\x03b\x03", 1)
    request = conn.next_step(draining=False)
    assert isinstance(request, Request)
    conn.owe(Served(request, 1, 2))
    assert _steps(conn, draining=True) == [SETTLE, DRAIN]


def test_a_request_whose_turn_had_come_is_served_in_a_drain() -> None:
    """A client that has the ack of the one before may rely on it."""
    conn = _connect(Peer(b"", 0))
    conn.session.receive(b"a\x03b sleep=1ms\x03c\x03", 1)
    request = conn.next_step(draining=False)
    assert isinstance(request, Request)
    conn.owe(Served(request, 1, 2))
    assert conn.next_step(draining=False) is SETTLE
    assert _steps(conn, draining=True) == [SETTLE, "b", SETTLE, DRAIN]


@pytest.mark.parametrize("owes", [False, True])
@pytest.mark.parametrize(
    ("silent_s", "idle_timeout_s", "expected"),
    [(9.0, None, None), (9.0, 10.0, None), (10.0, 10.0, IDLE)],
)
def test_an_idle_connection_ends(
    silent_s: float, idle_timeout_s: float | None, expected: End | None, *, owes: bool
) -> None:
    conn = _silent(silent_s, owes=owes)
    assert conn.silence_end(draining=False, idle_timeout_s=idle_timeout_s) == expected


@pytest.mark.parametrize(
    ("silent_s", "owes", "expected"),
    [
        (10.0, False, None),  # next_step ends it
        (TICK_S, True, STALLED),
        (0.0, True, None),
    ],
)
def test_in_a_drain_a_peer_that_does_not_read_is_waited_for_a_tick(
    silent_s: float, expected: End | None, *, owes: bool
) -> None:
    conn = _silent(silent_s, owes=owes)
    assert conn.silence_end(draining=True, idle_timeout_s=5.0) == expected


def _silent(silent_s: float, *, owes: bool) -> Connection:
    """Return a connection on which nothing has passed for ``silent_s``."""
    conn = _connect(Peer(b"", 0))
    if owes:
        conn.owe(Served(Request("a", NOTHING.default_demand, 1), 1, 2))
    conn.active_ns = time.monotonic_ns() - round(silent_s * 1e9)
    return conn


def test_a_connection_continues_from_its_state_with_its_count_and_its_silence(
    pipe: tuple[int, int],
) -> None:
    log = EventLog(Stream("m", pipe[1], as_text=False, level="trace"), 1, Counts(1).row(0))
    one, other = socket.socketpair()
    with one, other:
        before, after = (Connection(peer, "1.3", NOTHING, set()) for peer in (one, other))
        before.owe(Served(Request("a", NOTHING.default_demand, 1), 1, 2))
        before.settle(log)
        after.resume(before.state)
        assert after.state == before.state
        assert after.state.acked == 1


def test_a_forgotten_connection_is_not_ended_for_its_peer() -> None:
    registry: set[Connection] = set()
    client, server = socket.socketpair()
    with client, server, server.dup():
        conn = Connection(server, "1.1", NOTHING, registry)
        registry.add(conn)
        conn.forget()
        assert registry == set()
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(1)
