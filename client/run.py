"""A run as the conductor sees it: one load, shared among replicas that begin at one instant."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from client.peer import Peer
from labkit.order import Order, Share
from labkit.wire import WireError, encode

READY_S = 20.0  # for a replica to find its target's address
RESULT_GRACE_S = 30.0  # for its samples to travel
PROGRESS_S = 0.5


class LostError(Exception):
    """Replicas have gone, or hang, before they came as far as they should."""


class Run:
    """One load, carried out by the replicas that came first."""

    def __init__(self, order: Order, orchestrator: Peer) -> None:
        self.orchestrator = orchestrator
        self._order = order
        self._replicas: list[Peer] = []
        self._told_s = 0.0

    async def carry_out(self, enrolled: "asyncio.Queue[Peer]") -> None:
        """Gather the replicas, start them at one instant, and pass on all they report.

        Everything is bounded but the gathering: how long to wait for whom is the orchestrator's
        to say, and it can leave.
        """
        order = self._order
        while len(self._replicas) < order.replicas:
            self._replicas.append(await enrolled.get())
            await self.orchestrator.send("enrolled", count=len(self._replicas))
        try:
            await self._each(self._prepare, READY_S, "it was ready")
            start_ns = time.monotonic_ns() + round(order.margin_s * 1e9)
            for peer in self._replicas:
                peer.writer.write(encode("start", start_ns=start_ns))
            await self.orchestrator.send("started", start_ns=start_ns)
            longest_s = order.margin_s + order.timeout_s + RESULT_GRACE_S
            await self._each(self._collect, longest_s, "its result")
        except LostError as exc:
            await self.orchestrator.send("failed", reason=str(exc))
        else:
            await self.orchestrator.send("done")

    async def _each(
        self, step: Callable[[int, Peer], Awaitable[None]], within_s: float, goal: str
    ) -> None:
        """Take a step with every replica; a loss is told once the others have taken theirs."""
        outcomes = await asyncio.gather(
            *(
                asyncio.wait_for(step(number, peer), within_s)
                for number, peer in enumerate(self._replicas)
            ),
            return_exceptions=True,
        )
        losses = [
            f"replica {number} ({self._replicas[number].host}) {_describe(outcome)} before {goal}"
            for number, outcome in enumerate(outcomes)
            if isinstance(outcome, BaseException)
        ]
        if losses:
            more = f", and {len(losses) - 1} more" if len(losses) > 1 else ""
            raise LostError(losses[0] + more)

    async def _prepare(self, number: int, peer: Peer) -> None:
        await peer.send("load", **Share.of(self._order, number).fields())
        if (await peer.receive())["type"] != "ready":
            raise LookupError

    async def _collect(self, _number: int, peer: Peer) -> None:
        while (message := await peer.receive())["type"] == "progress":
            peer.acked = int(message["acked"])
            await self._tell_progress()
        told = {name: value for name, value in message.items() if name != "type"}
        payload = await peer.reader.readexactly(told["samples_bytes"] + told["connections_bytes"])
        peer.acked = int(told["books"]["acked"])
        await self.orchestrator.send("result", payload, **told)
        await peer.close()

    async def _tell_progress(self) -> None:
        now_s = time.monotonic()
        if now_s - self._told_s >= PROGRESS_S:
            self._told_s = now_s
            acked = sum(peer.acked for peer in self._replicas)
            await self.orchestrator.send("progress", acked=acked)


def _describe(loss: BaseException) -> str:
    match loss:
        case TimeoutError():
            return "fell silent"
        case WireError() | EOFError() | OSError():
            return "left"
        case _:
            return f"sent nonsense ({loss!r:.80})"
