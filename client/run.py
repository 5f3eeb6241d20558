"""A run as the conductor sees it: one load, shared among replicas that begin at one instant.

Whoever comes in time takes part; whoever does not, leaves, hangs or talks nonsense is lost, which
the orchestrator is told, and the others go on.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from client.member import Enrolment, LostError, Member
from client.peer import Peer
from labkit.wire.progress import sum_of
from labkit.wire.wire import encode
from labkit.workload.load_order import Order, Share

RESULT_GRACE_S = 30.0  # after the last instant of the load
PROGRESS_S = 0.5


class Run:
    """One load, carried out by the replicas that came in time."""

    def __init__(self, order: Order, orchestrator: Peer) -> None:
        self.orchestrator = orchestrator
        self._order = order
        self._members: list[Member] = []
        # The first of each group, then the second: where some stay away, each group has the others.
        self._free = deque(sorted(range(order.replicas), key=lambda each: order.place(each)[1]))
        self._transfer = asyncio.Lock()
        self._told_s = 0.0

    async def carry_out(self, enrolled: "asyncio.Queue[Enrolment]") -> None:
        """Gather the replicas, start them at one instant, and pass on all they report."""
        await self._gather(enrolled)
        await self._each(Member.prepare)
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
            await self._lose(number, None, f"did not enrol within {self._order.enrol_s:g} s")
        await self.orchestrator.send("done")

    async def _gather(self, enrolled: "asyncio.Queue[Enrolment]") -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._order.enrol_s):
                while self._free:
                    enrolment = await enrolled.get()
                    share = Share.of(self._order, self._free.popleft())
                    self._members.append(Member(share, enrolment))
                    await self.orchestrator.send("enrolled", count=len(self._members))

    async def _turn_away(self, enrolled: "asyncio.Queue[Enrolment]") -> None:
        """Send whoever comes now home; it stands for one that did not come in time."""
        while True:
            late = await enrolled.get()
            with contextlib.suppress(OSError):
                await late.peer.send("dismissed", reason="the run has begun without it")
            await late.peer.close()
            if self._free:
                await self._lose(self._free.popleft(), late, "enrolled when the run had begun")

    async def _each(self, step: Callable[[Member], Awaitable[None]]) -> None:
        """Take a step with all members at once; those who are lost on the way are none after it."""
        await asyncio.gather(*(self._take(step, member) for member in self._members))
        self._members = [member for member in self._members if not member.is_lost]

    async def _take(self, step: Callable[[Member], Awaitable[None]], member: Member) -> None:
        try:
            await step(member)
        except LostError as exc:
            member.is_lost = True
            await self._lose(member.number, member.enrolment, str(exc))
            await member.peer.drop()

    async def _lose(self, number: int, who: Enrolment | None, reason: str) -> None:
        host, pid = (who.host, who.pid) if who else (None, None)
        await self.orchestrator.send("lost", replica=number, host=host, pid=pid, reason=reason)

    async def _start(self) -> None:
        start_ns = time.monotonic_ns() + round(self._order.margin_s * 1e9)
        for member in self._members:
            member.peer.writer.write(encode("start", start_ns=start_ns))
        await self.orchestrator.send("started", start_ns=start_ns)

    async def _follow(self, member: Member) -> None:
        longest_s = self._order.margin_s + self._order.timeout_s + RESULT_GRACE_S
        await member.follow(longest_s, self._tell_progress)

    async def _collect(self, member: Member) -> None:
        """Pass a result on; the samples of one replica at a time, for they may be large."""
        result = await member.result()
        async with self._transfer:
            samples = await member.samples(result["samples_bytes"] + result["connections_bytes"])
            await self.orchestrator.send("result", samples, **result)
        await member.peer.close()

    async def _tell_progress(self) -> None:
        now_s = time.monotonic()
        if now_s - self._told_s >= PROGRESS_S:
            self._told_s = now_s
            pulse = sum_of(member.pulse for member in self._members)
            await self.orchestrator.send("progress", **asdict(pulse))
