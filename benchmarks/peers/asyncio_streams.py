"""`asyncio.start_server`: a coroutine a connection."""

import asyncio

from benchmarks.peers.speech import BACKLOG, HOST, RECV_BYTES, Speech, say_listening


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection to its end."""
    speech = Speech()
    try:
        while not speech.is_over and (segment := await reader.read(RECV_BYTES)):
            writer.write(speech.answer(segment))
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def main() -> None:
    """Serve until killed."""
    server = await asyncio.start_server(converse, HOST, 0, backlog=BACKLOG)
    say_listening(server.sockets[0].getsockname()[1])
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
