"""A replica of a run, as the conductor knows it, and in which ways it can be lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from client.peer import Peer
from client.report import read_result
from labkit.wire.progress import Pulse
from labkit.wire.wire import Message, WireError, read_fields
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
