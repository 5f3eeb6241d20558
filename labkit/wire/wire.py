"""The messages between client replicas, conductor and orchestrator: JSON lines over TCP.

A message is one line with a ``type``. A replica's ``result`` is followed by the raw bytes of its
samples; the conductor forwards them in messages of type ``part``, each followed by the ``bytes``
that it states, so that it can report in between that the replica is lost. If the peer closes the
connection, reading from it fails.
"""

import json
import socket
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeAlias, TypeVar

MAX_LINE_BYTES = 65_536
STOP = "stop"
"""The type of the order to end a load before its time; the replicas then report as usual."""
PART = "part"
"""The type of a message that a part of a replica's samples follows."""
PING, PONG = "ping", "pong"
"""The question of the conductor for a peer's clock, and the answer: ``t_ns``, its instant now."""
Message: TypeAlias = Mapping[str, Any]


class WireError(Exception):
    """The peer closed the connection too early, or sent an invalid message."""


def encode(kind: str, **fields: object) -> bytes:
    """Return a message of type ``kind`` as bytes."""
    return json.dumps({"type": kind, **fields}, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> Message:
    """Return the message ``line``.

    Raises:
        WireError: the line is not a message.
    """
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):  # RecursionError: nested too deep
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
        """Let `receive` raise TimeoutError if no bytes arrive for ``timeout_s``."""
        self._sock.settimeout(timeout_s)

    def send(self, kind: str, *payload: bytes, **fields: object) -> None:
        """Send a message and the raw bytes that belong to it, without copying them."""
        for part in (encode(kind, **fields), *payload):
            self._sock.sendall(part)

    def receive(self) -> Message:
        """Wait for the next message and return it.

        Raises:
            WireError: the peer closed the connection or sent an invalid message.
            OSError: the connection broke; TimeoutError if the socket has a time-out.
        """
        line = self._incoming.readline(MAX_LINE_BYTES)
        if not line.endswith(b"\n"):
            raise WireError(
                "the peer closed the connection"
                if len(line) < MAX_LINE_BYTES
                else f"a line of more than {MAX_LINE_BYTES} bytes"
            )
        return decode(line)

    def receive_bytes(self, size: int) -> bytes:
        """Return the ``size`` raw bytes that follow a message.

        Raises:
            WireError: the peer closed the connection before that.
        """
        payload = self._incoming.read(size)
        if len(payload) != size:
            raise WireError(f"the peer closed the connection after {len(payload)} of {size} bytes")
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


def read_fields(kind: type[T], received: object) -> T:
    """Return the dataclass ``kind`` with the fields of ``received``; other fields are ignored.

    Raises:
        WireError: a field is missing, or its value is not of the type that ``kind`` states.
    """
    if not isinstance(received, Mapping):
        raise WireError(f"invalid {kind.__name__}: {received!r:.80}")
    values: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]  # each caller passes a dataclass
        if field.name not in received:
            raise WireError(f"invalid {kind.__name__}: {field.name} is missing")
        value = values[field.name] = received[field.name]
        allowed = _KINDS.get(field.type)
        if allowed and type(value) not in allowed:  # a bool is an int, too
            raise WireError(f"invalid {kind.__name__}: {field.name} is {value!r:.80}")
    return kind(**values)
