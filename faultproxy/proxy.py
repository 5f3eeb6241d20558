"""The proxy: a listener for clients, a listener for control, and the open connections."""

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from faultproxy.attributes import shown
from faultproxy.link import Connection, Endpoint
from faultproxy.settings import Settings
from faultproxy.toxic_spec import ToxicSpec, ToxicSpecError, read_toxic_specs
from faultproxy.toxics import Ending
from labkit.wire.secret import SECRET, is_secret
from labkit.wire.wire import MAX_LINE_BYTES, WireError, decode, encode

BACKLOG = 4096  # large, so that the server's queue overflows first


class Proxy:
    """Passes connections on to the target, through the toxics in use, until `close`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._toxics: tuple[ToxicSpec, ...] = settings.toxics
        self._connections: set[Connection] = set()
        self._counts: Counter[str] = Counter()
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Future[None]] = set()

    async def open(self) -> None:
        """Listen for clients and for control, and log both ports.

        Raises:
            OSError: an address is in use or not local.
        """
        loop, host = asyncio.get_running_loop(), self._settings.host
        control = await asyncio.start_server(
            self._accept_control, host, self._settings.control_port, limit=MAX_LINE_BYTES
        )
        self._servers.append(control)
        clients = await loop.create_server(
            self._accept_client, host, self._settings.port, backlog=BACKLOG
        )
        self._servers.append(clients)
        ports = {"port": _port(clients), "control_port": _port(control)}
        _log("listening", host=host, **ports, **_described(self._toxics))

    def close(self) -> None:
        """Close the listeners, reset every connection, and log the counts."""
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.end(Ending.RESET)
        _log("stopped", counts=dict(self._counts))

    def _accept_client(self) -> Endpoint:
        self._counts["connections"] += 1
        number = self._counts["connections"]
        connection = Connection(
            self._settings.seed, number, self._counts, self._connections.discard
        )
        self._connections.add(connection)
        connection.use(self._toxics)
        connection.connect(self._settings.target)
        return connection.client

    def _accept_control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer a control connection.

        The task is our own: asyncio prints a traceback if one of its own is cancelled (3.11).
        """
        task = asyncio.ensure_future(self._answer_all(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer each message until the peer closes, sends an invalid one or lacks the secret."""
        try:
            while line := await reader.readline():
                message = decode(line)
                is_obeyed = is_secret(self._settings.secret, message.get("secret"))
                writer.write(self._answer(message) if is_obeyed else self._refuse())
                await writer.drain()
                if not is_obeyed:
                    return
        except (WireError, ValueError) as exc:  # ValueError: a line over the limit
            writer.write(encode("refused", reason=str(exc)))
        except OSError:
            pass  # the peer has gone
        finally:
            writer.close()

    def _refuse(self) -> bytes:
        """Count a message without the secret; its log would be as long as a stranger likes."""
        self._counts["control_refused"] += 1
        return encode("refused", reason=f"the secret of the run, {SECRET}, is missing or wrong")

    def _answer(self, message: Mapping[str, object]) -> bytes:
        if message["type"] != "toxics":
            return encode(
                "refused",
                reason=f"unknown message type {shown(message['type'])}; the only one is 'toxics'",
            )
        try:
            toxics = read_toxic_specs(message.get("toxics"))
        except ToxicSpecError as exc:
            return encode("refused", reason=str(exc))
        self._toxics = toxics
        for connection in list(self._connections):
            connection.use(toxics)
        return encode("in_effect", t_ns=_log("toxics_changed", **_described(toxics)))


def _described(toxics: Sequence[ToxicSpec]) -> dict[str, object]:
    """Return the toxics for the log: their names, and each as it was requested."""
    return {
        "toxics": [toxic.name for toxic in toxics],
        "specs": [toxic.written for toxic in toxics],
    }


def _port(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


def _log(event: str, **fields: object) -> int:
    """Write an event to stdout, and return its time."""
    t_ns = time.monotonic_ns()
    line = json.dumps({"t_ns": t_ns, "event": event, "pid": os.getpid(), **fields})
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    return t_ns
