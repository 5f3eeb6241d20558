"""The conductor, its replicas, an orchestrator and unknown programs, in one event loop."""

import asyncio
import time
from dataclasses import asdict
from typing import Any

import pytest

from client.conductor.member import Peer
from client.conductor.server import run_conductor
from client.options import OptionsError
from labkit.clock import Clock, own_clock
from labkit.wire.histogram import BUCKETS
from tests.unit.client.conductor_fixtures import (
    RUN_SECRET,
    Join,
    a_result,
    an_order,
    complete,
    enlisted,
    made_ready,
    messages_to,
    of_type,
    ordered,
    played,
    report,
    take_part,
)

LATE_PID = 77
NS_PER_S = 1_000_000_000
OWN_CLOCK = asdict(own_clock() or Clock("unknown", 0))
OTHER_CLOCK = {"boot_id": "another kernel", "offset_ns": 0}
ENROLLED = {"host": "here", "pid": 1, "clock": None}
"""What the conductor adds to the result of `enlisted`."""
PULSE: dict[str, Any] = {
    "acked": 2, "failed": 1, "errors": 0, "connections": 3, "sent": 5, "unsent": 0,
    "times": [0, 3, *[0] * (BUCKETS - 2)],
}  # fmt: skip


def test_a_run_may_come_between_its_replicas() -> None:
    async def script(join: Join) -> None:
        first = await enlisted(join)
        orchestrator = await ordered(join, 2)
        assert await orchestrator.receive() == {"type": "enrolled", "count": 1}
        second = await enlisted(join)
        assert await orchestrator.receive() == {"type": "enrolled", "count": 2}
        loads = [await made_ready(first), await made_ready(second)]
        assert [(load["replica"], load["place"]) for load in loads] == [(0, 0), (1, 1)]
        started = await orchestrator.receive()
        assert started["type"] == "started"
        starts = [await first.receive(), await second.receive()]
        assert [start["start_ns"] for start in starts] == [started["start_ns"]] * 2
        await first.send("progress", **PULSE)
        assert await orchestrator.receive() == {"type": "progress", **PULSE}
        for replica in (first, second):
            await replica.send("over")
        assert await orchestrator.receive() == {"type": "over"}
        for number, (replica, samples) in enumerate(((first, b"one\n"), (second, b"\x00\xff"))):
            assert await replica.receive() == {"type": "report"}
            fields = a_result(number, len(samples))
            await replica.send("result", [samples], **fields)
            forwarded = await orchestrator.receive()
            assert forwarded == {"type": "result", **fields, **ENROLLED}
            assert await orchestrator.receive() == {"type": "part", "bytes": len(samples)}
            assert await orchestrator.reader.readexactly(len(samples)) == samples
        assert await orchestrator.receive() == {"type": "done"}

    played(script)


def placed(*hosts: str) -> dict[str, Any]:
    """Return a run with a group of one replica for each of ``hosts``."""
    run = an_order(*(1 for _ in hosts))
    groups = [{**group, "placed_on": h} for group, h in zip(run["groups"], hosts, strict=True)]
    return {**run, "groups": groups}


def test_a_replica_gets_the_load_of_a_group_that_is_placed_on_its_host() -> None:
    async def script(join: Join) -> None:
        orchestrator = await join()
        await orchestrator.send("run", **placed("", "far", "near"))
        hosts = ("near", "elsewhere", "", "far")
        near, elsewhere, anywhere, far = [await enlisted(join, placed_on=host) for host in hosts]
        loads = [await made_ready(each) for each in (near, anywhere, far)]
        assert [load["replica"] for load in loads] == [2, 0, 1]
        reason = "no load of the run is for its host"
        assert await elsewhere.receive() == {"type": "dismissed", "reason": reason}
        await orchestrator.close()

    played(script)


