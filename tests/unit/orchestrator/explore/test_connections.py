"""Connections that say nothing keep nobody out."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from orchestrator.execution.program_log import wait_for
from orchestrator.explore import connections
from orchestrator.explore.access import HOST
from orchestrator.explore.connections import MOST_CONNECTIONS
from tests.unit.orchestrator.explore.explore_fixtures import DEADLINE_S, Site, explore_site
from tests.unit.orchestrator.explore.watch.watch_fixtures import fake_server

BURST = 3 * MOST_CONNECTIONS


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with explore_site(tmp_path, fake_server()) as found:
        yield found


def is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


@pytest.mark.parametrize("said", [b"", b"GET /", b"GET / HTTP/1.1\r\n"])
def test_of_many_silent_connections_the_oldest_are_closed(site: Site, said: bytes) -> None:
    with ExitStack() as opened:
        silent = []
        for _ in range(BURST):
            silent.append(opened.enter_context(socket.create_connection((HOST, site.port))))
            silent[-1].sendall(said)
        assert site.get("").code == 200
        assert wait_for(lambda: sum(map(is_closed, silent)) >= BURST - MOST_CONNECTIONS, DEADLINE_S)
        assert not is_closed(silent[-1])


def test_one_that_follows_something_is_not_closed_for_others(site: Site) -> None:
    asked = f"GET /{site.token}/watch/follow HTTP/1.1\r\nhost: {site.host}\r\n\r\n"
    with ExitStack() as opened:
        held = opened.enter_context(socket.create_connection((HOST, site.port), DEADLINE_S))
        held.sendall(asked.encode())
        assert held.recv(12) == b"HTTP/1.1 200"
        for _ in range(BURST):
            opened.enter_context(socket.create_connection((HOST, site.port), DEADLINE_S))
        assert site.get("").code == 200
        assert not is_closed(held)


def test_one_that_brings_no_request_in_time_is_closed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "REQUEST_S", 0.05)
    with socket.create_connection((HOST, site.port), DEADLINE_S) as silent:
        assert wait_for(lambda: is_closed(silent), DEADLINE_S)
    with socket.create_connection((HOST, site.port), DEADLINE_S) as idle:
        idle.sendall(f"GET /{site.token}/ HTTP/1.1\r\nhost: {site.host}\r\n\r\n".encode())
        while idle.recv(1 << 16):
            pass
