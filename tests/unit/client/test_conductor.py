"""The conductor among peers that leave, stall and talk nonsense; all in one event loop."""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from client.conductor import Conductor, main
from client.options import OptionsError
from client.peer import Peer

RUN: dict[str, Any] = {
    "replicas": 2,
    "users": 5,
    "messages": 3,
    "demand": None,
    "think_time_s": 0.0,
    "target": "server:3000",
    "seed": 7,
    "timeout_s": 20.0,
    "margin_s": 0.0,
}
BOOKS = {"sent": 3, "acked": 3, "failed": 0, "unsent": 0, "in_flight": 0}
DEADLINE_S = 20.0
SMALL_BUFFER_BYTES = 4096
READ_AHEAD_BYTES = 8192
Join = Callable[[], Awaitable[Peer]]


def played(script: Callable[[Join], Awaitable[None]]) -> None:
    """Let ``script`` join a conductor as often as it likes; the conductor must then have ended."""

    async def play() -> None:
        ended = asyncio.Event()
        conductor = Conductor(ended)
        server = await asyncio.start_server(conductor.welcome, "127.0.0.1", 0)
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
            await conductor.dismiss()

        async with asyncio.timeout(DEADLINE_S):
            ending = asyncio.ensure_future(end())
            await script(join)
            await ending
            for peer in peers:
                await peer.close()
            await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

    asyncio.run(play())


async def enlisted(join: Join) -> Peer:
    replica = await join()
    await replica.send("enrol", pid=1)
    return replica


async def ordered(join: Join, **changes: Any) -> Peer:  # noqa: ANN401 whatever a run may hold
    orchestrator = await join()
    await orchestrator.send("run", **RUN | changes)
    return orchestrator


async def made_ready(replica: Peer) -> dict[str, Any]:
    load = await replica.receive()
    assert load["type"] == "load"
    await replica.send("ready")
    return dict(load)


async def report(replica: Peer, samples: bytes = b"") -> None:
    assert (await replica.receive())["type"] == "start"
    await replica.send("result", samples, books=BOOKS, samples_bytes=len(samples))


def test_a_run_may_come_between_its_replicas() -> None:
    async def script(join: Join) -> None:
        first = await enlisted(join)
        orchestrator = await ordered(join)
        assert await orchestrator.receive() == {"type": "enrolled", "count": 1}
        second = await enlisted(join)
        assert await orchestrator.receive() == {"type": "enrolled", "count": 2}
        loads = [await made_ready(first), await made_ready(second)]
        assert [(load["first_user"], load["users"]) for load in loads] == [(0, 2), (2, 3)]
        assert [load["replica"] for load in loads] == [0, 1]
        assert loads[0]["seed"] != loads[1]["seed"]
        started = await orchestrator.receive()
        assert started["type"] == "started"
        starts = [await first.receive(), await second.receive()]
        assert [start["start_ns"] for start in starts] == [started["start_ns"]] * 2
        await first.send("progress", acked=2)
        assert await orchestrator.receive() == {"type": "progress", "acked": 2}
        for replica, samples in ((first, b"one\n"), (second, b"\x00\xff")):
            await replica.send("result", samples, books=BOOKS, samples_bytes=len(samples))
            told = await orchestrator.receive()
            assert told == {"type": "result", "books": BOOKS, "samples_bytes": len(samples)}
            assert await orchestrator.reader.readexactly(len(samples)) == samples
        assert await orchestrator.receive() == {"type": "done"}

    played(script)


def test_an_end_does_not_overtake_what_was_sent_before_it() -> None:
    """What the orchestrator has not read yet may still be in the conductor's own memory."""
    samples = bytes(60_000)  # more than the socket takes, less than makes `drain` wait

    async def script(join: Join) -> None:
        replica = await enlisted(join)
        orchestrator = await ordered(join, replicas=1)
        await made_ready(replica)
        await report(replica, samples)
        await replica.reader.read()  # the conductor is done with it
        for _ in range(100):
            await asyncio.sleep(0)  # and may now do what it does after `done`
        for _ in range(3):
            kind = (await orchestrator.receive())["type"]
        assert kind == "result"
        assert await orchestrator.reader.readexactly(len(samples)) == samples
        assert await orchestrator.receive() == {"type": "done"}

    played(script)


def test_samples_of_any_size_pass_unchanged() -> None:
    samples = bytes(range(256)) * 10_000

    async def script(join: Join) -> None:
        replica = await enlisted(join)
        orchestrator = await ordered(join, replicas=1)
        await made_ready(replica)
        await report(replica, samples)
        kinds = []
        while (message := await orchestrator.receive())["type"] != "done":
            kinds.append(message["type"])
            if message["type"] == "result":
                assert await orchestrator.reader.readexactly(len(samples)) == samples
        assert kinds == ["enrolled", "started", "result"]

    played(script)