def test_a_group_whose_host_has_no_replica_is_lost_and_gets_none_of_another() -> None:
    async def script(join: Join) -> None:
        orchestrator = await join()
        await orchestrator.send("run", **placed("far", "near") | {"enrol_s": 0.2})
        near = await enlisted(join, placed_on="near")
        await enlisted(join, placed_on="")
        load = await made_ready(near)
        await report(near, load["replica"])
        messages = await messages_to(orchestrator)
        assert [each["replica"] for each in of_type(messages, "result")] == [1]
        assert [each["replica"] for each in of_type(messages, "lost")] == [0]

    played(script)


def test_a_result_has_the_clock_that_its_replica_enrolled_with() -> None:
    async def script(join: Join) -> None:
        orchestrator = await ordered(join, 1)
        replica = await join()
        await replica.send("enrol", secret=RUN_SECRET, clock={**OWN_CLOCK, "more": 1})
        await made_ready(replica)
        await report(replica, 0)
        (result,) = of_type(await messages_to(orchestrator), "result")
        assert result["clock"] == OWN_CLOCK

    played(script)


def test_a_replica_whose_clock_is_none_is_refused_by_the_field() -> None:
    async def script(join: Join) -> None:
        replica = await join()
        await replica.send("enrol", secret=RUN_SECRET, clock={"boot_id": "b00t"})
        refused = {"type": "failed", "reason": "the offset_ns of a clock is None"}
        assert await replica.receive() == refused
        orchestrator = await ordered(join, 1)
        await orchestrator.close()

    played(script)


async def answer_pings(peer: Peer, ahead_ns: int) -> dict[str, Any]:
    """Answer pings as on a clock that is so far ahead; return the message that follows them."""
    while (message := await peer.receive())["type"] == "ping":
        await peer.send("pong", t_ns=time.monotonic_ns() + ahead_ns)
    return dict(message)


def test_the_start_is_announced_to_each_on_its_own_clock() -> None:
    """The error of the pings is below the patience of this test, and far below the difference."""
    behind_ns, ahead_ns = -3600 * NS_PER_S, 86_400 * NS_PER_S

    async def script(join: Join) -> None:
        here, there, also_there = [await join() for _ in range(3)]
        await here.send("enrol", secret=RUN_SECRET, clock=OWN_CLOCK)
        for replica in (there, also_there):
            await replica.send("enrol", secret=RUN_SECRET, clock=OTHER_CLOCK)
        orchestrator = await ordered(join, 3, clock={**OTHER_CLOCK, "offset_ns": behind_ns})
        await asyncio.gather(*map(made_ready, (here, there, also_there)))
        starts = await asyncio.gather(
            here.receive(),
            answer_pings(there, ahead_ns),
            answer_pings(also_there, ahead_ns),
            answer_enrolled(orchestrator, behind_ns),
        )
        first_ns, second_ns, third_ns, of_orchestrator_ns = (each["start_ns"] for each in starts)
        assert second_ns == third_ns
        assert abs(second_ns - first_ns - ahead_ns) < NS_PER_S
        assert abs(of_orchestrator_ns - first_ns - behind_ns) < NS_PER_S
        await orchestrator.close()

    played(script)


async def answer_enrolled(orchestrator: Peer, ahead_ns: int) -> dict[str, Any]:
    """Receive that replicas have enrolled, then answer pings; return what follows."""
    for count in (1, 2, 3):
        assert await orchestrator.receive() == {"type": "enrolled", "count": count}
    return await answer_pings(orchestrator, ahead_ns)


def test_programs_with_the_clock_of_the_conductor_are_not_pinged() -> None:
    async def script(join: Join) -> None:
        replica = await join()
        await replica.send("enrol", secret=RUN_SECRET, clock=OWN_CLOCK)
        orchestrator = await ordered(join, 1, clock=OWN_CLOCK)
        await made_ready(replica)
        start = await replica.receive()
        assert await orchestrator.receive() == {"type": "enrolled", "count": 1}
        assert await orchestrator.receive() == {"type": "started", "start_ns": start["start_ns"]}
        await orchestrator.close()

    played(script)


