"""Each behaviour as the server sees it, and as the recorder counts it."""

import errno
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from client.behaviours import BEHAVIOURS, OVERSIZE_BYTES
from client.connection import Connection
from client.event_loop import EventLoop
from client.scripted_loop import TCP_REPAIR, BehaviourError, ScriptedLoop
from labkit.wire.samples import OUTCOMES, Row
from tests.unit.client.server_fixtures import loop_of, messages_of, ran, serve_well, served_by

DEADLINE_S = 20.0


class Observed:
    """What a server saw of one connection: segments, and how it ended."""

    def __init__(self, acks: bool = True, least_pause_s: float = 0.0) -> None:
        self.segments: list[bytes] = []
        self.instants_ns: list[int] = []
        self.end = ""
        self._acks = acks
        self._least_pause_s = least_pause_s

    def serve(self, conn: socket.socket) -> None:
        """Take whatever comes, and ack each message unless that is not wanted."""
        try:
            while segment := conn.recv(1 << 22):
                self.segments.append(segment)
                self.instants_ns.append(time.monotonic_ns())
                if b"goodbye" in self.stream:
                    self.end = "goodbye"
                    return
                if self._acks and segment.endswith(b"\x03"):
                    conn.sendall(b"ack" * segment.count(b"\x03"))
            self.end = "FIN"
        except ConnectionResetError:
            self.end = "RST"

    @property
    def stream(self) -> bytes:
        """All that came."""
        return b"".join(self.segments)


def behaved(behaviour: str, observed: Observed, **changes: Any) -> tuple[ScriptedLoop, list[Row]]:  # noqa: ANN401 fields of a group
    with served_by(observed.serve) as address:
        loop = loop_of(address, behaviour=behaviour, **{"pace_s": 0.001, **changes})
        assert isinstance(loop, ScriptedLoop)
        rows = ran(loop)
    return loop, rows


def outcomes(rows: list[Row]) -> set[str]:
    return {OUTCOMES[row.outcome] for row in rows}


def test_no_goodbye_closes_without_a_word() -> None:
    observed = Observed()
    loop, _ = behaved("no-goodbye", observed, messages=2)
    assert observed.stream == b"r0.c0.m0\x03r0.c0.m1\x03"
    assert observed.end == "FIN"
    assert (loop.recorder.acked, sum(loop.recorder.errors.values())) == (2, 0)


def test_a_pipeline_keeps_that_many_in_flight_and_no_more() -> None:
    seen: list[int] = []

    def serve(conn: socket.socket) -> None:
        stream = b""
        while b"goodbye" not in stream:
            while stream.count(b"\x03") < min(sum(seen) + 3, 7):
                stream += conn.recv(100)
            with suppress(BlockingIOError):
                conn.setblocking(False)
                stream += conn.recv(100)
            conn.settimeout(DEADLINE_S)
            fresh = stream.replace(b"goodbye\x03", b"").count(b"\x03") - sum(seen)
            seen.append(fresh)
            conn.sendall(b"ack" * fresh)
            if sum(seen) == 7:
                stream += conn.recv(100)

    with served_by(serve) as address:
        loop = loop_of(address, behaviour="pipeline", pipeline=3, messages=7)
        rows = ran(loop)
    assert max(seen) == 3
    assert [row.message for row in rows] == list(range(7))
    assert outcomes(rows) == {"acked"}


