"""A replica of a run as the conductor sees it: its connection, its steps, and how it can be lost.

The conductor checks that a result is complete and of the right types. Whether its numbers add up
is checked by the analysis.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

from client.conductor.clock_comparison import SAME_CLOCK, compare_clock
from client.health import Health
from labkit.clock import Clock, ClockError, own_clock
from labkit.wire.progress import Pulse
from labkit.wire.samples import FAILURES
from labkit.wire.wire import PART, STOP, Message, WireError, decode, encode
from labkit.workload.load_order import Share

READY_S = 20.0  # for a replica to resolve its target and prepare its load
REPORT_S = 30.0  # to pack its samples, while many others do the same
SILENCE_S = 10.0  # within samples that are on their way
FLUSH_S = 30.0
CHUNK_BYTES = 1 << 16
RESULT = "its result"
COUNTS = (
    "replica", "start_ns", "first_connect_ns", "end_ns", "samples_bytes", "connections_bytes",
)  # fmt: skip
BOOKS = ("sent", "acked", "failed", "unsent", "in_flight", "retries")


class Peer:
    """A connection of the conductor: to a replica, the orchestrator, or an unknown program."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._sending = asyncio.Lock()

    async def receive(self) -> Message:
        """Return the next message.

        Raises:
            EOFError, OSError: the peer has gone.
            WireError: it sent something that is not a message.
        """
        try:
            line = await self.reader.readline()
        except ValueError as exc:
            raise WireError("an endless line") from exc
        if not line.endswith(b"\n"):
            raise EOFError("the peer closed the connection")
        return decode(line)

    async def receive_bytes(self, most: int) -> bytes:
        """Return between one and ``most`` of the raw bytes that follow a message.

        Raises:
            EOFError, OSError: the peer has gone.
        """
        chunk = await self.reader.read(min(most, CHUNK_BYTES))
        if not chunk:
            raise EOFError("the peer closed the connection")
        return chunk

    async def send(self, kind: str, payload: Sequence[bytes] = (), **fields: object) -> None:
        """Send a message and the raw bytes that belong to it, without others in between."""
        async with self._sending:
            for chunk in (encode(kind, **fields), *payload):
                self.writer.write(chunk)
                await self.writer.drain()

    async def close(self) -> None:
        """Close once the kernel has taken all that was sent; `send` does not wait for that."""
        self.writer.close()
        with contextlib.suppress(OSError):  # TimeoutError is one
            await asyncio.wait_for(self.writer.wait_closed(), FLUSH_S)

    async def drop(self) -> None:
        """Close at once and discard what the kernel has not taken yet."""
        with contextlib.suppress(AttributeError):  # asyncio raises it if it has closed already
            self.writer.transport.abort()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    @property
    def address(self) -> str:
        """The host that it connected from."""
        address = self.writer.get_extra_info("peername") or ("?",)
        return str(address[0])


class LostError(Exception):
    """A replica is lost to the run; the message is the reason: ``left before …``."""


@asynccontextmanager
async def expected(goal: str, within_s: float) -> AsyncIterator[None]:
    """Limit the wait for ``goal``.

    Raises:
        LostError: the replica left, hung or sent an invalid message instead.
    """
    try:
        async with asyncio.timeout(within_s):
            yield
    except TimeoutError as exc:
        raise LostError(f"hung: {goal} did not come within {within_s:g} s") from exc
    except WireError as exc:
        raise LostError(f"sent an invalid message before {goal} came: {exc}") from exc
    except (EOFError, OSError) as exc:
        raise LostError(f"left before {goal} came") from exc


@dataclass(frozen=True)
class Enrolment:
    """A replica that has enrolled: its connection, its host or container, its process there.

    ``clock`` is its CLOCK_MONOTONIC, None if it does not know which that is. ``placed_on`` is
    the host that it was put on for a group that is to run there, empty if for any other group.
    """

    peer: Peer
    host: str
    pid: int | None
    clock: Clock | None
    placed_on: str = ""

    @classmethod
    def read(cls, peer: Peer, message: Message) -> "Enrolment":
        """Return the replica of an ``enrol`` message; its address replaces a missing host name.

        Raises:
            WireError: its clock is none.
        """
        host, pid, place = (message.get(name) for name in ("host", "pid", "placed_on"))
        return cls(
            peer,
            host if isinstance(host, str) and host else peer.address,
            pid if isinstance(pid, int) else None,
            read_clock(message),
            place if isinstance(place, str) else "",
        )


