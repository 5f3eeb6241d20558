"""The accept queue of real sockets, read in either way."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from conformance.target import await_true
from probe.accept_queue import AcceptQueue, AcceptQueueReader
from tests.port_fixtures import held_port

WAITING, BACKLOG = 3, 5


@pytest.fixture(params=["127.0.0.1", "::1"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with held_port() as port:
        try:
            listening = socket.create_server((request.param, port), family=family, backlog=BACKLOG)
        except OSError:
            pytest.skip("no IPv6 here")
        with listening:
            yield listening


@pytest.fixture(params=["sock_diag", "/proc/net/tcp"])
def source(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each source; the second is for kernels without sock_diag."""
    if request.param == "/proc/net/tcp":
        monkeypatch.setattr("probe.accept_queue.NETLINK_SOCK_DIAG", -1)
    name: str = request.param
    return name


def test_connections_are_counted_until_accepted(listener: socket.socket, source: str) -> None:
    limit = BACKLOG if source == "sock_diag" else None
    with ExitStack() as stack:
        reader = stack.enter_context(closing(AcceptQueueReader(listener.getsockname()[1])))
        assert reader.source == source
        assert reader.read() == AcceptQueue(0, limit)
        for _ in range(WAITING):
            stack.enter_context(socket.create_connection(listener.getsockname()[:2]))
        # connect may return before the kernel has processed the last packet of the handshake
        await_true(lambda: reader.read() == (WAITING, limit), f"{WAITING} in the accept queue")
        stack.enter_context(listener.accept()[0])
        assert reader.read() == AcceptQueue(WAITING - 1, limit)


def test_a_port_without_listener_has_no_queue(listener: socket.socket, source: str) -> None:
    with closing(AcceptQueueReader(listener.getsockname()[1])) as reader:
        listener.close()
        assert reader.read() is None
        assert reader.source == source
