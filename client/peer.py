"""One connection of the conductor: a replica, the orchestrator, or a stranger."""

import asyncio
import contextlib

from labkit.wire import Message, WireError, decode, encode

FLUSH_S = 30.0


class Peer:
    """Messages in and out, and how many acks a replica has counted so far."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.acked = 0

    async def receive(self) -> Message:
        """Return the next message.

        Raises:
            WireError: the peer has gone or sent what is no message.
        """
        try:
            return decode(await self.reader.readline())
        except (OSError, ValueError) as exc:
            raise WireError(str(exc)) from exc

    async def send(self, kind: str, payload: bytes = b"", **fields: object) -> None:
        """Send a message and the raw bytes that belong to it."""
        self.writer.write(encode(kind, **fields) + payload)
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
    def host(self) -> str:
        """Where it comes from."""
        address = self.writer.get_extra_info("peername") or ("?",)
        return str(address[0])
