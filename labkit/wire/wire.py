"""How client replicas, the conductor and the orchestrator talk: JSON lines over TCP.

A message is one line with a ``type``; a ``result`` is followed by as many raw bytes as it says. A
peer that closes the connection has gone, and whoever waits for it says so.
"""

import json
import socket
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeAlias, TypeVar

MAX_LINE_BYTES = 65_536
Message: TypeAlias = Mapping[str, Any]


class WireError(Exception):
    """The peer left in the middle, or sent what is no message."""


def encode(kind: str, **fields: object) -> bytes:
    """Return a message of type ``kind`` as it travels."""
    return json.dumps({"type": kind, **fields}, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Message:
    """Return the message that ``line`` is.

    Raises:
        WireError: it is none.
    """
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):  # the latter where it is nested too deep
        message = None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise WireError(f"not a message: {line[:80]!r}")
    return message


class Channel:
    """The messages of one connected socket, blocking; closes it on exit."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._incoming = sock.makefile("rb")

    def __enter__(self) -> "Channel":
        return self

    def __exit__(self, *_: object) -> None:
        self._incoming.close()
        self._sock.close()

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._sock.fileno()

    def settimeout(self, timeout_s: float | None) -> None:
        """Let `receive` fail with TimeoutError once nothing has come for ``timeout_s``."""
        self._sock.settimeout(timeout_s)

    def send(self, kind: str, *payload: bytes, **fields: object) -> None:
        """Send one message and the raw bytes that belong to it, which may be too large to copy."""
        for part in (encode(kind, **fields), *payload):
            self._sock.sendall(part)

    def receive(self) -> Message:
        """Wait for the next message and return it.

        Raises:
            WireError: the peer has gone or sent something else.
            OSError: the connection broke; TimeoutError where the socket has a time-out.
        """
        line = self._incoming.readline(MAX_LINE_BYTES)
        if not line.endswith(b"\n"):
            raise WireError(
                "the peer closed the connection"
                if len(line) < MAX_LINE_BYTES
                else "an endless line"
            )
        return decode(line)

    def receive_bytes(self, size: int) -> bytes:
        """Return the ``size`` raw bytes that follow a message.

        Raises:
            WireError: the peer left before.
        """
        payload = self._incoming.read(size)
        if len(payload) != size:
            raise WireError(f"the peer left after {len(payload)} of {size} bytes")
        return payload


T = TypeVar("T")
_KINDS: Mapping[object, tuple[type, ...]] = {
    int: (int,),
    float: (int, float),
    str: (str,),
    bool: (bool,),
    int | None: (int, type(None)),
    float | None: (int, float, type(None)),
    str | None: (str, type(None)),
}


def read_fields(kind: type[T], told: object) -> T:
    """Return the dataclass ``kind`` that ``told`` has all fields of; what else it has is ignored.

    Raises:
        WireError: something is missing, or not of the type that ``kind`` states.
    """
    if not isinstance(told, Mapping):
        raise WireError(f"no {kind.__name__}: {told!r:.80}")
    values: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]  # each caller passes a dataclass
        if field.name not in told:
            raise WireError(f"no {kind.__name__}, it lacks {field.name}")
        value = values[field.name] = told[field.name]
        allowed = _KINDS.get(field.type)
        if allowed and type(value) not in allowed:  # a bool is an int, too
            raise WireError(f"no {kind.__name__}, {field.name} is {value!r:.80}")
    return kind(**values)
