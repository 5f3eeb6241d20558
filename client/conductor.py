"""The conductor: the start barrier and the replica registry of an orchestrated run.

Replicas enrol; the orchestrator hands over a run; when those that came are ready, the conductor
names one instant of the shared monotonic clock at which they start, and then passes on what they
report, and who was lost. Serves one run and ends; a peer that talks nonsense is closed.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Mapping

from client.member import Enrolment
from client.options import OptionsError
from client.peer import Peer
from client.run import Run
from labkit.wire.wire import MAX_LINE_BYTES, WireError
from labkit.workload.load_order import Order

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", "3100"
PORT_DIGITS = 5
HELLO_S = 30.0
BACKLOG = 4096  # replicas that come at once; asyncio would have 100 wait, and the others try again


def main(environ: Mapping[str, str]) -> int:
    """Listen, serve one run, and return the exit code.

    Raises:
        OptionsError: the environment names no port.
    """
    host = environ.get("LAB_CONDUCTOR_HOST") or DEFAULT_HOST
    port = environ.get("LAB_CONDUCTOR_PORT") or DEFAULT_PORT
    is_number = port.isascii() and port.isdigit() and len(port) <= PORT_DIGITS
    if not is_number or int(port) >= 1 << 16:
        raise OptionsError(f"LAB_CONDUCTOR_PORT: {port[:80]!r} is no port from 0 to 65535")
    return asyncio.run(_conduct(host, int(port)))


async def _conduct(host: str, port: int) -> int:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    conductor = Conductor(ended)
    try:
        server = await asyncio.start_server(
            conductor.welcome, host, port, limit=MAX_LINE_BYTES, backlog=BACKLOG
        )
    except (OSError, UnicodeError) as exc:
        sys.stderr.write(f"conductor: cannot listen on {host}:{port}: {exc}\n")
        return 1
    at_host, at_port = server.sockets[0].getsockname()[:2]
    _say_listening(at_host, at_port)
    await ended.wait()
    server.close()
    await conductor.dismiss()
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


class Conductor:
    """Who has enrolled, and the one run."""

    def __init__(self, ended: asyncio.Event) -> None:
        self._ended = ended
        self._enrolled: asyncio.Queue[Enrolment] = asyncio.Queue()
        self._peers: list[Peer] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._has_run = False

    def welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection.

        Its task is ours: asyncio prints a traceback for one of its own that is cancelled (3.11).
        """
        peer = Peer(reader, writer)
        self._peers.append(peer)
        self._tasks.append(asyncio.ensure_future(self._attend(peer)))

    async def _attend(self, peer: Peer) -> None:
        """Hear who it is: a replica to enrol, or the orchestrator with the run."""
        try:
            message = await asyncio.wait_for(peer.receive(), HELLO_S)
            if message["type"] == "enrol":
                self._enrolled.put_nowait(Enrolment.read(peer, message))
                return
            if message["type"] == "run" and not self._has_run:
                order = Order.read(message)
                self._has_run = True
                await self._serve(Run(order, peer))
            else:
                await peer.send("failed", reason="neither a replica nor the first run")
        except WireError as exc:
            with contextlib.suppress(OSError):
                await peer.send("failed", reason=str(exc))
        except (EOFError, OSError):
            pass  # it has gone, or never said who it is
        await peer.close()

    async def _serve(self, run: Run) -> None:
        """Carry out ``run`` unless the orchestrator goes away; then end either way."""
        work = asyncio.ensure_future(run.carry_out(self._enrolled))
        leaving = asyncio.ensure_future(run.orchestrator.reader.read(1))
        try:
            await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                await work
                await run.orchestrator.close()
        finally:
            work.cancel()
            leaving.cancel()
            self._ended.set()

    async def dismiss(self) -> None:
        """Close every connection, so that no replica waits for what does not come."""
        for task in self._tasks:
            task.cancel()
        outcomes = await asyncio.gather(*self._tasks, return_exceptions=True)
        for peer in self._peers:
            await peer.drop()
        for outcome in outcomes:
            if isinstance(outcome, Exception):  # CancelledError is none
                raise outcome
