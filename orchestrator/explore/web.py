"""Listens on loopback, and answers requests in a thread until the block ends."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from orchestrator.execution.background import in_background
from orchestrator.explore.access import HOST
from orchestrator.explore.connections import MOST_CONNECTIONS, PageConnection
from orchestrator.results.exit_codes import MisuseError

GRACE_S = 1
"""How long an answer that is under way may take when the page is closed down."""


def listen(port: int, option: str = "--port") -> socket.socket:
    """Return a socket that listens on ``port`` of loopback, on any free one for 0.

    ``option`` is what chooses it on the command line.

    Raises:
        MisuseError: the port cannot be had.
    """
    try:
        return socket.create_server((HOST, port))
    except OSError as exc:
        reason = os.strerror(exc.errno or 0).lower()
        advice = f"choose another with {option}, or leave {option} out for any free one"
        raise MisuseError(f"cannot listen on port {port} of {HOST}: {reason}; {advice}") from exc


@contextmanager
def serving(app: ASGIApp, listener: socket.socket) -> Iterator[Callable[[], None]]:
    """Answer requests; provide what waits until that ends by itself, which only a defect does."""
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=PageConnection,
            backlog=MOST_CONNECTIONS,  # also how many are accepted before one can be closed
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",  # what a request is refused for is in its answer
            access_log=False,  # it would print the token
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
    )
    ended = in_background(lambda: server.run([listener]))
    try:
        yield ended.result
    finally:
        server.should_exit = True
        ended.result()
