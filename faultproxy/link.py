"""A connection through the proxy: two sockets, and a link for each direction between them.

Bytes and endings that are read from one socket pass the toxics of the link and are written to the
other when they are due. A half-close passes as a half-close and a reset as a reset. If a receiver
reads slowly, the proxy reads slowly from the sender.
"""

import asyncio
import contextlib
import socket
import struct
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence

from faultproxy.toxic_spec import DOWNSTREAM, UPSTREAM, ToxicSpec
from faultproxy.toxics import Chunk, Ending, Toxic

MAX_PENDING_BYTES = 1 << 20  # on the way; the rest waits in the kernel, by the TCP window
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER of socket(7): on, no time


class Link:
    """One direction: what it is given by `take` reaches ``deliver`` through the toxics.

    Chunks are due on the clock of the event loop, and asyncio wakes up to a millisecond late.
    """

    def __init__(
        self, seed: int, connection: int, deliver: Callable[[bytes | Ending], None]
    ) -> None:
        self._seed = seed
        self._connection = connection
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._toxics: dict[ToxicSpec, Toxic] = {}
        self._scheduled: dict[ToxicSpec, asyncio.TimerHandle] = {}
        self._queue: deque[Chunk] = deque()
        self._last_due_ns = 0
        self._timer: asyncio.TimerHandle | None = None
        self._pending_bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether to stop reading for now."""
        return self._pending_bytes > MAX_PENDING_BYTES

    def use(self, specs: Sequence[ToxicSpec]) -> None:
        """Replace the toxics; one that is in both lists keeps its state.

        Chunks on their way stay due when they were. If a toxic that dropped bytes is removed, the
        connection is closed.
        """
        now_ns = time.monotonic_ns()
        removed = [toxic for spec, toxic in self._toxics.items() if spec not in specs]
        active: dict[ToxicSpec, Toxic] = {}
        for spec in specs:
            toxic = self._toxics.get(spec) or spec.start(self._seed, self._connection, now_ns)
            if toxic:
                active[spec] = toxic
        self._toxics = active
        self._update_schedule()
        if any(toxic.closes_when_removed for toxic in removed):
            self._deliver(Ending.CLOSE)

    def take(self, content: bytes | Ending) -> None:
        """Deliver ``content`` now, or when the toxics let it through."""
        if not self._toxics and not self._queue:
            self._deliver(content)
            return
        chunks = [Chunk(time.monotonic_ns(), content)]
        for toxic in self._toxics.values():
            chunks = [passed for chunk in chunks for passed in toxic.pipe(chunk)]
        for chunk in chunks:
            self._last_due_ns = max(self._last_due_ns, chunk.due_ns)
            self._queue.append(Chunk(self._last_due_ns, chunk.content))
            self._pending_bytes += _size(chunk.content)
        self._deliver_due_chunks()

    def stop(self) -> None:
        """Drop what is on its way, and all toxics."""
        self._toxics = {}
        self._update_schedule()
        self._queue.clear()
        self._pending_bytes = 0
        if self._timer:
            self._timer.cancel()

    def _update_schedule(self) -> None:
        for spec in set(self._scheduled) - set(self._toxics):
            self._scheduled.pop(spec).cancel()
        for spec, toxic in self._toxics.items():
            chunk = toxic.scheduled()
            if chunk and spec not in self._scheduled:
                self._scheduled[spec] = self._loop.call_at(
                    chunk.due_ns / 1e9, self._deliver, chunk.content
                )

    def _deliver_due_chunks(self) -> None:
        now_ns = time.monotonic_ns()
        while self._queue and self._queue[0].due_ns <= now_ns:
            content = self._queue.popleft().content
            self._pending_bytes -= _size(content)
            self._deliver(content)  # which may call `stop`
        if self._timer:
            self._timer.cancel()
        if self._queue:
            self._timer = self._loop.call_at(self._queue[0].due_ns / 1e9, self._deliver_due_chunks)


def _size(content: bytes | Ending) -> int:
    return 0 if isinstance(content, Ending) else len(content)


class Endpoint(asyncio.Protocol):
    """One of the two sockets; calls ``received`` for what it reads, ``changed`` for its state."""

    def __init__(
        self, received: Callable[[bytes | Ending], None], changed: Callable[[], None]
    ) -> None:
        self._received = received
        self._changed = changed
        self._transport: asyncio.Transport | None = None
        self._has_read_all = False
        self.is_congested = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start with reading paused, until `set_reading`."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 as create_server promises
        self._transport = transport
        transport.pause_reading()
        self._changed()

    def data_received(self, data: bytes) -> None:
        """Pass on bytes that were read."""
        self._received(data)

    def eof_received(self) -> bool:
        """Pass on the end of the stream; the peer may still read."""
        self._has_read_all = True
        self._received(Ending.EOF)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass on a reset, unless this side closed."""
        self._transport = None
        if exc is not None:
            self._received(Ending.RESET)

    def pause_writing(self) -> None:
        """Note that the write buffer is full, because the peer reads slowly."""
        self.is_congested = True
        self._changed()

    def resume_writing(self) -> None:
        """Note that the write buffer has room again."""
        self.is_congested = False
        self._changed()

    def set_reading(self, is_on: bool) -> None:
        """Read, or leave incoming bytes to the kernel."""
        if self._transport is None or self._transport.is_closing() or self._has_read_all:
            return
        if is_on:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def write(self, content: bytes | Ending) -> None:
        """Write bytes, end the stream, close or reset."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if isinstance(content, bytes):
            transport.write(content)
        elif content is Ending.EOF:
            with contextlib.suppress(OSError):  # the peer has reset the connection
                transport.write_eof()
        elif content is Ending.CLOSE:
            transport.close()
        else:
            sock: socket.socket = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            transport.abort()


class Connection:
    """A client's connection, and the connection to the server that is opened for it."""

    def __init__(
        self, seed: int, number: int, counts: Counter[str], over: Callable[["Connection"], None]
    ) -> None:
        self._counts = counts
        self._over = over
        self._ended_streams = 0
        self._connecting: asyncio.Task[None] | None = None
        self._to_server = Link(seed, number, self._write_to_server)
        self._to_client = Link(seed, number, self._write_to_client)
        self.client = Endpoint(self._receive_from_client, self._balance)
        self._server = Endpoint(self._receive_from_server, self._balance)
        self._is_connected = self._is_held_up = self._is_over = False

    def connect(self, target: tuple[str, int]) -> None:
        """Open the connection to the server; if that fails, reset the client's."""
        self._connecting = asyncio.get_running_loop().create_task(self._connect(*target))

    def use(self, specs: Sequence[ToxicSpec]) -> None:
        """Replace the toxics of both directions, unless one of them has closed the connection."""
        for direction, link in ((UPSTREAM, self._to_server), (DOWNSTREAM, self._to_client)):
            if not self._is_over:
                link.use([spec for spec in specs if spec.stream == direction])

    def end(self, how: Ending) -> None:
        """End both connections."""
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
        except (OSError, UnicodeError):  # UnicodeError: not a valid DNS name
            self._counts["unreachable"] += 1
            self._connecting = None
            self.end(Ending.RESET)
            return
        self._is_connected = True
        self._balance()

    def _balance(self) -> None:
        """Read from each side while the other has room; close a side that connects too late."""
        if self._is_over:
            self.client.write(Ending.CLOSE)
            self._server.write(Ending.CLOSE)
            return
        self._is_held_up = self._to_server.is_full or self._to_client.is_full
        is_ready = self._is_connected
        server_takes = not (self._server.is_congested or self._to_server.is_full)
        client_takes = not (self.client.is_congested or self._to_client.is_full)
        self.client.set_reading(is_ready and server_takes)
        self._server.set_reading(is_ready and client_takes)

    def _receive_from_client(self, content: bytes | Ending) -> None:
        self._to_server.take(content)
        if self._to_server.is_full:
            self._balance()

    def _receive_from_server(self, content: bytes | Ending) -> None:
        self._to_client.take(content)
        if self._to_client.is_full:
            self._balance()

    def _write_to_server(self, content: bytes | Ending) -> None:
        self._pass_on(self._server, UPSTREAM, content)

    def _write_to_client(self, content: bytes | Ending) -> None:
        self._pass_on(self.client, DOWNSTREAM, content)

    def _pass_on(self, endpoint: Endpoint, stream: str, content: bytes | Ending) -> None:
        if self._is_over:
            return
        if isinstance(content, bytes):
            self._counts[f"{stream}_bytes"] += len(content)
            endpoint.write(content)
            if self._is_held_up:
                self._balance()
            return
        self._counts[content.value] += 1
        self._ended_streams += 1
        if content is Ending.EOF:
            endpoint.write(content)
        if content is not Ending.EOF or self._ended_streams > 1:
            self.end(Ending.CLOSE if content is Ending.EOF else content)
