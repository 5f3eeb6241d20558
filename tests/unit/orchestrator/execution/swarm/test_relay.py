"""A relay, by a command that stands for docker and runs its program here."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from orchestrator.execution.program_log import wait_for
from orchestrator.execution.swarm.relay import Relay
from tests.port_fixtures import held_port
from tests.unit.orchestrator.execution.swarm.docker_fixtures import put_on_path

DOCKER = """#!/bin/sh
# docker exec --interactive ID python3 …
echo "$DOCKER_HOST $1 $2 $3" >> "$CALLS"
shift 4
exec python3 "$@"
"""


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file in which the command writes how it was called."""
    return put_on_path(DOCKER, tmp_path, monkeypatch)


@pytest.fixture
def echo() -> Iterator[int]:
    """Return the port of a program that sends back what it gets, up to the end."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            while data := connection.recv(65536):
                connection.sendall(data)
            connection.sendall(b"end")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.close()
    thread.join(5)


def relay_to(port: int) -> Relay:
    container = SimpleNamespace(id="c0ffee")
    return Relay(container, port, {"DOCKER_HOST": "unix:///far"})  # type: ignore[arg-type]


def test_bytes_pass_both_ways_up_to_the_end(calls: Path, echo: int) -> None:
    relay = relay_to(echo)
    sent = os.urandom(1 << 20)
    with socket.create_connection(relay.address) as connection:

        def send() -> None:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)

        threading.Thread(target=send).start()
        received = bytearray()
        while data := connection.recv(65536):
            received += data
    relay.close()
    assert bytes(received) == sent + b"end"
    lines = calls.read_text().splitlines()
    assert set(lines) == {"unix:///far exec --interactive c0ffee"}
    assert len(lines) <= 2, "one program for the connection, one ahead for the next"


def test_a_closed_relay_ends_its_connections(calls: Path, echo: int) -> None:
    relay = relay_to(echo)
    with socket.create_connection(relay.address) as connection:
        connection.sendall(b"x")
        assert connection.recv(1) == b"x"
        relay.close()
        assert connection.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(relay.address, 1)
    assert calls.exists()


def test_a_port_on_which_nobody_listens_is_a_connection_that_ends(calls: Path) -> None:
    with held_port() as port:
        relay = relay_to(port)
        with socket.create_connection(relay.address) as connection:
            connection.sendall(b"x")
            assert connection.recv(1) == b""
        relay.close()
    assert calls.exists()


def test_a_program_waits_ahead_of_its_connection(calls: Path, echo: int) -> None:
    relay = relay_to(echo)
    assert wait_for(calls.exists, 10.0)
    with socket.create_connection(relay.address) as connection:
        connection.sendall(b"x")
        assert connection.recv(1) == b"x"
        assert wait_for(lambda: len(calls.read_text().splitlines()) == 2, 10.0)
    relay.close()
