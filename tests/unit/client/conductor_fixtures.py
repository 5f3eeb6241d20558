"""A conductor in the test process, and peers that connect to it over sockets."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from client.conductor.member import Peer
from client.conductor.server import Conductor
from labkit.wire.samples import FAILURES
from labkit.workload.load_order import Order
from tests.unit.client.share_fixtures import share_of

DEADLINE_S = 20.0
RUN_SECRET = "0123456789abcdef"  # noqa: S105 of a test
SMALL_BUFFER_BYTES = 4096
READ_AHEAD_BYTES = 8192
BOOKS = {"sent": 3, "acked": 3, "failed": 0, "unsent": 0, "in_flight": 0, "retries": 0}
HEALTH = {
    "cpu_s": 0.1, "wall_s": 1.0, "lags": 0, "lag_p50_ns": None, "lag_p99_ns": None,
    "lag_max_ns": None, "gc_pauses": 0, "gc_pause_s": 0.0,
    "throttled_periods": 0,
    "run_delay_s": 0.0,
}  # fmt: skip
Join = Callable[[], Awaitable[Peer]]


def played(script: Callable[[Join], Awaitable[None]]) -> None:
    """Let ``script`` join a conductor as often as it likes; the conductor must then have ended."""

    async def play() -> None:
        ended = asyncio.Event()
        conductor = Conductor(ended, RUN_SECRET)
        server = await asyncio.start_server(conductor.accept, "127.0.0.1", 0)
        for listener in server.sockets:  # those it accepts inherit it
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER_BYTES)
        peers: list[Peer] = []

        async def join() -> Peer:
            sock = socket.socket()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
            sock.connect(server.sockets[0].getsockname())
            peers.append(Peer(*await asyncio.open_connection(sock=sock, limit=READ_AHEAD_BYTES)))
            return peers[-1]

        async def end() -> None:
            await ended.wait()
            server.close()
            await conductor.close()

        async with asyncio.timeout(DEADLINE_S):
            ending = asyncio.ensure_future(end())
            await script(join)
            await ending
            for peer in peers:
                await peer.close()
            await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

    asyncio.run(play())


async def enlisted(join: Join, pid: int = 1, placed_on: str = "") -> Peer:
    """Return a replica that has enrolled."""
    replica = await join()
    await replica.send("enrol", secret=RUN_SECRET, host="here", pid=pid, placed_on=placed_on)
    return replica


def an_order(*group_sizes: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a run for groups of so many replicas; ``changes`` are fields of the order."""
    groups = tuple(
        share_of(name=f"group-{number}", replicas=size, initial=5, messages=3).group
        for number, size in enumerate(group_sizes)
    )
    order = Order(groups, "server:3000", seed=7, timeout_s=20.0, margin_s=0.0, enrol_s=20.0)
    return asdict(order) | {"secret": RUN_SECRET} | changes


async def ordered(join: Join, *group_sizes: int, **changes: Any) -> Peer:  # noqa: ANN401
    """Return the orchestrator, which has sent `an_order`."""
    orchestrator = await join()
    await orchestrator.send("run", **an_order(*group_sizes, **changes))
    return orchestrator


async def made_ready(replica: Peer) -> dict[str, Any]:
    """Have a replica take its share, and return that."""
    load = await replica.receive()
    assert load["type"] == "load"
    await replica.send("ready")
    return dict(load)


def a_result(replica: int, samples_bytes: int = 0, **changes: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the fields of a result."""
    return {
        "replica": replica,
        "start_ns": 1,
        "first_connect_ns": 2,
        "end_ns": 3,
        "planned": 3,
        "books": BOOKS,
        "errors": dict.fromkeys(FAILURES, 0),
        "health": HEALTH,
        "samples_bytes": samples_bytes,
        "connections_bytes": 0,
        **changes,
    }


async def carried_out(peer: Peer) -> None:
    """Let a replica receive the start, end its load, and receive the request for its result."""
    assert (await peer.receive())["type"] == "start"
    await peer.send("over")
    assert await peer.receive() == {"type": "report"}


async def report(peer: Peer, replica: int, samples: bytes = b"") -> None:
    """Have a replica carry out its load and report."""
    await carried_out(peer)
    await peer.send("result", [samples], **a_result(replica, len(samples)))


async def take_part(join: Join) -> Peer:
    """Have a replica do all that is expected of one, without a sample, and return it."""
    peer = await enlisted(join)
    load = await made_ready(peer)
    await report(peer, load["replica"])
    return peer


async def messages_to(orchestrator: Peer) -> list[dict[str, Any]]:
    """Return what the orchestrator receives until the run is done, each part with its payload."""
    messages: list[dict[str, Any]] = []
    while not messages or messages[-1]["type"] not in {"done", "failed"}:
        message = dict(await orchestrator.receive())
        if message["type"] == "part":
            message["payload"] = await orchestrator.reader.readexactly(message["bytes"])
        messages.append(message)
    return messages


def complete(messages: list[dict[str, Any]]) -> dict[int, bytes]:
    """Return the samples of each replica whose result came, except of those lost amid them."""
    samples: dict[int, bytes] = {}
    sizes: dict[int, int] = {}
    for message in messages:
        if message["type"] == "result":
            number = message["replica"]
            samples[number] = b""
            sizes[number] = message["samples_bytes"] + message["connections_bytes"]
        elif message["type"] == "part":
            samples[number] += message["payload"]
        elif message["type"] == "lost" and samples.pop(message["replica"], None) is not None:
            del sizes[message["replica"]]
    assert {number: len(each) for number, each in samples.items()} == sizes
    return samples


def of_type(messages: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Return the messages of one type, without the type."""
    found = [message for message in messages if message["type"] == kind]
    return [{name: value for name, value in one.items() if name != "type"} for one in found]