@pytest.mark.parametrize("answer", [{"t_ns": 1.5}, {"t_ns": True}, {}, {"kind": "ready"}])
def test_a_replica_that_answers_a_ping_wrongly_is_lost(answer: dict[str, Any]) -> None:
    async def script(join: Join) -> None:
        replica = await join()
        await replica.send("enrol", secret=RUN_SECRET, clock=OTHER_CLOCK)
        orchestrator = await ordered(join, 1)
        await made_ready(replica)
        assert await replica.receive() == {"type": "ping"}
        await replica.send(answer.pop("kind", "pong"), **answer)
        (lost,) = of_type(await messages_to(orchestrator), "lost")
        assert "before its answer to a ping came: an answer to a ping is" in lost["reason"]

    played(script)


def test_no_replica_reports_while_another_is_still_under_load() -> None:
    async def script(join: Join) -> None:
        first, second = [await enlisted(join) for _ in range(2)]
        orchestrator = await ordered(join, 2)
        await asyncio.gather(made_ready(first), made_ready(second))
        early = asyncio.ensure_future(report(first, 0))
        assert (await second.receive())["type"] == "start"
        await second.send("progress", **PULSE)
        messages = [await orchestrator.receive() for _ in range(4)]
        assert [each["type"] for each in messages] == ["enrolled"] * 2 + ["started", "progress"]
        assert not early.done()
        await second.send("over")
        assert (await orchestrator.receive())["type"] == "over"
        await early
        await orchestrator.close()

    played(script)


def test_an_order_to_stop_reaches_all_replicas_and_their_results_still_come() -> None:
    async def script(join: Join) -> None:
        replicas = [await enlisted(join) for _ in range(2)]
        orchestrator = await ordered(join, 2)
        await asyncio.gather(*map(made_ready, replicas))
        for replica in replicas:
            assert (await replica.receive())["type"] == "start"
        await orchestrator.send("stop")
        for replica in replicas:
            assert await replica.receive() == {"type": "stop"}
            await replica.send("over")
        for number, replica in enumerate(replicas):
            assert await replica.receive() == {"type": "report"}
            await replica.send("result", [b"one\n"], **a_result(number, 4))
        messages = await messages_to(orchestrator)
        kinds = [each["type"] for each in messages if each["type"] != "part"]
        assert kinds == ["enrolled", "enrolled", "started", "over", "result", "result", "done"]
        assert complete(messages) == {0: b"one\n", 1: b"one\n"}

    played(script)


def test_a_message_that_is_no_order_ends_the_run() -> None:
    async def script(join: Join) -> None:
        replica = await enlisted(join)
        orchestrator = await ordered(join, 1)
        await made_ready(replica)
        await orchestrator.send("progress")
        assert (await replica.receive())["type"] == "start"
        assert await replica.reader.read() == b""

    played(script)


def test_the_first_of_each_group_come_first() -> None:
    async def script(join: Join) -> None:
        orchestrator = await ordered(join, 2, 2)
        replicas = [await enlisted(join) for _ in range(4)]
        loads = [await made_ready(replica) for replica in replicas]
        assert [(load["replica"], load["group"]["name"], load["place"]) for load in loads] == [
            (0, "group-0", 0), (2, "group-1", 0), (1, "group-0", 1), (3, "group-1", 1),
        ]  # fmt: skip
        await orchestrator.close()

    played(script)


def test_an_end_does_not_overtake_what_was_sent_before_it() -> None:
    """What the orchestrator has not read yet may still be in the conductor's own memory."""
    samples = bytes(60_000)  # more than the socket takes, less than makes `drain` wait

    async def script(join: Join) -> None:
        replica = await enlisted(join)
        orchestrator = await ordered(join, 1)
        await made_ready(replica)
        await report(replica, 0, samples)
        await replica.reader.read()  # the conductor is done with it
        for _ in range(100):
            await asyncio.sleep(0)  # and may now do what it does after `done`
        messages = await messages_to(orchestrator)
        assert complete(messages) == {0: samples}

    played(script)


