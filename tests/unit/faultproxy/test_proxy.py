"""The proxy over real sockets: transparent without toxics, and each toxic as the peer sees it."""

import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest

from faultproxy.link import MAX_PENDING_BYTES
from faultproxy.toxic_spec import UPSTREAM
from labkit.wire.wire import MAX_LINE_BYTES, Channel, WireError
from tests.unit.faultproxy.proxy_fixtures import (
    SECRET_OF_RUN,
    RunningProxy,
    read_exactly,
    read_to_end,
    running_proxy,
    toxic,
)

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@pytest.fixture(scope="module")
def shared_proxy() -> Iterator[RunningProxy]:
    with running_proxy() as proxy:
        yield proxy


@pytest.fixture
def proxy(shared_proxy: RunningProxy) -> Iterator[RunningProxy]:
    """Give one proxy to every test, without toxics at the start."""
    shared_proxy.set_toxics([])
    yield shared_proxy
    shared_proxy.set_toxics([])


def since_s(begun_s: float) -> float:
    return time.monotonic() - begun_s


def test_bytes_pass_both_ways(proxy: RunningProxy) -> None:
    with proxy.connection() as (client, server):
        client.sendall(b"hello\x03")
        assert server.recv(100) == b"hello\x03"
        server.sendall(b"ack")
        assert client.recv(100) == b"ack"


def test_a_half_close_passes_and_the_answer_still_comes(proxy: RunningProxy) -> None:
    with proxy.connection() as (client, server):
        client.sendall(b"last\x03")
        client.shutdown(socket.SHUT_WR)
        assert read_to_end(server) == b"last\x03"
        server.sendall(b"ack")
        server.close()
        assert read_to_end(client) == b"ack"


@pytest.mark.parametrize("who", [0, 1])
def test_a_reset_passes_as_a_reset(proxy: RunningProxy, who: int) -> None:
    with proxy.connection() as ends:
        ends[who].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        ends[who].close()
        with pytest.raises(ConnectionResetError):
            ends[1 - who].recv(1)


@pytest.mark.parametrize("who", [0, 1])
def test_a_reset_after_an_end_of_stream_is_harmless(who: int) -> None:
    """The proxy does not see it: it no longer reads there, and ending that stream fails."""
    with running_proxy() as proxy:
        with proxy.connection() as ends:
            ends[who].shutdown(socket.SHUT_WR)
            assert ends[1 - who].recv(1) == b""
            ends[who].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            ends[who].close()
            ends[1 - who].shutdown(socket.SHUT_WR)
            proxy.set_toxics([])  # is processed after earlier events
        assert proxy.stop()[-1]["counts"] == {"connections": 1, "eof": 2}


@pytest.mark.slow
def test_a_peer_that_does_not_read_stops_the_sender(proxy: RunningProxy) -> None:
    with proxy.connection() as (_client, server):
        server.settimeout(0.3)
        with pytest.raises(TimeoutError):
            server.sendall(bytes(1 << 27))  # more than all buffers of the kernel together


def test_more_than_the_proxy_holds_is_not_lost(proxy: RunningProxy) -> None:
    proxy.set_toxics([toxic("latency", latency="20ms")])
    sent = bytes(range(256)) * (4 * MAX_PENDING_BYTES >> 8)
    with proxy.connection() as (client, server):
        sender = threading.Thread(target=server.sendall, args=[sent])
        sender.start()
        assert read_exactly(client, len(sent)) == sent
        sender.join()


def test_a_server_that_refuses_makes_a_reset() -> None:
    with running_proxy() as proxy:
        proxy.listener.close()
        # around `connect`, too: the reset may come before it returns
        with pytest.raises(ConnectionResetError), proxy.connect() as client:
            client.recv(1)
        assert proxy.stop()[-1]["counts"]["unreachable"] == 1


def test_latency_delays(proxy: RunningProxy) -> None:
    proxy.set_toxics([toxic("latency", latency="100ms")])
    with proxy.connection() as (client, server):
        begun_s = time.monotonic()
        server.sendall(b"ack")
        assert client.recv(100) == b"ack"
        assert since_s(begun_s) >= 0.1


