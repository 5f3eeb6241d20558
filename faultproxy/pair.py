"""One connection through the proxy: a leg to the client, a leg to the server, a stream each way.

A half-close passes as a half-close and a reset as a reset. Who reads slowly is read slowly from.
"""

import asyncio
import contextlib
import socket
import struct
from collections import Counter
from collections.abc import Callable, Sequence

from faultproxy.piece import Ending
from faultproxy.prescription import DOWNSTREAM, UPSTREAM, Prescribed
from faultproxy.stream import Stream

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of socket(7): on, no time


class Leg(asyncio.Protocol):
    """One of the two sockets; what it reads is told to ``heard``, its changes to ``changed``."""

    def __init__(
        self, heard: Callable[[bytes | Ending], None], changed: Callable[[], None]
    ) -> None:
        self._heard = heard
        self._changed = changed
        self._transport: asyncio.Transport | None = None
        self._has_heard_all = False
        self.is_congested = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, without reading until told."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 as create_server promises
        self._transport = transport
        transport.pause_reading()
        self._changed()

    def data_received(self, data: bytes) -> None:
        """Hear bytes."""
        self._heard(data)

    def eof_received(self) -> bool:
        """Hear that the peer has no more to say; it may still listen."""
        self._has_heard_all = True
        self._heard(Ending.EOF)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Hear a reset, unless it was this side that closed."""
        self._transport = None
        if exc is not None:
            self._heard(Ending.RESET)

    def pause_writing(self) -> None:
        """Note that the peer reads slowly."""
        self.is_congested = True
        self._changed()

    def resume_writing(self) -> None:
        """Note that it has read."""
        self.is_congested = False
        self._changed()

    def let_read(self, may_read: bool) -> None:
        """Read on, or leave what comes to the kernel."""
        if self._transport is None or self._transport.is_closing() or self._has_heard_all:
            return
        if may_read:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def write(self, content: bytes | Ending) -> None:
        """Pass on bytes or an end of the stream, or close."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if isinstance(content, bytes):
            transport.write(content)
        elif content is Ending.EOF:
            with contextlib.suppress(OSError):  # the peer has reset: nothing is left to end
                transport.write_eof()
        elif content is Ending.CLOSE:
            transport.close()
        else:
            sock: socket.socket = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            transport.abort()


class Pair:
    """A client's connection and the one to the server that was opened for it."""

    def __init__(
        self, seed: int, number: int, counts: Counter[str], over: Callable[["Pair"], None]
    ) -> None:
        self._counts = counts
        self._over = over
        self._ended_streams = 0
        self._connecting: asyncio.Task[None] | None = None
        self._to_server = Stream(seed, number, self._write_to_server)
        self._to_client = Stream(seed, number, self._write_to_client)
        self.client = Leg(self._hear_client, self._balance)
        self._server = Leg(self._hear_server, self._balance)
        self._is_connected = self._is_held_up = self._is_over = False

    def connect(self, target: tuple[str, int]) -> None:
        """Open the connection to the server; reset the client's where that fails."""
        self._connecting = asyncio.get_running_loop().create_task(self._connect(*target))

    def use(self, prescribed: Sequence[Prescribed]) -> None:
        """Let these toxics work, each in its direction; what one of them closes has none."""
        for way, stream in ((UPSTREAM, self._to_server), (DOWNSTREAM, self._to_client)):
            if not self._is_over:
                stream.use([kind for kind in prescribed if kind.stream == way])

    def end(self, how: Ending) -> None:
        """Break off both connections."""
        self._is_over = True
        self._to_server.stop()
        self._to_client.stop()
        if self._connecting:
            self._connecting.cancel()
        self.client.write(how)
        self._server.write(how)
        self._over(self)

    async def _connect(self, host: str, port: int) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self._server, host, port)
        except (OSError, UnicodeError):  # UnicodeError: no name that DNS could know
            self._counts["unreachable"] += 1
            self._connecting = None
            self.end(Ending.RESET)
            return
        self._is_connected = True
        self._balance()

    def _balance(self) -> None:
        """Read from each side while the other takes it; close who comes after the end."""
        if self._is_over:
            self.client.write(Ending.CLOSE)
            self._server.write(Ending.CLOSE)
            return
        self._is_held_up = self._to_server.is_full or self._to_client.is_full
        is_ready = self._is_connected
        server_takes = not (self._server.is_congested or self._to_server.is_full)
        client_takes = not (self.client.is_congested or self._to_client.is_full)
        self.client.let_read(is_ready and server_takes)
        self._server.let_read(is_ready and client_takes)

    def _hear_client(self, content: bytes | Ending) -> None:
        self._to_server.take(content)
        if self._to_server.is_full:
            self._balance()

    def _hear_server(self, content: bytes | Ending) -> None:
        self._to_client.take(content)
        if self._to_client.is_full:
            self._balance()

    def _write_to_server(self, content: bytes | Ending) -> None:
        self._pass_on(self._server, UPSTREAM, content)

    def _write_to_client(self, content: bytes | Ending) -> None:
        self._pass_on(self.client, DOWNSTREAM, content)

    def _pass_on(self, leg: Leg, stream: str, content: bytes | Ending) -> None:
        if self._is_over:
            return
        if isinstance(content, bytes):
            self._counts[f"{stream}_bytes"] += len(content)
            leg.write(content)
            if self._is_held_up:
                self._balance()
            return
        self._counts[content.value] += 1
        self._ended_streams += 1
        if content is Ending.EOF:
            leg.write(content)
        if content is not Ending.EOF or self._ended_streams > 1:
            self.end(Ending.CLOSE if content is Ending.EOF else content)
