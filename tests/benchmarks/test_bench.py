"""The programs of the benchmarks: each peer must speak the same protocol as the lab's servers."""

import importlib.util
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.contestants import Contestant, lab, limit, peer
from benchmarks.load import Driven, Load, drive
from benchmarks.running import Running, running

PEERS = sorted(
    path.stem
    for path in (Path(__file__).parents[2] / "benchmarks" / "peers").glob("*_*.py")
    if not path.stem.startswith("__")
)
NEEDS = {"uvloop_protocol": "uvloop", "gevent_stream": "gevent"}
DEADLINE_S = 10.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler"),
]


@pytest.fixture(params=["c", *PEERS])
def server(request: pytest.FixtureRequest) -> Iterator[Running]:
    name = request.param
    if name in NEEDS and importlib.util.find_spec(NEEDS[name]) is None:
        pytest.skip(f"{NEEDS[name]} is installed for the bench alone: make bench")
    contestant: Contestant = limit() if name == "c" else peer(name)
    with running(contestant) as started:
        yield started


def _converse(server: Running, *segments: bytes) -> bytes:
    """Return all bytes until the server closes."""
    received = b""
    with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE_S) as conn:
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for segment in segments:
            conn.sendall(segment)
        while more := conn.recv(65_536):
            received += more
    return received


def test_a_peer_speaks_the_protocol(server: Running) -> None:
    assert _converse(server, b"one\x03two\x03\x03goodbye\x03") == b"ack" * 3


def test_a_peer_reassembles_a_split_goodbye(server: Running) -> None:
    assert _converse(server, b"o", b"ne\x03good", b"bye\x03late\x03") == b"ack"


def test_a_peer_keeps_count_of_a_thousand_pipelined_messages(server: Running) -> None:
    assert _converse(server, b"m\x03" * 1000 + b"goodbye\x03") == b"ack" * 1000


def test_the_limit_in_c_refuses_what_the_lab_refuses() -> None:
    with running(limit()) as server:
        assert _converse(server, b"\xff\x03") == b""
        assert _converse(server, b"x" * 4097) == b""
        assert _converse(server, b"x" * 4096 + b"\x03goodbye\x03") == b"ack"


@pytest.mark.parametrize("load", [Load("steady", 8, 16, 0.2), Load("short", 8, 1, 0.2)])
def test_the_load_counts_what_is_acknowledged(load: Load) -> None:
    with running(lab("epoll")) as server:
        driven: Driven = drive(load, server)
    assert driven.per_s > 0
    assert 0 < driven.load_busy <= 1.1