@pytest.mark.parametrize(
    ("last_words", "said"),
    [
        (b"", r"left before its result"),
        (b'{"type":"result","samples_bytes":99,"books":{}}\nfew', r"left before its result"),
        (b"nonsense\n", r"left before its result"),
        (b'{"type":"progress"}\n', r"sent nonsense \(KeyError\('acked'\)\) before its result"),
        (b'{"type":"result","samples_bytes":-1}\n', r"sent nonsense .* before its result"),
    ],
)
def test_a_lost_replica_is_told_after_the_others_results(last_words: bytes, said: str) -> None:
    async def script(join: Join) -> None:
        lost = await enlisted(join)
        other = await enlisted(join)
        orchestrator = await ordered(join)
        for replica in (lost, other):
            await made_ready(replica)
        assert (await lost.receive())["type"] == "start"
        lost.writer.write(last_words)
        await lost.close()
        await report(other)
        kinds = [(await orchestrator.receive())["type"] for _ in range(4)]
        assert kinds == ["enrolled", "enrolled", "started", "result"]
        failed = await orchestrator.receive()
        assert failed["type"] == "failed"
        assert re.fullmatch(rf"replica 0 \(127\.0\.0\.1\) {said}", failed["reason"])

    played(script)


def test_a_replica_that_is_not_ready_in_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.run.READY_S", 0.05)

    async def script(join: Join) -> None:
        ready, silent = await enlisted(join), await enlisted(join)
        orchestrator = await ordered(join)
        await made_ready(ready)
        await silent.receive()
        for _ in range(2):
            await orchestrator.receive()
        assert await orchestrator.receive() == {
            "type": "failed",
            "reason": "replica 1 (127.0.0.1) fell silent before it was ready",
        }

    played(script)


def test_a_replica_that_never_reports_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.run.RESULT_GRACE_S", 0.05)

    async def script(join: Join) -> None:
        replicas = [await enlisted(join), await enlisted(join)]
        orchestrator = await ordered(join, timeout_s=0)
        for replica in replicas:
            await made_ready(replica)
        for _ in range(3):
            await orchestrator.receive()
        assert (await orchestrator.receive())["reason"] == (
            "replica 0 (127.0.0.1) fell silent before its result, and 1 more"
        )

    played(script)


def test_replicas_are_dismissed_when_the_orchestrator_leaves() -> None:
    async def script(join: Join) -> None:
        orchestrator = await ordered(join, replicas=9)
        await enlisted(join)
        await orchestrator.receive()
        await orchestrator.close()

    played(script)


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff\x00\xfe\n",
        b"[" * 60_000 + b"\n",
        b"x" * 200_000,
        b'{"type":"run"}\n',
        b'{"type":"run","replicas":"all"}\n',
        b'{"type":"progress","acked":1}\n',
        b"",
    ],
)
def test_a_stranger_is_closed_and_the_run_goes_on(garbage: bytes) -> None:
    async def script(join: Join) -> None:
        stranger = await join()
        stranger.writer.write(garbage)
        stranger.writer.write_eof()
        try:
            while await stranger.reader.read(4096):
                pass
        except ConnectionResetError:
            pass  # closed before it had read all
        replica = await enlisted(join)
        orchestrator = await ordered(join, replicas=1)
        await made_ready(replica)
        await report(replica)
        while (await orchestrator.receive())["type"] != "done":
            pass

    played(script)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"users": 0}, "no order, users is 0"),
        ({"replicas": "2"}, "no order, replicas is '2'"),
        ({"timeout_s": float("nan")}, "no order, timeout_s is nan"),
        ({"margin_s": -1}, "no order, margin_s is -1"),
        ({"seed": None}, "no order, seed is None"),
    ],
)
def test_an_order_that_makes_no_sense_is_named(changes: dict[str, Any], reason: str) -> None:
    async def script(join: Join) -> None:
        wrong = await ordered(join, **changes)
        assert await wrong.receive() == {"type": "failed", "reason": reason}
        right = await ordered(join)
        second = await ordered(join)
        assert (await second.receive())["type"] == "failed"
        await right.close()

    played(script)


@pytest.mark.parametrize("port", ["x", "65536", "-1", "²", "000000"])
def test_a_bad_port_is_named(port: str) -> None:
    with pytest.raises(OptionsError, match="LAB_CONDUCTOR_PORT"):
        main({"LAB_CONDUCTOR_PORT": port})