def test_a_toxic_affects_only_its_direction(proxy: RunningProxy) -> None:
    proxy.set_toxics([toxic("latency", latency="60s")])
    with proxy.connection() as (client, server):
        client.sendall(b"hello\x03")
        assert server.recv(100) == b"hello\x03"


@pytest.mark.slow
def test_bandwidth_is_not_exceeded(proxy: RunningProxy) -> None:
    proxy.set_toxics([toxic("bandwidth", UPSTREAM, rate=100)])
    with proxy.connection() as (client, server):
        begun_s = time.monotonic()
        client.sendall(bytes(30_000))
        client.shutdown(socket.SHUT_WR)
        assert len(read_to_end(server)) == 30_000
        assert since_s(begun_s) >= 0.3


def test_a_slicer_cuts_a_message_up(proxy: RunningProxy) -> None:
    proxy.set_toxics([toxic("slicer", UPSTREAM, average_size=2, delay="20ms")])
    with proxy.connection() as (client, server):
        client.sendall(b"goodbye\x03")
        assert [server.recv(100) for _ in range(4)] == [b"go", b"od", b"by", b"e\x03"]


def test_reset_peer_resets_both_ends_once_something_was_sent(proxy: RunningProxy) -> None:
    proxy.set_toxics([toxic("reset_peer", UPSTREAM, timeout="50ms")])
    with proxy.connection() as (client, server):
        begun_s = time.monotonic()
        client.sendall(b"hello\x03")
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        with pytest.raises(ConnectionResetError):
            server.recv(1)
        assert since_s(begun_s) >= 0.05


def test_timeout_drops_bytes_and_then_closes(proxy: RunningProxy) -> None:
    with proxy.connection() as (client, server):
        proxy.set_toxics([toxic("timeout", timeout="50ms")])
        server.sendall(b"ack")
        assert client.recv(100) == b""
        assert server.recv(100) == b""


def test_a_timeout_of_0ms_closes_when_it_is_removed(proxy: RunningProxy) -> None:
    with proxy.connection() as (client, server):
        proxy.set_toxics([toxic("timeout", timeout="0ms")])
        server.sendall(b"ack")
        client.settimeout(0.1)
        with pytest.raises(TimeoutError):
            client.recv(100)
        proxy.set_toxics([])
        assert client.recv(100) == b""


def test_slow_close_delays_only_the_end(proxy: RunningProxy) -> None:
    proxy.set_toxics([toxic("slow_close", delay="150ms")])
    with proxy.connection() as (client, server):
        begun_s = time.monotonic()
        server.sendall(b"ack")
        server.close()
        assert client.recv(100) == b"ack"
        assert client.recv(100) == b""
        assert since_s(begun_s) >= 0.15


def test_limit_data_closes_after_the_last_byte(proxy: RunningProxy) -> None:
    proxy.set_toxics([toxic("limit_data", bytes=4)])
    with proxy.connection() as (client, server):
        server.sendall(b"ackack")
        assert read_to_end(client) == b"acka"
        assert read_to_end(server) == b""


def test_toxics_start_and_end_on_open_connections(proxy: RunningProxy) -> None:
    with proxy.connection() as (client, server):
        before_ns = time.monotonic_ns()
        answer = proxy.set_toxics([toxic("latency", latency="100ms")])
        assert answer["type"] == "in_effect"
        assert before_ns < answer["t_ns"] < time.monotonic_ns()
        begun_s = time.monotonic()
        server.sendall(b"1")
        assert client.recv(1) == b"1"
        assert since_s(begun_s) >= 0.1
        proxy.set_toxics([toxic("latency", latency="60s")])
        proxy.set_toxics([])
        server.sendall(b"2")
        assert client.recv(1) == b"2"


def test_a_toxic_that_stays_keeps_its_state(proxy: RunningProxy) -> None:
    limit = toxic("limit_data", bytes=4)
    proxy.set_toxics([limit])
    with proxy.connection() as (client, server):
        server.sendall(b"ack")
        assert client.recv(100) == b"ack"
        proxy.set_toxics([toxic("latency", latency="1ms"), limit])
        server.sendall(b"ack")
        assert read_to_end(client) == b"a"