def test_samples_of_any_size_pass_unchanged() -> None:
    samples = bytes(range(256)) * 10_000

    async def script(join: Join) -> None:
        replica = await enlisted(join)
        orchestrator = await ordered(join, 1)
        await made_ready(replica)
        await report(replica, 0, samples)
        messages = await messages_to(orchestrator)
        assert [each["type"] for each in messages][:4] == ["enrolled", "started", "over", "result"]
        assert complete(messages) == {0: samples}

    played(script)


def test_replicas_are_dismissed_when_the_orchestrator_leaves() -> None:
    async def script(join: Join) -> None:
        orchestrator = await ordered(join, 9)
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
def test_an_unknown_program_is_disconnected_and_the_run_goes_on(garbage: bytes) -> None:
    async def script(join: Join) -> None:
        stranger = await join()
        stranger.writer.write(garbage)
        stranger.writer.write_eof()
        try:
            while await stranger.reader.read(4096):
                pass
        except ConnectionResetError:
            pass  # closed before it had read all
        orchestrator = await ordered(join, 1)
        await take_part(join)
        while (await orchestrator.receive())["type"] != "done":
            pass

    played(script)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"groups": []}, "invalid Order: groups is empty or missing"),
        ({"groups": [{}]}, "invalid GroupOrder: name is missing"),
        ({"timeout_s": "20"}, "invalid Order: timeout_s is '20'"),
        ({"timeout_s": float("nan")}, "invalid Order: timeout_s is nan"),
        ({"margin_s": -1}, "invalid Order: margin_s is -1"),
        ({"enrol_s": float("inf")}, "invalid Order: enrol_s is inf"),
        ({"seed": None}, "invalid Order: seed is None"),
    ],
)
def test_an_invalid_order_is_named(changes: dict[str, Any], reason: str) -> None:
    async def script(join: Join) -> None:
        wrong = await ordered(join, 1, **changes)
        assert await wrong.receive() == {"type": "failed", "reason": reason}
        right = await ordered(join, 1)
        second = await ordered(join, 1)
        assert (await second.receive())["type"] == "failed"
        await right.close()

    played(script)


def test_replicas_that_never_come_are_lost_after_a_while_and_each_group_keeps_some() -> None:
    async def script(join: Join) -> None:
        present = [asyncio.ensure_future(take_part(join)) for _ in range(2)]
        orchestrator = await ordered(join, 2, 2, enrol_s=0.1)
        messages = await messages_to(orchestrator)
        for each in present:
            await each
        assert [each["replica"] for each in of_type(messages, "result")] == [0, 2]
        never = {"host": None, "pid": None, "reason": "did not enrol within 0.1 s"}
        assert of_type(messages, "lost") == [{"replica": 1, **never}, {"replica": 3, **never}]

    played(script)


def test_a_run_without_replicas_ends() -> None:
    async def script(join: Join) -> None:
        messages = await messages_to(await ordered(join, 2, enrol_s=0.02))
        assert [message["type"] for message in messages] == ["lost", "lost", "done"]

    played(script)


@pytest.mark.parametrize("replicas", [1, 2])
def test_a_replica_that_comes_late_is_turned_away(replicas: int) -> None:
    async def script(join: Join) -> None:
        early = await enlisted(join)
        orchestrator = await ordered(join, replicas, enrol_s=0.1)
        await made_ready(early)
        late = await enlisted(join, LATE_PID)
        assert await late.receive() == {
            "type": "dismissed",
            "reason": "the run has begun without it",
        }
        with pytest.raises(EOFError):
            await late.receive()
        await report(early, 0)
        messages = await messages_to(orchestrator)
        assert len(of_type(messages, "result")) == 1
        assert of_type(messages, "lost") == [
            {
                "replica": 1,
                "host": "here",
                "pid": LATE_PID,
                "reason": "enrolled when the run had begun",
            }
        ] * (replicas - 1)

    played(script)


