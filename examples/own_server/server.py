"""An example of your own server: the lab's protocol on asyncio streams, and nothing else.

It writes no event log, as most servers will not; the lab then reports what the clients measured.
"""

import asyncio
import os
import re
import signal
import time
from asyncio import StreamReader, StreamWriter
from contextlib import suppress

ETX, MAX_BYTES, MAX_S = b"\x03", 4096, 60.0
PART = re.compile(rb"(sleep|cpu)=([0-9]{1,12}(?:\.[0-9]{1,12})?)(us|ms|s|m)")
MAX_PARTS = 8
UNITS_S = {b"us": 1e-6, b"ms": 1e-3, b"s": 1.0, b"m": 60.0}
DEFAULT = ("sleep=" + (os.environ.get("LAB_SERVICE_TIME") or "2s")).encode()
DISCARDED_BYTES = 256 * 1024


class RefusedError(Exception):
    """A message that must not be served."""


async def serve(message: bytes) -> None:
    """Serve one message: do the parts of its demand, one after another.

    Raises:
        RefusedError: the demand does not parse or is too long.
    """
    words = message.split(maxsplit=2)
    asked = words[1] if len(words) > 1 else DEFAULT
    if not asked.startswith((b"sleep=", b"cpu=")):
        asked = DEFAULT
    parts = [read_part(part) for part in asked.split(b"+")]
    if len(parts) > MAX_PARTS or round(sum(duration_s for _, duration_s in parts), 9) > MAX_S:
        raise RefusedError
    for kind, duration_s in parts:
        if kind == b"sleep":
            await asyncio.sleep(duration_s)
        else:
            burn(duration_s)


def read_part(text: bytes) -> tuple[bytes, float]:
    """Return the kind and the duration of one part; raise RefusedError if it is none."""
    part = PART.fullmatch(text)
    if part is None:
        raise RefusedError
    return part[1], float(part[2]) * UNITS_S[part[3]]


def burn(cpu_time_s: float) -> None:
    """Use the CPU for that long."""
    end_s = time.thread_time() + cpu_time_s
    while time.thread_time() < end_s:
        pass


def check(message: bytes) -> None:
    """Raise RefusedError if ``message`` is too long or not ASCII."""
    if len(message) > MAX_BYTES or not message.isascii():
        raise RefusedError


async def converse(reader: StreamReader, writer: StreamWriter) -> None:
    """Serve the messages of a connection one after another until ``goodbye`` or the end."""
    rest = b""
    while segment := await reader.read(65_536):
        *messages, rest = (rest + segment).split(ETX)
        for message in messages:
            check(message)
            if message == b"goodbye":
                return
            await serve(message)
            writer.write(b"ack")
            await writer.drain()
        check(rest)


async def welcome(reader: StreamReader, writer: StreamWriter) -> None:
    """Serve a connection, then close it without a reset, which could overtake the last ack."""
    with suppress(OSError, RefusedError):
        await converse(reader, writer)
    with suppress(OSError, TimeoutError):
        writer.write_eof()
        async with asyncio.timeout(1.0):
            for _ in range(DISCARDED_BYTES // 65_536):
                if not await reader.read(65_536):
                    break
    writer.close()


async def main() -> None:
    """Serve until SIGTERM."""
    host, port = os.environ.get("LAB_HOST") or "127.0.0.1", int(os.environ.get("LAB_PORT") or 3000)
    backlog = int(os.environ.get("LAB_BACKLOG") or 128)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    server = await asyncio.start_server(welcome, host, port, backlog=backlog)
    await ended.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