def read_clock(message: Message) -> Clock | None:
    """Return the clock that a first ``message`` has, None if it has none.

    Raises:
        WireError: it is not one.
    """
    try:
        return Clock.read(message.get("clock"))
    except ClockError as exc:
        raise WireError(str(exc)) from exc


class Member:
    """One replica of a run; ``pulse`` is its last reported progress.

    ``ahead`` is how far its clock is ahead of the conductor's, once that was compared.
    """

    def __init__(self, share: Share, enrolment: Enrolment) -> None:
        self.number = share.replica
        self.enrolment = enrolment
        self.peer = enrolment.peer
        self.pulse = Pulse()
        self.ahead = SAME_CLOCK
        self.is_lost = False
        self._share = share

    async def prepare(self) -> None:
        """Send the replica its share, and wait until it is ready.

        Raises:
            LostError: it is lost before that.
        """
        async with expected("its ready message", READY_S):
            await self.peer.send("load", **self._share.fields())
            answer = await self.peer.receive()
            if answer["type"] == "refused":
                raise LostError(f"refused: {answer.get('reason')!s:.200}")
            if answer["type"] != "ready":
                raise WireError(f"a message of type {answer['type'][:40]!r}")

    @property
    def clock(self) -> Clock | None:
        """The clock of the replica, None if it does not know it."""
        return self.enrolment.clock

    @property
    def has_other_clock(self) -> bool:
        """Whether its clock is known, and not the conductor's."""
        return self.clock not in {None, own_clock()}

    async def compare_clock(self) -> None:
        """Find how far its clock is ahead, if it is another one.

        Raises:
            LostError: it is lost before that.
        """
        if self.has_other_clock:
            async with expected("its answer to a ping", READY_S):
                self.ahead = await compare_clock(self.peer.send, self.peer.receive)

    async def follow(self, within_s: float, on_progress: Callable[[], Awaitable[None]]) -> None:
        """Follow the replica's progress until its load is over.

        Raises:
            LostError: it is lost before that.
        """
        async with expected(RESULT, within_s):
            while (message := await self.peer.receive())["type"] == "progress":
                self.pulse = Pulse.read(message)
                await on_progress()
            if message["type"] != "over":
                raise WireError(f"a message of type {message['type'][:40]!r}")

    async def stop(self) -> None:
        """Order the replica to end its load now; one that has gone is noticed by `follow`."""
        with contextlib.suppress(OSError):
            await self.peer.send(STOP)

    async def result(self) -> dict[str, Any]:
        """Request the result and return it; the samples are still to be read.

        Raises:
            LostError: it does not come.
        """
        async with expected(RESULT, REPORT_S):
            await self.peer.send("report")
            result = read_result(await self.peer.receive(), self.number)
        self.pulse = replace(self.pulse, acked=result["books"]["acked"], connections=0)
        program = {"host": self.enrolment.host, "pid": self.enrolment.pid}
        return {**result, **program, "clock": self.clock and asdict(self.clock)}

    async def forward(self, size: int, receiver: Peer) -> None:
        """Send the next ``size`` bytes after its result to ``receiver`` as they come, in parts.

        Raises:
            LostError: they do not come.
        """
        while size:
            async with expected("the rest of its samples", SILENCE_S):
                part = await self.peer.receive_bytes(size)
            await receiver.send(PART, [part], bytes=len(part))
            size -= len(part)


def read_result(message: Message, replica: int) -> dict[str, Any]:
    """Return the fields of ``message``, the result of the replica with that number.

    Raises:
        WireError: it is not a result, or a field is missing or has the wrong type.
    """
    if message["type"] != "result":
        raise WireError(f"a message of type {message['type'][:40]!r}")
    for name in COUNTS:
        _read_count(message, name)
    if message["replica"] != replica:
        raise WireError(f"a result of replica {message['replica']}")
    if message.get("planned") is not None:
        _read_count(message, "planned")
    for name, fields in (("books", BOOKS), ("errors", FAILURES)):
        table = _read_map(message, name, fields)
        for field in fields:
            _read_count(table, field)
    _read_map(message, "health", Health.__annotations__)
    return {"planned": None} | {name: value for name, value in message.items() if name != "type"}


def _read_count(table: Mapping[str, Any], name: str) -> int:
    count = table.get(name)
    if not isinstance(count, int) or count < 0:
        raise WireError(f"{name} is {count!r:.40}")
    return count


def _read_map(message: Message, name: str, fields: Iterable[str]) -> Mapping[str, Any]:
    table = message.get(name)
    if not isinstance(table, Mapping) or not table.keys() >= set(fields):
        raise WireError(f"{name} is {table!r:.40}")
    return table
