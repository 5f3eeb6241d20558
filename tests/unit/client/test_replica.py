"""A replica in the hands of a conductor that misbehaves."""

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from client import replica
from client.replica import ConductorLostError, play
from client.resolve import UnresolvedError
from labkit.wire import Channel

ORDER: dict[str, Any] = {
    "replica": 1,
    "first_user": 2,
    "users": 2,
    "messages": 3,
    "demand": None,
    "think_time_s": 0.0,
    "target": "127.0.0.1:1",
    "seed": 7,
    "timeout_s": 20.0,
}


def conducted(script: Callable[[Channel], None]) -> None:
    """Play a replica under a conductor that does what ``script`` says, and then leaves."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def conduct() -> None:
            with Channel(listener.accept()[0]) as channel:
                assert channel.receive()["type"] == "enrol"
                script(channel)

        conductor = threading.Thread(target=conduct)
        conductor.start()
        try:
            play(listener.getsockname())
        finally:
            conductor.join()


def test_a_share_without_a_server_is_reported_as_refused() -> None:
    told: dict[str, Any] = {}

    def script(channel: Channel) -> None:
        channel.send("load", **ORDER)
        assert channel.receive()["type"] == "ready"
        told["start_ns"] = time.monotonic_ns() + 20_000_000
        channel.send("start", start_ns=told["start_ns"])
        told.update(channel.receive())
        assert channel.receive_bytes(told["samples_bytes"]) == b""

    conducted(script)
    assert told["type"] == "result"
    assert told["replica"] == 1
    assert told["first_connect_ns"] >= told["start_ns"]
    assert told["end_ns"] >= told["start_ns"]
    assert told["books"] == {"sent": 0, "acked": 0, "failed": 0, "unsent": 6, "in_flight": 0}
    assert {kind: n for kind, n in told["errors"].items() if n} == {"refused": 2}


def test_a_share_of_no_users_ends_when_it_starts() -> None:
    told: dict[str, Any] = {}

    def script(channel: Channel) -> None:
        channel.send("load", **ORDER | {"users": 0})
        channel.receive()
        channel.send("start", start_ns=1)
        told.update(channel.receive())

    conducted(script)
    assert told["end_ns"] == 1
    assert sum(told["books"].values()) == 0


@pytest.mark.parametrize("lasting", ["enrolled", "ready", "started", "running"])
def test_a_conductor_that_leaves_is_lost_at_once(lasting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # never accepts: no ack ever comes
        target = f"127.0.0.1:{silent.getsockname()[1]}"

        def script(channel: Channel) -> None:
            if lasting == "enrolled":
                return
            channel.send("load", **ORDER | {"target": target})
            channel.receive()
            if lasting == "ready":
                return
            ahead_ns = 60_000_000_000 if lasting == "started" else 0
            channel.send("start", start_ns=time.monotonic_ns() + ahead_ns)
            if lasting == "running":
                assert channel.receive() == {"type": "progress", "acked": 0}

        begun_s = time.monotonic()
        with pytest.raises(ConductorLostError, match=r"lost: (it|the peer) closed the connection"):
            conducted(script)
    assert time.monotonic() - begun_s < ORDER["timeout_s"]


@pytest.mark.parametrize(
    "order",
    [
        {},
        ORDER | {"target": None},
        ORDER | {"target": "nowhere"},
        ORDER | {"replica": None, "messages": {}, "demand": "\u00e9"},
    ],
)
def test_an_order_that_makes_no_sense_is_refused(order: dict[str, Any]) -> None:
    with pytest.raises(ConductorLostError, match="its order makes no sense"):
        conducted(lambda channel: channel.send("load", **order))


def test_a_start_that_makes_no_sense_is_refused() -> None:
    def script(channel: Channel) -> None:
        channel.send("load", **ORDER)
        channel.receive()
        channel.send("start", start_ns="now")

    with pytest.raises(ConductorLostError, match="its start makes no sense"):
        conducted(script)


def test_a_target_without_an_address_is_named() -> None:
    order = ORDER | {"target": f"{'x' * 70}:3000"}  # longer than a host name may be
    with pytest.raises(UnresolvedError, match=r"no host name|no address"):
        conducted(lambda channel: channel.send("load", **order))


def test_a_conductor_that_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replica, "MEETING_DEADLINE_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
    with pytest.raises(ConductorLostError, match=f"no conductor at {host}:{port}"):
        play((host, port))
