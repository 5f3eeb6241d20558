"""A replica of a run, as the conductor knows it, and in which ways it can be lost."""
# MERGED: One connection of the conductor: a replica, the orchestrator, or a stranger.
# MERGED: What a replica reports, as far as the conductor believes it: all there, each of its kind. Whether the numbers add up is for the analysis to say.

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from client.health import Health
from labkit.wire.progress import Pulse
from labkit.wire.samples import FAILURES
from labkit.wire.wire import Message, WireError, decode, encode, read_fields
from labkit.workload.load_order import Share

READY_S = 20.0  # for a replica to find its target's address, and to prepare its load
REPORT_S = 30.0  # to sum up its samples, beside many who do the same
SILENCE_S = 10.0  # within samples that are on their way
RESULT = "its result"


class LostError(Exception):
    """A replica is lost to the run; the message says why, after its name: ``left before …``."""


@asynccontextmanager
async def expected(goal: str, within_s: float) -> AsyncIterator[None]:
    """Bound the wait for ``goal``.

    Raises:
        LostError: the replica left, hung or sent nonsense instead.
    """
    try:
        async with asyncio.timeout(within_s):
            yield
    except TimeoutError as exc:
        raise LostError(f"hung: {goal} did not come within {within_s:g} s") from exc
    except WireError as exc:
        raise LostError(f"sent nonsense before {goal} came: {exc}") from exc
    except (EOFError, OSError) as exc:
        raise LostError(f"left before {goal} came") from exc


@dataclass(frozen=True)
class Enrolment:
    """Who has come: its connection, the name of its host (or container), its process there."""

    peer: Peer
    host: str
    pid: int | None

    @classmethod
    def read(cls, peer: Peer, message: Message) -> "Enrolment":
        """Return who ``message`` says that it is; its address stands for a host without name."""
        host, pid = message.get("host"), message.get("pid")
        return cls(
            peer,
            host if isinstance(host, str) and host else peer.address,
            pid if isinstance(pid, int) else None,
        )


class Member:
    """One replica of a run; ``pulse`` is how it got on when it last told."""

    def __init__(self, share: Share, enrolment: Enrolment) -> None:
        self.number = share.replica
        self.enrolment = enrolment
        self.peer = enrolment.peer
        self.pulse = Pulse()
        self.is_lost = False
        self._share = share

    async def prepare(self) -> None:
        """Hand the replica its share, and wait until it is ready.

        Raises:
            LostError: it will not be.
        """
        async with expected("its word that it is ready", READY_S):
            await self.peer.send("load", **self._share.fields())
            answer = await self.peer.receive()
            if answer["type"] == "refused":
                raise LostError(f"refused: {answer.get('reason')!s:.200}")
            if answer["type"] != "ready":
                raise WireError(f"a message of type {answer['type'][:40]!r}")

    async def follow(self, within_s: float, on_progress: Callable[[], Awaitable[None]]) -> None:
        """Follow the replica until its load is over.

        Raises:
            LostError: that will not come.
        """
        async with expected(RESULT, within_s):
            while (message := await self.peer.receive())["type"] == "progress":
                self.pulse = read_fields(Pulse, message)
                await on_progress()
            if message["type"] != "over":
                raise WireError(f"a message of type {message['type'][:40]!r}")

    async def result(self) -> dict[str, Any]:
        """Ask for the result and return it; the samples are still to be read.

        Raises:
            LostError: it will not come.
        """
        async with expected(RESULT, REPORT_S):
            await self.peer.send("report")
            result = read_result(await self.peer.receive(), self.number)
        self.pulse = replace(self.pulse, acked=result["books"]["acked"], connections=0)
        return {**result, "host": self.enrolment.host, "pid": self.enrolment.pid}

    async def samples(self, size: int) -> list[bytes]:
        """Return the ``size`` bytes that follow its result, as they came: never held twice.

        Raises:
            LostError: they do not come.
        """
        chunks: list[bytes] = []
        while size:
            async with expected("the rest of its samples", SILENCE_S):
                chunks.append(await self.peer.receive_bytes(size))
            size -= len(chunks[-1])
        return chunks


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


COUNTS = (
    "replica", "start_ns", "first_connect_ns", "end_ns", "samples_bytes", "connections_bytes",
)  # fmt: skip
BOOKS = ("sent", "acked", "failed", "unsent", "in_flight")


def read_result(message: Message, replica: int) -> dict[str, Any]:
    """Return the fields of the result that ``message`` is, of the replica of that number.

    Raises:
        WireError: it is none, or something is missing or of the wrong kind.
    """
    if message["type"] != "result":
        raise WireError(f"a message of type {message['type'][:40]!r}")
    for name in COUNTS:
        read_count(message, name)
    if message["replica"] != replica:
        raise WireError(f"a result of replica {message['replica']}")
    if message.get("planned") is not None:
        read_count(message, "planned")
    for name, fields in (("books", BOOKS), ("errors", FAILURES)):
        table = _read_map(message, name, fields)
        for field in fields:
            read_count(table, field)
    _read_map(message, "health", Health.__annotations__)
    return {"planned": None} | {name: told for name, told in message.items() if name != "type"}


def read_count(told: Mapping[str, Any], name: str) -> int:
    """Return the number of that name, from 0.

    Raises:
        WireError: it is missing, or none.
    """
    count = told.get(name)
    if not isinstance(count, int) or count < 0:
        raise WireError(f"{name} is {count!r:.40}")
    return count


def _read_map(message: Message, name: str, fields: Iterable[str]) -> Mapping[str, Any]:
    table = message.get(name)
    if not isinstance(table, Mapping) or not table.keys() >= set(fields):
        raise WireError(f"{name} is {table!r:.40}")
    return table
