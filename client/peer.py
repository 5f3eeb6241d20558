"""One connection of the conductor: a replica, the orchestrator, or a stranger."""

import asyncio
import contextlib
from collections.abc import Sequence

from labkit.wire.wire import Message, WireError, decode, encode

FLUSH_S = 30.0
CHUNK_BYTES = 1 << 16


class Peer:
    """Messages in and out, one at a time each way."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._sending = asyncio.Lock()

    async def receive(self) -> Message:
        """Return the next message.

        Raises:
            EOFError, OSError: the peer has gone.
            WireError: it sent what is no message.
        """
        try:
            line = await self.reader.readline()
        except ValueError as exc:
            raise WireError("an endless line") from exc
        if not line.endswith(b"\n"):
            raise EOFError("the peer closed the connection")
        return decode(line)

    async def receive_bytes(self, most: int) -> bytes:
        """Return some of the raw bytes that follow a message, at least one and ``most`` at most.

        Raises:
            EOFError, OSError: the peer has gone.
        """
        chunk = await self.reader.read(min(most, CHUNK_BYTES))
        if not chunk:
            raise EOFError("the peer closed the connection")
        return chunk

    async def send(self, kind: str, payload: Sequence[bytes] = (), **fields: object) -> None:
        """Send a message and the raw bytes that belong to it; no other gets between them."""
        async with self._sending:
            for chunk in (encode(kind, **fields), *payload):
                self.writer.write(chunk)
                await self.writer.drain()

    async def close(self) -> None:
        """Close once all that was sent is on its way; `send` alone leaves some of it here."""
        self.writer.close()
        with contextlib.suppress(OSError):  # TimeoutError is one
            await asyncio.wait_for(self.writer.wait_closed(), FLUSH_S)

    async def drop(self) -> None:
        """Close at once, whatever is not on its way yet."""
        with contextlib.suppress(AttributeError):  # from asyncio, where it has closed already
            self.writer.transport.abort()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    @property
    def address(self) -> str:
        """Where it comes from."""
        address = self.writer.get_extra_info("peername") or ("?",)
        return str(address[0])
