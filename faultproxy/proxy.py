"""The proxy: a listener for clients, a listener for who prescribes toxics, and the connections."""

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping

from faultproxy.attributes import shown
from faultproxy.pair import Leg, Pair
from faultproxy.piece import Ending
from faultproxy.prescription import Prescribed, PrescriptionError, read_prescription
from faultproxy.settings import Settings
from labkit.wire.wire import MAX_LINE_BYTES, WireError, decode, encode

BACKLOG = 4096  # so that it is the server's that overflows


class Proxy:
    """Passes connections on to the target, through the toxics in use, until `close`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._toxics: tuple[Prescribed, ...] = settings.toxics
        self._pairs: set[Pair] = set()
        self._counts: Counter[str] = Counter()
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Future[None]] = set()

    async def open(self) -> None:
        """Listen for clients and for control, and say where.

        Raises:
            OSError: an address is taken or not ours.
        """
        loop, host = asyncio.get_running_loop(), self._settings.host
        control = await asyncio.start_server(
            self._take_orders, host, self._settings.control_port, limit=MAX_LINE_BYTES
        )
        self._servers.append(control)
        clients = await loop.create_server(
            self._welcome, host, self._settings.port, backlog=BACKLOG
        )
        self._servers.append(clients)
        _say("listening", host=host, port=_port(clients), control_port=_port(control))

    def close(self) -> None:
        """Listen no more, reset every connection, and say what there was."""
        for server in self._servers:
            server.close()
        for pair in list(self._pairs):
            pair.end(Ending.RESET)
        _say("stopped", counts=dict(self._counts))

    def _welcome(self) -> Leg:
        self._counts["connections"] += 1
        number = self._counts["connections"]
        pair = Pair(self._settings.seed, number, self._counts, self._pairs.discard)
        self._pairs.add(pair)
        pair.use(self._toxics)
        pair.connect(self._settings.target)
        return pair.client

    def _take_orders(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Attend to who prescribes.

        The task is ours: asyncio prints a traceback for one of its own that is cancelled (3.11).
        """
        task = asyncio.ensure_future(self._attend(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer each order until the peer leaves or talks nonsense."""
        try:
            while line := await reader.readline():
                writer.write(self._obey(decode(line)))
                await writer.drain()
        except (WireError, ValueError) as exc:  # ValueError: an endless line
            writer.write(encode("refused", reason=str(exc)))
        except OSError:
            pass  # it has gone
        finally:
            writer.close()

    def _obey(self, message: Mapping[str, object]) -> bytes:
        if message["type"] != "toxics":
            return encode("refused", reason=f"{shown(message['type'])} is no order; say 'toxics'")
        try:
            toxics = read_prescription(message.get("toxics"))
        except PrescriptionError as exc:
            return encode("refused", reason=str(exc))
        self._toxics = toxics
        for pair in list(self._pairs):
            pair.use(toxics)
        names = [toxic.name for toxic in toxics]
        return encode("in_effect", t_ns=_say("toxics_changed", toxics=names))


def _port(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


def _say(event: str, **fields: object) -> int:
    """Write an event on stdout; return its instant."""
    t_ns = time.monotonic_ns()
    line = json.dumps({"t_ns": t_ns, "event": event, "pid": os.getpid(), **fields})
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    return t_ns
