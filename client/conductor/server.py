"""The conductor: the registry of replicas and the start barrier of an orchestrated run.

Replicas enrol; the orchestrator sends the run; once the replicas that came in time are ready, the
conductor announces one instant at which they start, to each on its own monotonic clock. It then
forwards what they report. A replica that comes late, leaves, hangs or sends an invalid message is
lost: the conductor reports that to the orchestrator, and the others continue. It serves one run and
ends.

A connection is a stranger until its first message has the secret of the run. The number of
strangers and the time that each may stay are bounded; none of them has an effect on the run.
"""

import asyncio
import contextlib
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping

from client.conductor.clock_comparison import SAME_CLOCK, by_clock, compare_clock
from client.conductor.member import Enrolment, LostError, Member, Peer, read_clock
from client.options import OptionsError
from labkit.clock import Clock, own_clock
from labkit.wire.progress import sum_of
from labkit.wire.secret import SECRET, is_secret, read_secret
from labkit.wire.wire import MAX_LINE_BYTES, PONG, STOP, Message, WireError, encode
from labkit.workload.load_order import Order, Share

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", "3100"
PORT_DIGITS = 5
HELLO_S = 10.0  # for a stranger to send its first message
MAX_STRANGERS = 1024  # at once; many more than the replicas of a run
OWN_DESCRIPTORS = 32
BACKLOG = 4096  # replicas that connect at once; asyncio's default of 100 makes others retry
RESULT_GRACE_S = 30.0  # after the deadline of the load
PROGRESS_S = 0.5
WAITING_S = 0.5


def run_conductor(environ: Mapping[str, str]) -> int:
    """Listen, serve one run, and return the exit code.

    Raises:
        OptionsError: LAB_CONDUCTOR_PORT is not a port, or LAB_RUN_SECRET is missing.
    """
    host = environ.get("LAB_CONDUCTOR_HOST") or DEFAULT_HOST
    port = environ.get("LAB_CONDUCTOR_PORT") or DEFAULT_PORT
    is_number = port.isascii() and port.isdigit() and len(port) <= PORT_DIGITS
    if not is_number or int(port) >= 1 << 16:
        raise OptionsError(f"LAB_CONDUCTOR_PORT: {port[:80]!r} is not a port from 0 to 65535")
    secret = read_secret(environ)
    if not secret:
        raise OptionsError(
            f"{SECRET} is not set, so no replica could enrol; set one for all programs of a run"
        )
    return asyncio.run(_conduct(host, int(port), secret))


async def _conduct(host: str, port: int, secret: str) -> int:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    conductor = Conductor(ended, secret)
    try:
        server = await asyncio.start_server(
            conductor.accept, host, port, limit=MAX_LINE_BYTES, backlog=BACKLOG
        )
    except (OSError, UnicodeError) as exc:
        sys.stderr.write(f"conductor: cannot listen on {host}:{port}: {exc}\n")
        return 1
    at_host, at_port = server.sockets[0].getsockname()[:2]
    _report_listening(at_host, at_port)
    await ended.wait()
    server.close()
    await conductor.close()
    return 0