def test_a_slow_sender_sends_a_byte_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the loop sends them: a server that waits for a CPU meanwhile receives several at once."""
    sent: list[bytes] = []

    def transmit(loop: ScriptedLoop, connection: Connection, part: bytes) -> None:
        sent.append(part)
        EventLoop.transmit(loop, connection, part)

    monkeypatch.setattr(ScriptedLoop, "transmit", transmit)
    observed = Observed()
    _, rows = behaved("slow-sender", observed, pace_s=0.003)
    message = b"r0.c0.m0\x03"
    assert observed.stream == message + b"goodbye\x03"
    assert sent == [*(bytes((byte,)) for byte in message), b"goodbye\x03"]
    assert rows[0].ended_ns - rows[0].sent_ns >= len(message) * 3_000_000


def test_a_slow_reader_sends_on_and_reads_an_ack_a_pace() -> None:
    observed = Observed()
    _, rows = behaved("slow-reader", observed, pace_s=0.003, messages=5)
    assert [row.message for row in rows] == list(range(5))
    assert max(row.sent_ns for row in rows) < min(row.ended_ns for row in rows)
    ends_ns = [row.ended_ns for row in rows]
    assert ends_ns == sorted(ends_ns)
    assert ends_ns[-1] - ends_ns[0] >= 4 * 3_000_000


def test_a_slow_reader_makes_the_server_s_sends_wait() -> None:
    blocked = threading.Event()

    def serve(conn: socket.socket) -> None:
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        conn.setblocking(False)
        deadline_s = time.monotonic() + DEADLINE_S
        conn.send(b"")
        while time.monotonic() < deadline_s:
            try:
                conn.send(b"ack" * 10_000)
            except BlockingIOError:
                blocked.set()
                return

    with served_by(serve) as address:
        loop = loop_of(address, behaviour="slow-reader", messages=1000, timeout_s=2, pace_s=0.05)
        ran(loop)
    assert blocked.is_set()


def test_a_silent_client_stays_for_its_time_and_says_nothing() -> None:
    observed = Observed()
    begun_ns = time.monotonic_ns()
    loop, rows = behaved("silent", observed, messages=None, stages=((0.03, 1.0),))
    assert (observed.stream, observed.end, rows) == (b"", "FIN", [])
    assert time.monotonic_ns() - begun_ns >= 30_000_000
    assert sum(loop.recorder.errors.values()) == 0


def test_a_silent_client_that_is_disconnected_reports_it() -> None:
    with served_by(lambda conn: conn.close()) as address:
        loop = loop_of(address, behaviour="silent", messages=None, stages=((19.0, 1.0),))
        ran(loop)
    assert loop.recorder.errors["closed_early"] == 1


def test_a_reset_is_one_and_leaves_the_message_in_flight() -> None:
    observed = Observed(acks=False)
    _, rows = behaved("reset", observed)
    assert observed.end == "RST"
    assert outcomes(rows) == {"in_flight"}


def may_repair() -> bool:
    with socket.socket() as sock:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        except PermissionError:
            return False
        return True


@pytest.mark.skipif(not may_repair(), reason="TCP_REPAIR takes CAP_NET_ADMIN")
def test_a_client_that_vanishes_sends_neither_fin_nor_rst() -> None:
    ends: list[str] = []

    def serve(conn: socket.socket) -> None:
        assert next(messages_of(conn)) == b"r0.c0.m0"
        gone.wait(DEADLINE_S)
        conn.settimeout(0.05)
        try:
            conn.recv(1)
        except TimeoutError:
            ends.append("silence")

    gone = threading.Event()
    with served_by(serve) as address:
        loop = loop_of(address, behaviour="vanish", pace_s=0.01)
        rows = ran(loop)
        gone.set()
    assert ends == ["silence"]
    assert outcomes(rows) == {"in_flight"}


def test_a_client_that_may_not_vanish_is_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "not permitted")

    monkeypatch.setattr(socket.socket, "setsockopt", refuse)
    with pytest.raises(BehaviourError, match="CAP_NET_ADMIN"):
        loop_of(("127.0.0.1", 1), behaviour="vanish")


@pytest.mark.parametrize(
    ("behaviour", "least_bytes"), [("garbage", 10), ("oversize", OVERSIZE_BYTES)]
)
def test_what_a_server_refuses_fails_where_it_closes(behaviour: str, least_bytes: int) -> None:
    seen: list[bytes] = []

    def serve(conn: socket.socket) -> None:
        seen.append(b"")
        while not seen[0].endswith(b"\x03"):
            seen[0] += conn.recv(1 << 20)

    with served_by(serve) as address:
        loop = loop_of(address, behaviour=behaviour)
        rows = ran(loop)
    assert len(seen[0]) >= least_bytes
    assert any(byte > 127 for byte in seen[0]) == (behaviour == "garbage")
    assert outcomes(rows) == {"closed_early"}
    assert loop.recorder.errors["closed_early"] == 1


@pytest.mark.parametrize("behaviour", ["no-goodbye", "pipeline", "slow-sender", "slow-reader"])
def test_a_server_that_answers_nonsense_is_found_out(behaviour: str) -> None:
    def serve(conn: socket.socket) -> None:
        for _ in messages_of(conn):
            conn.sendall(b"nak")

    with served_by(serve) as address:
        loop = loop_of(address, behaviour=behaviour, pipeline=2, pace_s=0.001)
        ran(loop)
    assert loop.recorder.errors["bad_reply"] == 1


@pytest.mark.parametrize("behaviour", sorted(set(BEHAVIOURS) - {"vanish"}))
def test_an_answer_s_time_out_and_the_run_s_end_find_every_behaviour(behaviour: str) -> None:
    def serve(conn: socket.socket) -> None:
        with suppress(ConnectionError):
            while conn.recv(1 << 20):
                pass

    stages: tuple[tuple[float, float], ...] = ((9.0, 1.0),) if behaviour == "silent" else ()
    with served_by(serve) as address:
        loop = loop_of(
            address,
            behaviour=behaviour,
            stages=stages,
            messages=None if stages else 2,
            pipeline=2,
            pace_s=0.001,
            timeout_s=0.1,
        )
        ran(loop)
    assert loop.connections == {}


def test_pipelined_acks_are_credited_in_order_whatever_the_segments() -> None:
    def pieces() -> Iterator[bytes]:
        yield from (b"ac", b"kacka", b"ck")

    def serve(conn: socket.socket) -> None:
        stream = b""
        while stream.count(b"\x03") < 3:
            stream += conn.recv(100)
        for piece in pieces():
            conn.sendall(piece)
            time.sleep(0.005)
        assert conn.recv(100) == b"goodbye\x03"

    with served_by(serve) as address:
        loop = loop_of(address, behaviour="pipeline", pipeline=3, messages=3)
        rows = ran(loop)
    assert [row.message for row in rows] == [0, 1, 2]
    assert all(row.first_byte_ns <= row.ended_ns for row in rows)
    assert rows[0].first_byte_ns < rows[0].ended_ns


def test_a_polite_server_serves_them_all() -> None:
    for behaviour in ("no-goodbye", "pipeline", "slow-sender", "slow-reader"):
        with served_by(serve_well, users=2) as address:
            loop = loop_of(
                address, behaviour=behaviour, initial=2, messages=3, pipeline=2, pace_s=0.001
            )
            rows = ran(loop)
        assert outcomes(rows) == {"acked"}
        assert loop.recorder.acked == 6
