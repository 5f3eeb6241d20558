"""What a server on asyncio's streams does beside serving: log, tick, drain, and end after a defect.

`StreamSocket` lets a `Connection` use a stream as its socket, so that a server on streams counts,
logs and closes as every other.
"""

import asyncio
import contextlib
import os
import socket
from typing import Any, cast

from labkit.protocol.session import End
from labkit.readiness import SignalPipe
from labkit.server.connection import IDLE, TICK_S, Connection
from labkit.server.service import Service


class Streams:
    """The connections of a server on streams; for the thread of its loop, in a coroutine of it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._log = service.log(1)
        self._is_news = asyncio.Event()  # a signal, a defect, or in a drain the end of a connection
        self._defect: BaseException | None = None
        self.in_service: set[Connection] = set()
        self._idle_since: dict[Connection, int] = {}
        self.listener = service.listener.dup()  # for asyncio; the drain closes the other one
        self._signals = SignalPipe()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._on_exception)
        loop.add_reader(self._signals, self._is_news.set)

    def opened(self, writer: asyncio.StreamWriter) -> Connection:
        """Return the connection that asyncio has accepted, and log it."""
        host, port = writer.get_extra_info("peername")[:2]
        sock = cast("socket.socket", StreamSocket(writer.transport))
        return self._service.admit(sock, f"{host}:{port}", worker=1)

    def receive(self, conn: Connection, segment: bytes) -> None:
        """Take what was read from the stream of ``conn``; messages without a demand are acked."""
        cast("StreamSocket", conn.sock).feed(segment)
        if conn.is_open:
            conn.receive(self._log)

    def close(self, conn: Connection, end: End) -> None:
        """Close ``conn``, if it is open, and count what was sent since the last look."""
        if conn.is_open:
            with contextlib.suppress(OSError):
                conn.settle(self._log)
            conn.close(end, self._log)
        if self._service.draining:
            self._is_news.set()

    async def drained(self) -> None:
        """Return when the drain has closed the last connection. Until then, look after all.

        Once a tick, silent connections are closed and the log is written. An exception of another
        coroutine is raised here.
        """
        with self._signals:
            while len(asyncio.all_tasks()) > 1 or not self._service.draining:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK_S):
                        await self._is_news.wait()
                if self._defect is not None:
                    raise self._defect
                self._signals.clear()
                self._is_news.clear()
                self._close_silent()
                self._log.flush_when_due()

    def _close_silent(self) -> None:
        """Close silent connections; idle ones at the second look, as a busy loop may be the cause.

        What had arrived at the first look has been read by then, and ``active_ns`` shows it.
        """
        seen, self._idle_since = self._idle_since, {}
        for conn, end in self._service.silent_connections():
            if conn in self.in_service:
                continue
            if end is IDLE and seen.get(conn) != conn.active_ns:
                self._idle_since[conn] = conn.active_ns
            else:
                self.close(conn, end)

    def _on_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log that accept failed, after which asyncio tries again; end after a defect."""
        error = context.get("exception")
        if not isinstance(error, OSError):
            self._defect = error or RuntimeError(context["message"])
            self._is_news.set()
        elif not self._service.refuse(error, worker=1):
            loop.remove_reader(self.listener)


class StreamSocket:
    """What a `Connection` needs of a socket, for one that belongs to an asyncio transport.

    The transport may hold bytes that the kernel does not take yet. They are not sent: `send` does
    not count them until it is called again, which is to be after ``await writer.drain()``. Waiting
    for that also keeps them few, as the high-water mark is 0.
    """

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport
        self._sock: socket.socket = transport.get_extra_info("socket")
        self._descriptor: int = self._sock.fileno()
        self._segment = b""
        self._held = 0  # bytes in the transport, when it was last looked at
        transport.set_write_buffer_limits(high=0)

    def feed(self, segment: bytes) -> None:
        """Let the next `recv` return ``segment``, which was read from the stream."""
        self._segment = segment

    def recv(self, size: int, flags: int = 0) -> bytes:
        """Return what was fed; with MSG_DONTWAIT, what has arrived and the stream has not read."""
        return os.read(self._sock.fileno(), size) if flags else self._segment

    def send(self, unsent: bytes) -> int:
        """Return how many bytes of ``unsent`` are sent by now.

        Its first bytes are those that the transport holds from the call before.

        Raises:
            BlockingIOError: the peer does not read.
            ConnectionResetError: the transport has found the connection broken.
        """
        before = self._held
        if not before:
            self._transport.write(unsent)
            before = len(unsent)
        if self._transport.is_closing():
            raise ConnectionResetError
        self._held = self._transport.get_write_buffer_size()
        if self._held == before:
            raise BlockingIOError
        return before - self._held

    def fileno(self) -> int:
        """Return the descriptor, -1 after `close`; the transport may have closed it before."""
        return self._descriptor

    def shutdown(self, how: int) -> None:
        """End one direction; a stream that is read then ends."""
        self._sock.shutdown(how)

    def setsockopt(self, level: int, option: int, value: bytes) -> None:
        """Set an option of the socket."""
        self._sock.setsockopt(level, option, value)

    def close(self) -> None:
        """Close, and drop what the transport holds; it closes its socket in its next turn."""
        self._descriptor = -1
        self._transport.abort()
