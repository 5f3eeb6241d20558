"""The conductor: the start barrier and the replica registry of an orchestrated run.

Replicas enrol; the orchestrator hands over a run; when all are ready the conductor names one
instant of the shared monotonic clock at which they start, and then passes on what they report.
Serves one run and ends.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from client.options import OptionsError
from labkit.wire import Message, WireError, decode, encode

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", "3100"
RESULT_GRACE_S = 30.0
PROGRESS_S = 0.5


def main(environ: Mapping[str, str]) -> int:
    """Listen, serve one run, and return the exit code."""
    host = environ.get("LAB_CONDUCTOR_HOST") or DEFAULT_HOST
    port = environ.get("LAB_CONDUCTOR_PORT") or DEFAULT_PORT
    if not port.isascii() or not port.isdigit() or int(port[:9]) >= 1 << 16:
        raise OptionsError(f"LAB_CONDUCTOR_PORT: {port[:80]!r} is no port from 0 to 65535")
    return asyncio.run(_conduct(host, int(port)))


async def _conduct(host: str, port: int) -> int:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    conductor = Conductor(ended)
    try:
        server = await asyncio.start_server(conductor.welcome, host, port)
    except OSError as exc:
        sys.stderr.write(f"conductor: cannot listen on {host}:{port}: {exc.strerror}\n")
        return 1
    at_host, at_port = server.sockets[0].getsockname()[:2]
    _say_listening(at_host, at_port)
    await ended.wait()
    server.close()
    conductor.dismiss()
    return 0


def _say_listening(host: str, port: int) -> None:
    event = {
        "t_ns": time.monotonic_ns(),
        "event": "listening",
        "pid": os.getpid(),
        "host": host,
        "port": port,
    }
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


class LostError(Exception):
    """A replica has gone before its result."""


@dataclass(eq=False)
class Peer:
    """One connection, and how many acks its replica has counted so far."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    acked: int = 0

    async def receive(self) -> Message:
        """Return the next message; raises WireError where there is none."""
        try:
            return decode(await self.reader.readline())
        except (OSError, ValueError) as exc:
            raise WireError(str(exc)) from exc

    async def send(self, kind: str, payload: bytes = b"", **fields: object) -> None:
        """Send a message and the raw bytes that belong to it."""
        self.writer.write(encode(kind, **fields) + payload)
        await self.writer.drain()

    @property
    def host(self) -> str:
        """Where it comes from."""
        address = self.writer.get_extra_info("peername") or ("?",)
        return str(address[0])


class Conductor:
    """Who has enrolled, and the one run."""

    def __init__(self, ended: asyncio.Event) -> None:
        self._ended = ended
        self._enrolled: asyncio.Queue[Peer] = asyncio.Queue()
        self._peers: list[Peer] = []
        self._has_run = False

    async def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection: a replica to enrol, or the orchestrator with the run."""
        peer = Peer(reader, writer)
        try:
            message = await peer.receive()
            if message["type"] == "enrol":
                self._peers.append(peer)
                self._enrolled.put_nowait(peer)
                return
            if message["type"] == "run" and not self._has_run:
                self._has_run = True
                await self._serve(Run(message, peer))
        except (WireError, OSError):
            pass
        writer.close()

    async def _serve(self, run: "Run") -> None:
        """Carry out ``run`` unless the orchestrator goes away; then end either way."""
        work = asyncio.ensure_future(run.carry_out(self._enrolled))
        leaving = asyncio.ensure_future(run.orchestrator.reader.read(1))
        try:
            await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
            leaving.cancel()
            if work.done():
                await work
            work.cancel()
        finally:
            self._ended.set()

    def dismiss(self) -> None:
        """Close every connection, so that no replica waits for what does not come."""
        for peer in self._peers:
            peer.writer.close()


class Run:
    """One load, shared among the replicas that came first."""

    def __init__(self, order: Message, orchestrator: Peer) -> None:
        self.orchestrator = orchestrator
        self._order = order
        self._replicas: list[Peer] = []
        self._told_s = 0.0

    async def carry_out(self, enrolled: "asyncio.Queue[Peer]") -> None:
        """Gather the replicas, start them at one instant, and pass on all they report."""
        order = self._order
        try:
            while len(self._replicas) < order["replicas"]:
                self._replicas.append(await enrolled.get())
                await self.orchestrator.send("enrolled", count=len(self._replicas))
            await self._each(self._prepare)
            start_ns = time.monotonic_ns() + round(order["margin_s"] * 1e9)
            for peer in self._replicas:
                peer.writer.write(encode("start", start_ns=start_ns))
            await self.orchestrator.send("started", start_ns=start_ns)
            longest_s = order["margin_s"] + order["timeout_s"] + RESULT_GRACE_S
            await asyncio.wait_for(self._each(self._collect), longest_s)
            await self.orchestrator.send("done")
        except (LostError, TimeoutError) as exc:
            await self.orchestrator.send("failed", reason=str(exc) or "a replica did not report")

    async def _each(self, step: Callable[[int, Peer], Awaitable[None]]) -> None:
        """Take a step with every replica; a loss is told once the others have taken theirs."""
        steps = (step(number, peer) for number, peer in enumerate(self._replicas))
        outcomes = await asyncio.gather(*steps, return_exceptions=True)
        for number, outcome in enumerate(outcomes):
            if isinstance(outcome, BaseException):
                host = self._replicas[number].host
                raise LostError(f"replica {number} ({host}) left before its result") from outcome

    async def _prepare(self, number: int, peer: Peer) -> None:
        order = self._order
        first_user, users = share(order["users"], order["replicas"], number)
        same = ("messages", "demand", "think_time_s", "target", "timeout_s")
        await peer.send(
            "load",
            replica=number,
            first_user=first_user,
            users=users,
            seed=order["seed"] * 1_000_003 + number,
            **{name: order[name] for name in same},
        )
        await peer.receive()

    async def _collect(self, _number: int, peer: Peer) -> None:
        while (message := await peer.receive())["type"] == "progress":
            peer.acked = message["acked"]
            await self._tell_progress()
        payload = await peer.reader.readexactly(message["samples_bytes"])
        fields = {name: value for name, value in message.items() if name != "type"}
        peer.acked = fields["books"]["acked"]
        await self.orchestrator.send("result", payload, **fields)
        with contextlib.suppress(OSError):
            peer.writer.close()

    async def _tell_progress(self) -> None:
        now_s = time.monotonic()
        if now_s - self._told_s >= PROGRESS_S:
            self._told_s = now_s
            acked = sum(peer.acked for peer in self._replicas)
            await self.orchestrator.send("progress", acked=acked)


def share(users: int, replicas: int, replica: int) -> tuple[int, int]:
    """Return the first user and the number of users of ``replica``; as even as they can be."""
    first = users * replica // replicas
    return first, users * (replica + 1) // replicas - first