def test_bytes_after_a_removed_delay_keep_their_order(proxy: RunningProxy) -> None:
    """Chunks on their way stay delayed when the toxic is removed; later bytes wait for them."""
    proxy.set_toxics([toxic("latency", latency="100ms")])
    with proxy.connection() as (client, server):
        server.sendall(b"first ")
        proxy.set_toxics([])
        server.sendall(b"second")
        server.close()
        assert read_to_end(client) == b"first second"


def test_toxicity_affects_the_same_connections_in_every_run() -> None:
    cuts = {**toxic("limit_data", bytes=0), "toxicity": 0.5}
    runs = []
    for _ in range(2):
        with running_proxy([cuts], LAB_PROXY_SEED="7") as proxy:
            runs.append([_is_cut(proxy) for _ in range(20)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {True, False}


def _is_cut(proxy: RunningProxy) -> bool:
    with proxy.connection() as (client, server):
        server.sendall(b"ack")
        return client.recv(100) == b""


@pytest.mark.parametrize(
    ("kind", "fields", "reason"),
    [
        ("toxics", {"toxics": [{"type": "latencies"}]}, "none of: latency"),
        ("toxics", {}, "not a list"),
        ("stop", {}, "unknown message type 'stop'"),
    ],
)
def test_an_invalid_message_is_refused(
    proxy: RunningProxy, kind: str, fields: dict[str, object], reason: str
) -> None:
    answer = proxy.request(kind, secret=SECRET_OF_RUN, **fields)
    assert answer["type"] == "refused"
    assert reason in answer["reason"]


@pytest.mark.parametrize("nonsense", [b"GET / HTTP/1.1\r\n", b"x" * 200_000 + b"\n", b"[[["])
def test_nonsense_closes_only_the_control_connection(proxy: RunningProxy, nonsense: bytes) -> None:
    with socket.create_connection(("127.0.0.1", proxy.control_port), timeout=20) as control:
        try:
            control.sendall(nonsense)
            control.shutdown(socket.SHUT_WR)
            assert b"refused" in control.recv(1000)
        except OSError:
            assert len(nonsense) > MAX_LINE_BYTES  # the rest was never read
    assert proxy.set_toxics([])["type"] == "in_effect"


@pytest.mark.parametrize("secret", [{}, {"secret": ""}, {"secret": "wrong"}, {"secret": "\ud800"},
                                    {"secret": [SECRET_OF_RUN]}])  # fmt: skip
def test_control_obeys_nobody_without_the_secret_of_the_run(secret: dict[str, object]) -> None:
    with running_proxy() as proxy:
        answer = proxy.request("toxics", toxics=[toxic("latency", latency="60s")], **secret)
        assert answer["type"] == "refused"
        assert "the secret of the run" in answer["reason"]
        with proxy.connection() as (client, server):
            server.sendall(b"ack")
            assert client.recv(100) == b"ack"
        (stopped,) = proxy.stop()  # and no event says that toxics have changed
        assert stopped["counts"]["control_refused"] == 1


def test_control_of_a_proxy_without_a_secret_obeys_nobody() -> None:
    with running_proxy(LAB_RUN_SECRET="") as proxy:
        assert proxy.request("toxics", toxics=[], secret="")["type"] == "refused"


def test_a_stranger_is_disconnected_after_its_first_message(proxy: RunningProxy) -> None:
    control = socket.create_connection(("127.0.0.1", proxy.control_port), timeout=20)
    with Channel(control) as channel:
        channel.send("toxics", toxics=[])
        assert channel.receive()["type"] == "refused"
        with pytest.raises(WireError, match="closed"):
            channel.receive()


def test_the_log_has_each_toxic_as_it_was_requested() -> None:
    slow = {"name": "slow", **toxic("latency", latency="1ms"), "toxicity": 0.5}
    with running_proxy() as proxy:
        proxy.set_toxics([slow])
        changed, _ = proxy.stop()
    assert (changed["event"], changed["toxics"], changed["specs"]) == (
        "toxics_changed", ["slow"], [slow],
    )  # fmt: skip
