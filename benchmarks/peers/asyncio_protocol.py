"""`asyncio.Protocol`: callbacks on the loop, without coroutines."""

import asyncio
from typing import cast

from benchmarks.peers.speech import BACKLOG, HOST, Speech, say_listening


class Conversation(asyncio.Protocol):
    """One connection, served as its bytes arrive."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._speech = Speech()

    def data_received(self, data: bytes) -> None:
        """Answer what has arrived."""
        self._transport.write(self._speech.answer(data))
        if self._speech.is_over:
            self._transport.close()


async def main() -> None:
    """Serve until killed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Conversation, HOST, 0, backlog=BACKLOG)
    say_listening(server.sockets[0].getsockname()[1])
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
