"""A proxy process, with the test as the server behind it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from conformance import ROOT
from labkit.wire.secret import SECRET
from labkit.wire.wire import Channel, Message
from tests.port_fixtures import held_port

DEADLINE_S = 20
SECRET_OF_RUN = "0123456789abcdef"  # noqa: S105 of a test


@dataclass
class RunningProxy:
    """The process, its ports, and the listener that is its target."""

    process: subprocess.Popen[str]
    port: int
    control_port: int
    listener: socket.socket

    @contextmanager
    def connection(self) -> Iterator[tuple[socket.socket, socket.socket]]:
        """Yield the client's end and the server's end of a connection through the proxy."""
        client = self.connect()
        server, _ = self.listener.accept()
        server.settimeout(DEADLINE_S)
        with client, server:
            yield client, server

    def connect(self) -> socket.socket:
        """Connect to the proxy, without accepting on the server's side."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE_S)

    def set_toxics(self, toxics: object) -> Message:
        """Replace the toxics; return the answer."""
        return self.request("toxics", toxics=toxics, secret=SECRET_OF_RUN)

    def request(self, kind: str, **fields: object) -> Message:
        """Send a message over a new control connection; return the answer."""
        control = socket.create_connection(("127.0.0.1", self.control_port), timeout=DEADLINE_S)
        with Channel(control) as channel:
            channel.send(kind, **fields)
            return channel.receive()

    def stop(self) -> list[dict[str, Any]]:
        """Send SIGTERM; assert exit code 0 and an empty stderr; return the rest of the log."""
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=DEADLINE_S)
        assert (self.process.returncode, err) == (0, "")
        return [json.loads(line) for line in out.splitlines()]


def start(environ: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start the program with ``environ`` as its only settings."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("LAB_")}
    return subprocess.Popen(
        [sys.executable, "-m", "faultproxy"],
        cwd=ROOT,
        env={**inherited, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def running_proxy(toxics: object = (), **environ: str) -> Iterator[RunningProxy]:
    """Run a proxy that starts with ``toxics``."""
    with held_port() as port, socket.create_server(("127.0.0.1", port)) as listener:
        listener.settimeout(DEADLINE_S)
        process = start(
            {
                "LAB_PROXY_TARGET": f"127.0.0.1:{port}",
                "LAB_PROXY_PORT": "0",
                "LAB_PROXY_CONTROL_PORT": "0",
                "LAB_PROXY_TOXICS": json.dumps(list(toxics)),  # type: ignore[call-overload]
                SECRET: SECRET_OF_RUN,
                **environ,
            }
        )
        with process:
            assert process.stdout is not None
            listening = json.loads(process.stdout.readline())
            assert listening["event"] == "listening"
            try:
                yield RunningProxy(process, listening["port"], listening["control_port"], listener)
            finally:
                process.kill()


def toxic(kind: str, stream: str = "downstream", **attributes: object) -> dict[str, object]:
    """Return a toxic in JSON form."""
    return {"type": kind, "stream": stream, "attributes": attributes}


def read_exactly(sock: socket.socket, size: int) -> bytes:
    """Return the next ``size`` bytes."""
    with sock.makefile("rb") as incoming:
        return incoming.read(size)


def read_to_end(sock: socket.socket) -> bytes:
    """Return all bytes until the end of the stream."""
    parts = []
    while part := sock.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)
