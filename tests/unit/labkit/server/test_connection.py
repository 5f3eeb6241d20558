import json
import os
import socket
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labkit.protocol.session import Limits, Session
from labkit.protocol.work import Demand
from labkit.server.connection import Connection
from labkit.server.events import EventLog
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
