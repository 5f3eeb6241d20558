"""The ways in which a run loses a replica, over sockets; the others are not lost."""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from struct import pack
from typing import Any

import pytest

from client.conductor.member import Peer
from tests.unit.client.conductor_fixtures import (
    BOOKS,
    Join,
    a_result,
    carried_out,
    complete,
    enlisted,
    made_ready,
    messages_to,
    of_type,
    ordered,
    played,
    take_part,
)

LOST_PID = 77
Loss = Callable[[Peer], Awaitable[None]]


async def leave_at_once(peer: Peer) -> None:
    await peer.close()


async def leave_after_the_load(peer: Peer) -> None:
    await peer.receive()
    await peer.close()


async def refuse(peer: Peer) -> None:
    await peer.receive()
    await peer.send("refused", reason="to vanish takes a privilege")


async def say_no(peer: Peer) -> None:
    await peer.receive()
    await peer.send("no")


async def leave_after_the_start(peer: Peer) -> None:
    await made_ready(peer)
    await peer.receive()
    await peer.close()


async def leave_when_its_load_is_over(peer: Peer) -> None:
    await made_ready(peer)
    await carried_out(peer)
    await peer.close()


async def reset(peer: Peer) -> None:
    await made_ready(peer)
    await peer.receive()
    sock: socket.socket = peer.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, pack("ii", 1, 0))
    peer.writer.transport.abort()


def say_after_the_start(words: bytes) -> Loss:
    async def say(peer: Peer) -> None:
        await made_ready(peer)
        await peer.receive()
        peer.writer.write(words)

    return say


def report_wrongly(samples: bytes = b"", **changes: Any) -> Loss:  # noqa: ANN401
    async def say(peer: Peer) -> None:
        load = await made_ready(peer)
        await carried_out(peer)
        await peer.send("result", [samples], **{**a_result(load["replica"]), **changes})
        if changes.get("samples_bytes"):
            await peer.close()

    return say


READY, RESULT = "its ready message", "its result"
INVALID = f"sent an invalid message before {RESULT} came: "


@pytest.mark.parametrize(
    ("lose", "reason"),
    [
        (leave_at_once, f"left before {READY} came"),
        (leave_after_the_load, f"left before {READY} came"),
        (refuse, "refused: to vanish takes a privilege"),
        (say_no, f"sent an invalid message before {READY} came: a message of type 'no'"),
        (leave_after_the_start, f"left before {RESULT} came"),
        (leave_when_its_load_is_over, f"left before {RESULT} came"),
        (reset, f"left before {RESULT} came"),
        (
            say_after_the_start(b"\xff\n"),
            INVALID + r"not a message: .*",
        ),
        (
            say_after_the_start(b"x" * 200_000),
            INVALID + r"an endless .*",
        ),
        (
            say_after_the_start(b'{"type":"progress"}\n'),
            INVALID + "invalid Pulse: acked is missing",
        ),
        (
            say_after_the_start(b'{"type":"ready"}\n'),
            INVALID + "a message of type 'ready'",
        ),
        (
            report_wrongly(replica=5),
            INVALID + "a result of replica 5",
        ),
        (report_wrongly(books={}), INVALID + "books is {}"),
        (
            report_wrongly(health=None),
            INVALID + "health is None",
        ),
        (
            report_wrongly(planned=-1),
            INVALID + "planned is -1",
        ),
        (
            report_wrongly(books={**BOOKS, "acked": "3"}),
            INVALID + "acked is '3'",
        ),
        (
            report_wrongly(samples_bytes=-1),
            INVALID + "samples_bytes is -1",
        ),
        (report_wrongly(b"few", samples_bytes=99), "left before the rest of its samples came"),
    ],
)
def test_a_replica_is_lost_and_the_others_are_not(lose: Loss, reason: str) -> None:
    async def script(join: Join) -> None:
        lost = await enlisted(join, LOST_PID)
        orchestrator = await ordered(join, 2)
        await asyncio.gather(lose(lost), take_part(join))
        messages = await messages_to(orchestrator)
        (loss,) = of_type(messages, "lost")
        assert re.fullmatch(reason, loss.pop("reason"))
        assert loss == {"replica": 0, "host": "here", "pid": LOST_PID}
        assert complete(messages) == {1: b""}
        assert messages[-1] == {"type": "done"}

    played(script)


@pytest.mark.parametrize(
    ("limit", "steps", "reason"),
    [
        ("client.conductor.member.READY_S", 0, f"hung: {READY} did not come within 0.05 s"),
        ("client.conductor.server.RESULT_GRACE_S", 1, f"hung: {RESULT} did not come within 0.05 s"),
        ("client.conductor.member.REPORT_S", 2, f"hung: {RESULT} did not come within 0.05 s"),
        (
            "client.conductor.member.SILENCE_S",
            3,
            "hung: the rest of its samples did not come within 0.05 s",
        ),
    ],
)
def test_a_replica_that_hangs_is_lost_and_the_others_are_not(
    monkeypatch: pytest.MonkeyPatch, limit: str, steps: int, reason: str
) -> None:
    monkeypatch.setattr(limit, 0.05)

    async def script(join: Join) -> None:
        hanging = await enlisted(join)
        orchestrator = await ordered(join, 2, timeout_s=0.0)
        others = asyncio.ensure_future(take_part(join))
        if steps > 0:
            await made_ready(hanging)
        if steps > 1:
            await carried_out(hanging)
        if steps > 2:
            await hanging.send("result", [b"some"], **a_result(0, samples_bytes=99))
        messages = await messages_to(orchestrator)
        assert [loss["reason"] for loss in of_type(messages, "lost")] == [reason]
        assert complete(messages) == {1: b""}
        await others

    played(script)
