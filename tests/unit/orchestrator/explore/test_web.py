"""Listening on loopback, and the end of it."""

import socket
from contextlib import closing

import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from orchestrator.explore.access import HOST
from orchestrator.explore.web import listen, serving
from orchestrator.results.exit_codes import MisuseError
from tests.unit.orchestrator.explore.explore_fixtures import Site


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("hello")(scope, receive, send)


def test_it_listens_on_loopback_only() -> None:
    with closing(listen(0)) as listener:
        assert listener.getsockname()[0] == HOST


def test_a_port_that_is_in_use_is_refused_with_advice() -> None:
    with closing(listen(0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(MisuseError, match=rf"port {port} .*in use; choose another with --port"):
            listen(port)


def test_it_answers_until_the_block_ends_also_if_a_browser_stays_connected() -> None:
    with closing(listen(0)) as listener:
        port = listener.getsockname()[1]
        with serving(hello, listener), socket.create_connection((HOST, port)) as idle:
            assert Site(port, "").ask("/").text == "hello"
            idle.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, port))


def test_an_error_in_the_block_ends_it_too() -> None:
    with closing(listen(0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(KeyboardInterrupt), serving(hello, listener):
            raise KeyboardInterrupt
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, port))