def _report_listening(host: str, port: int) -> None:
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
    """The replicas that have enrolled, and the one run."""

    def __init__(self, ended: asyncio.Event, secret: str) -> None:
        self._ended = ended
        self._secret = secret
        self._enrolled: asyncio.Queue[Enrolment] = asyncio.Queue()
        self._peers: set[Peer] = set()
        self._strangers: dict[Peer, None] = {}  # the oldest first
        self._tasks: set[asyncio.Task[None]] = set()
        self._has_run = False
        self._most_peers = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - OWN_DESCRIPTORS

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection; if there are too many, the oldest stranger is dropped.

        Its task is created here: if asyncio (3.11) cancels one of its own, it prints a traceback.
        """
        peer = Peer(reader, writer)
        self._peers.add(peer)
        self._strangers[peer] = None
        if len(self._strangers) > MAX_STRANGERS or len(self._peers) > self._most_peers:
            self._drop_oldest_stranger()
        task = asyncio.ensure_future(self._identify(peer))
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def _drop_oldest_stranger(self) -> None:
        oldest = next(iter(self._strangers))
        del self._strangers[oldest]
        oldest.writer.transport.abort()

    def _forget(self, task: "asyncio.Task[None]") -> None:
        """Drop a task that is over; `close` raises the exception of one that failed."""
        if task.cancelled() or task.exception() is None:
            self._tasks.discard(task)

    async def _identify(self, peer: Peer) -> None:
        """Read whether it is a replica that enrols, or the orchestrator with the run."""
        try:
            message = await self._first_message(peer)
            if message["type"] == "enrol":
                self._enrolled.put_nowait(Enrolment.read(peer, message))
                return
            if message["type"] == "run" and not self._has_run:
                order, clock = Order.read(message), read_clock(message)
                self._has_run = True
                await self._serve(Run(order, peer, clock))
            else:
                await peer.send("failed", reason="neither a replica nor the first run")
        except WireError as exc:
            with contextlib.suppress(OSError):
                await peer.send("failed", reason=str(exc))
        except (EOFError, OSError):
            pass  # it has gone, or sent no first message in time
        await peer.close()
        self._peers.discard(peer)

    async def _first_message(self, peer: Peer) -> Message:
        """Return the first message of a program that belongs to the run.

        Raises:
            WireError: it does not belong to the run, or its message is invalid.
            EOFError, OSError: it has gone, or sent no message in time.
        """
        try:
            message = await asyncio.wait_for(peer.receive(), HELLO_S)
            if not is_secret(self._secret, message.get("secret")):
                raise WireError(f"the secret of the run, {SECRET}, is missing or wrong")
        finally:
            self._strangers.pop(peer, None)
        return message

    async def _serve(self, run: "Run") -> None:
        """Carry out ``run`` unless the orchestrator leaves; then end in either case."""
        work = asyncio.ensure_future(run.carry_out(self._enrolled))
        leaving = asyncio.ensure_future(run.obey())
        try:
            await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                await work
                await run.orchestrator.close()
        finally:
            work.cancel()
            leaving.cancel()
            self._ended.set()

    async def close(self) -> None:
        """Close every connection, so that no replica waits in vain."""
        for task in self._tasks:
            task.cancel()
        outcomes = await asyncio.gather(*self._tasks, return_exceptions=True)
        for peer in tuple(self._peers):
            await peer.drop()
        for outcome in outcomes:
            if isinstance(outcome, Exception):  # CancelledError is not an Exception
                raise outcome


class Run:
    """One load, shared among the replicas that came in time.

    ``clock`` is the orchestrator's. One that is unknown is taken to be the conductor's, as every
    clock on one host is.
    """

    def __init__(self, order: Order, orchestrator: Peer, clock: Clock | None = None) -> None:
        self.orchestrator = orchestrator
        self._clock = clock
        self._pongs: asyncio.Queue[Message] = asyncio.Queue()
        self._order = order
        self._members: list[Member] = []
        # The first of each group, then the second: missing replicas are spread over the groups.
        self._free = sorted(range(order.replicas), key=lambda each: order.place(each)[1])
        self._transfer = asyncio.Lock()
        self._progress_s = 0.0

    async def carry_out(self, enrolled: "asyncio.Queue[Enrolment]") -> None:
        """Gather the replicas, start them at one instant, and forward what they report."""
        await self._gather(enrolled)
        await self._each(Member.prepare)
        if any(member.has_other_clock for member in self._members):
            await self._each(Member.compare_clock)
        turning_away = asyncio.ensure_future(self._turn_away(enrolled))
        try:
            if self._members:
                await self._start()
                await self._each(self._follow)
                await self.orchestrator.send("over")
                await self._each(self._collect)
        finally:
            turning_away.cancel()
        for number in self._free:
            await self._report_lost(number, None, f"did not enrol within {self._order.enrol_s:g} s")
        await self.orchestrator.send("done")

    async def obey(self) -> None:
        """Stop the load when the orchestrator orders that; return once it has left."""
        with contextlib.suppress(EOFError, OSError, WireError):
            while (message := await self.orchestrator.receive())["type"] in {STOP, PONG}:
                if message["type"] == PONG:
                    self._pongs.put_nowait(message)
                else:
                    await asyncio.gather(*(member.stop() for member in self._members))

    async def _gather(self, enrolled: "asyncio.Queue[Enrolment]") -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._order.enrol_s):
                while self._free:
                    enrolment = await self._next_enrolment(enrolled)
                    number = self._take_number(enrolment.placed_on)
                    if number is None:
                        await _dismiss(enrolment, "no load of the run is for its host")
                        continue
                    self._members.append(Member(Share.of(self._order, number), enrolment))
                    await self.orchestrator.send("enrolled", count=len(self._members))

    def _take_number(self, placed_on: str) -> int | None:
        """Return the next free number for a replica that was put on that host, None if none is."""
        for number in self._free:
            if self._order.place(number)[0].placed_on == placed_on:
                self._free.remove(number)
                return number
        return None

    async def _next_enrolment(self, enrolled: "asyncio.Queue[Enrolment]") -> Enrolment:
        """Return the next enrolment; the orchestrator is informed regularly that none has come."""
        while True:
            with contextlib.suppress(TimeoutError):
                return await asyncio.wait_for(enrolled.get(), WAITING_S)
            await self.orchestrator.send("waiting")

    async def _turn_away(self, enrolled: "asyncio.Queue[Enrolment]") -> None:
        """Turn away replicas that come now; each counts as one that did not come in time."""
        while True:
            late = await enrolled.get()
            await _dismiss(late, "the run has begun without it")
            if (number := self._take_number(late.placed_on)) is not None:
                await self._report_lost(number, late, "enrolled when the run had begun")

    async def _each(self, step: Callable[[Member], Awaitable[None]]) -> None:
        """Take a step with all members concurrently; remove those that are lost in it."""
        await asyncio.gather(*(self._take(step, member) for member in self._members))
        self._members = [member for member in self._members if not member.is_lost]

    async def _take(self, step: Callable[[Member], Awaitable[None]], member: Member) -> None:
        try:
            await step(member)
        except LostError as exc:
            member.is_lost = True
            await self._report_lost(member.number, member.enrolment, str(exc))
            await member.peer.drop()

    async def _report_lost(self, number: int, enrolment: Enrolment | None, reason: str) -> None:
        host, pid = (enrolment.host, enrolment.pid) if enrolment else (None, None)
        await self.orchestrator.send("lost", replica=number, host=host, pid=pid, reason=reason)

    async def _start(self) -> None:
        """Announce the start to each on its own clock."""
        orchestrator_ahead = SAME_CLOCK
        if self._clock not in {None, own_clock()}:
            orchestrator_ahead = await compare_clock(self.orchestrator.send, self._pongs.get)
        ahead_ns = by_clock({each.number: (each.clock, each.ahead) for each in self._members})
        start_ns = time.monotonic_ns() + round(self._order.margin_s * 1e9)
        for member in self._members:
            own_ns = start_ns + ahead_ns[member.number]
            member.peer.writer.write(encode("start", start_ns=own_ns))
        await self.orchestrator.send("started", start_ns=start_ns + orchestrator_ahead.middle_ns)

    async def _follow(self, member: Member) -> None:
        within_s = self._order.margin_s + self._order.timeout_s + RESULT_GRACE_S
        await member.follow(within_s, self._report_progress)

    async def _collect(self, member: Member) -> None:
        """Forward a result, with the samples of one replica at a time, as they may be large.

        If it is lost amid them, that is reported before the next result.
        """
        result = await member.result()

        async def forward(member: Member) -> None:
            await self.orchestrator.send("result", **result)
            for table in ("samples_bytes", "connections_bytes"):
                await member.forward(result[table], self.orchestrator)
            await member.peer.close()

        async with self._transfer:
            await self._take(forward, member)

    async def _report_progress(self) -> None:
        now_s = time.monotonic()
        if now_s - self._progress_s >= PROGRESS_S:
            self._progress_s = now_s
            pulse = sum_of(member.pulse for member in self._members)
            await self.orchestrator.send("progress", **vars(pulse))


async def _dismiss(enrolment: Enrolment, reason: str) -> None:
    """Turn a replica away, and close its connection."""
    with contextlib.suppress(OSError):
        await enrolment.peer.send("dismissed", reason=reason)
    await enrolment.peer.close()