def test_all_start_at_one_instant_that_is_still_to_come() -> None:
    async def script(join: Join) -> None:
        replicas = [await enlisted(join) for _ in range(3)]
        orchestrator = await ordered(join, 3, margin_s=60.0)
        await asyncio.gather(*map(made_ready, replicas))
        starts = {(await replica.receive())["start_ns"] for replica in replicas}
        assert len(starts) == 1
        assert starts.pop() > time.monotonic_ns()
        await orchestrator.close()

    played(script)


@pytest.mark.parametrize("port", ["x", "65536", "-1", "²", "000000"])
def test_a_bad_port_is_named(port: str) -> None:
    with pytest.raises(OptionsError, match="LAB_CONDUCTOR_PORT"):
        run_conductor({"LAB_CONDUCTOR_PORT": port})


def test_a_conductor_without_a_secret_does_not_start() -> None:
    with pytest.raises(OptionsError, match="LAB_RUN_SECRET is not set"):
        run_conductor({"LAB_CONDUCTOR_PORT": "0"})


@pytest.mark.parametrize("secret", [None, "", "wrong", 7, [RUN_SECRET], "\ud800"])
@pytest.mark.parametrize("kind", ["enrol", "run"])
def test_a_stranger_without_the_secret_neither_enrols_nor_runs(kind: str, secret: object) -> None:
    async def script(join: Join) -> None:
        stranger = await join()
        await stranger.send(kind, **{**an_order(1), "host": "here", "pid": 1, "secret": secret})
        answer = await stranger.receive()
        assert answer["type"] == "failed"
        assert "the secret of the run, LAB_RUN_SECRET, is missing or wrong" in answer["reason"]
        orchestrator = await ordered(join, 1)
        await take_part(join)
        messages = await messages_to(orchestrator)
        assert [each["count"] for each in of_type(messages, "enrolled")] == [1]
        assert messages[-1] == {"type": "done"}

    played(script)


@pytest.mark.parametrize("sends", [b"", b"x", b"\xff\n", b"x" * 200_000, b"[" * 60_000 + b"\n"])
def test_strangers_do_not_hold_or_break_a_run(sends: bytes) -> None:
    async def script(join: Join) -> None:
        strangers = [await join() for _ in range(8)]
        for stranger in strangers:
            stranger.writer.write(sends)
        orchestrator = await ordered(join, 1)
        await take_part(join)
        messages = await messages_to(orchestrator)
        assert len(of_type(messages, "result")) == 1
        assert messages[-1] == {"type": "done"}

    played(script)


def test_too_many_strangers_drop_the_oldest_of_them_and_no_replica(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("client.conductor.server.MAX_STRANGERS", 2)

    async def script(join: Join) -> None:
        replica = await enlisted(join)
        orchestrator = await ordered(join, 2)
        assert await orchestrator.receive() == {"type": "enrolled", "count": 1}
        first, *_ = [await join() for _ in range(3)]
        with pytest.raises((EOFError, OSError)):
            await first.receive()
        await enlisted(join)
        await made_ready(replica)
        await orchestrator.close()

    played(script)


def test_a_silent_stranger_is_closed_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("client.conductor.server.HELLO_S", 0.01)

    async def script(join: Join) -> None:
        stranger = await join()
        with pytest.raises((EOFError, OSError)):
            await stranger.receive()
        orchestrator = await ordered(join, 1)
        await orchestrator.close()

    played(script)


def test_the_orchestrator_is_informed_while_no_replica_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("client.conductor.server.WAITING_S", 0.01)

    async def script(join: Join) -> None:
        orchestrator = await ordered(join, 1)
        assert await orchestrator.receive() == {"type": "waiting"}
        assert await orchestrator.receive() == {"type": "waiting"}
        await orchestrator.close()

    played(script)
