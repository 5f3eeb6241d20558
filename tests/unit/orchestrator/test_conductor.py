import socket
import threading
from array import array
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from labkit.order import Order
from labkit.samples import pack
from labkit.wire import Channel
from orchestrator.backends.base import BackendError
from orchestrator.collect import read_client_run
from orchestrator.conductor import drive

LOAD = Order(
    replicas=1,
    users=1,
    messages=1,
    demand=None,
    think_time_s=0.0,
    target="server:3000",
    seed=1,
    timeout_s=5.0,
    margin_s=0.1,
)
BOOKS = {"sent": 1, "acked": 1, "failed": 0, "unsent": 0, "in_flight": 0}
ERRORS = dict.fromkeys(
    ("refused", "reset", "timed_out", "closed_early", "bad_reply", "unreachable"), 0
)


def played(script: Callable[[Channel], None], folder: Path, told: list[int]) -> float:
    """Drive LOAD against a conductor that does what ``script`` says."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def conduct() -> None:
            sock, _ = listener.accept()
            with Channel(sock) as channel:
                script(channel)

        conductor = threading.Thread(target=conduct)
        conductor.start()
        try:
            return drive(listener.getsockname()[:2], LOAD, folder, told.append)
        finally:
            conductor.join()


def test_a_run_leaves_what_the_clients_reported(tmp_path: Path) -> None:
    def script(channel: Channel) -> None:
        assert channel.receive() == {"type": "run", **asdict(LOAD)}
        channel.send("enrolled", count=1)
        channel.send("started", start_ns=1_000)
        channel.send("progress", acked=1)
        payload = pack(array("Q", [0, 0, 1_000, 1_100, 500_001_000, 1]))
        channel.send(
            "result",
            payload,
            replica=0,
            start_ns=1_000,
            first_connect_ns=1_050,
            end_ns=500_001_000,
            books=BOOKS,
            errors=ERRORS,
            samples_bytes=len(payload),
        )
        channel.send("done")

    told: list[int] = []
    assert played(script, tmp_path, told) == pytest.approx(0.5)
    assert told == [1]
    run = read_client_run(tmp_path)
    assert run.books == BOOKS
    assert run.samples[0].outcome == "acked"
    assert run.gaps == ()


def test_a_lost_replica_is_named(tmp_path: Path) -> None:
    def script(channel: Channel) -> None:
        channel.receive()
        channel.send("failed", reason="replica 3 left before its result")

    with pytest.raises(BackendError, match="replica 3 left before its result"):
        played(script, tmp_path, [])


def test_a_conductor_that_vanishes_is_named(tmp_path: Path) -> None:
    def script(channel: Channel) -> None:
        channel.receive()

    with pytest.raises(BackendError, match=r"conductor at 127\.0\.0\.1:\d+ was lost"):
        played(script, tmp_path, [])


def test_a_conductor_that_is_not_there_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()[:2]
    told: list[int] = []
    with pytest.raises(BackendError, match="was lost"):
        drive(address, LOAD, tmp_path, told.append)
