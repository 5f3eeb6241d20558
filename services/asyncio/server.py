"""``asyncio``: a coroutine for each connection, on asyncio's streams and its event loop.

Excess connections do not wait: each is accepted on the loop's next turn, and all are in service at
once. What waits is a coroutine, at an ``await``; bytes that it has not read wait in its stream.
One slow client delays no other: a ``sleep`` is awaited. A ``cpu`` demand blocks the loop, and so
does a ``sleep`` with LAB_BLOCKING_SLEEP=1: a coroutine gives way at an ``await`` only.
A connection reads as with blocking sockets, top down, and the price of that is CPU time.
"""

import asyncio
import contextlib
import time
from functools import partial

from labkit.protocol.session import End, Request
from labkit.protocol.work import SLEEP, perform
from labkit.server.connection import RECV_BYTES, SETTLE, TICK_S, Connection, failure
from labkit.server.events import Served
from labkit.server.program import main
from labkit.server.service import Service
from labkit.server.streams import Streams


def serve(service: Service) -> None:
    """Run asyncio's loop until the drain has closed the last connection."""
    asyncio.run(_serve_all(service))


async def _serve_all(service: Service) -> None:
    streams = Streams(service)
    on_client = partial(_serve_client, service, streams)
    server = await asyncio.start_server(on_client, sock=streams.listener, backlog=1)
    streams.listener.listen(service.settings.backlog)  # asyncio's: also how many it accepts a turn
    service.listening(workers=1)
    await streams.drained()
    server.close()


async def _serve_client(
    service: Service,
    streams: Streams,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Serve a connection to its end, or until its silence has closed it."""
    conn = streams.opened(writer)
    try:
        while conn.is_open:
            step = conn.next_step(draining=service.draining)
            if isinstance(step, Request):
                await _serve(service, streams, conn, step)
            elif isinstance(step, End):
                streams.close(conn, step)
            elif step is SETTLE:
                await _settle(service, conn, writer)
            else:
                streams.receive(conn, await reader.read(RECV_BYTES))
    except OSError as exc:
        streams.close(conn, failure(exc))


async def _serve(service: Service, streams: Streams, conn: Connection, request: Request) -> None:
    """Do the parts: a ``sleep`` is awaited, a ``cpu`` blocks all."""
    service.log(1).request_started(conn.id, request)
    started_ns, is_blocking = time.monotonic_ns(), service.settings.blocking_sleep
    streams.in_service.add(conn)
    for part in request.demand.steps:
        if part.kind == SLEEP and part.duration_s and not is_blocking:
            await asyncio.sleep(part.duration_s)
        else:
            perform(part)
    streams.in_service.discard(conn)
    conn.owe(Served(request, started_ns, time.monotonic_ns()))


async def _settle(service: Service, conn: Connection, writer: asyncio.StreamWriter) -> None:
    """Send the acknowledgements owed, and let other connections take their turn."""
    try:
        conn.settle(service.log(1))  # writer.write
        await asyncio.sleep(0)
    except BlockingIOError:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TICK_S):  # and then see how much the peer has read
                await writer.drain()


if __name__ == "__main__":
    main("asyncio", serve)
