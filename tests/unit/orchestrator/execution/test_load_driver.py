"""The load driver with a scripted conductor, over a socket."""

import contextlib
import json
import socket
import threading
import time
from array import array
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from labkit.clock import own_clock_fields
from labkit.wire.progress import Pulse
from labkit.wire.samples import FAILURES, ConnectionRow, Row, pack
from labkit.wire.wire import Channel, WireError
from labkit.workload.load_order import CLOSED, GroupOrder, Order
from orchestrator.execution.backend import BackendError
from orchestrator.execution.cpus import Cpus
from orchestrator.execution.host import HostTimes
from orchestrator.execution.load_driver import Watch, drive
from orchestrator.execution.machine_times import KernelTimes
from orchestrator.execution.machines import AskedMachine, HostReading
from orchestrator.results.archive import CLIENTS
from orchestrator.results.client_samples import LostReplica, read_client_run

GROUP = GroupOrder(name="clients", replicas=2, loop=CLOSED, initial=3, messages=2)
LOAD = Order((GROUP,), "server:3000", seed=1, timeout_s=5.0, margin_s=0.1, enrol_s=1.0)
SECRET = "5ec7e7"  # noqa: S105 of a test
BOOKS = {"sent": 1, "acked": 1, "failed": 0, "unsent": 3, "in_flight": 0, "retries": 0}
HEALTH = {
    "cpu_s": 0.1, "wall_s": 1.0, "lags": 0, "lag_p50_ns": None, "lag_p99_ns": None,
    "lag_max_ns": None, "gc_pauses": 0, "gc_pause_s": 0.0,
    "throttled_periods": 0,
    "run_delay_s": 0.0,
}  # fmt: skip

SAMPLES = pack(array("Q", [0, 0, 1_000, 1_100, 1_200, 500_001_000, 1]), Row._fields)
CONNECTIONS = pack(array("Q", [0, 1_050, 1_060, 500_002_000, 0, 40_000]), ConnectionRow._fields)


def played(
    script: Callable[[Channel], None],
    folder: Path,
    told: list[Pulse],
    **callbacks: Any,  # noqa: ANN401 any of Watch
) -> float:
    """Drive LOAD with a conductor that runs ``script``."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def conduct() -> None:
            sock, _ = listener.accept()
            with Channel(sock) as channel:
                own = {"secret": SECRET, "clock": own_clock_fields()}
                run = {"type": "run", **own, **asdict(LOAD)}
                assert channel.receive() == json.loads(json.dumps(run))
                script(channel)

        conductor = threading.Thread(target=conduct)
        conductor.start()
        begun: list[int] = []
        try:
            watch = Watch(begun.append, told.append, **callbacks)
            reports = drive(listener.getsockname()[:2], LOAD, folder, watch, SECRET)
            reports.store(folder)
            return reports.load_s
        finally:
            conductor.join()


def a_result(number: int = 0, /, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 any field
    """Return the result of a replica with one message on one connection, but for ``changes``."""
    result = {
        "replica": number,
        "start_ns": 1_000,
        "first_connect_ns": 1_050,
        "end_ns": 500_001_000,
        "planned": 4,
        "books": BOOKS,
        "errors": dict.fromkeys(FAILURES, 0),
        "health": HEALTH,
        "samples_bytes": len(SAMPLES),
        "connections_bytes": len(CONNECTIONS),
        "host": "there",
        "pid": 8,
    }
    return result | changes


def report(channel: Channel, number: int = 0, /, **changes: Any) -> None:  # noqa: ANN401 any field
    """Report the result of a replica with its samples in parts, but for ``changes``."""
    channel.send("result", **a_result(number, **changes))
    for table in (SAMPLES[:100], SAMPLES[100:], CONNECTIONS):
        channel.send("part", table, bytes=len(table))


def lose(channel: Channel, replica: int, **who: Any) -> None:  # noqa: ANN401
    """Report a lost replica."""
    channel.send("lost", replica=replica, **{"host": None, "pid": None, "reason": "left", **who})


def test_a_run_leaves_what_the_clients_reported(tmp_path: Path) -> None:
    def script(channel: Channel) -> None:
        channel.send("enrolled", count=1)
        channel.send("enrolled", count=2)
        channel.send("started", start_ns=1_000)
        channel.send("progress", **vars(Pulse(1, 2, 3, 4)))
        channel.send("over")
        report(channel, 1)
        report(channel, 0)
        channel.send("done")

    told: list[Pulse] = []
    assert played(script, tmp_path, told) == HEALTH["wall_s"]  # longer than until the last ack
    assert told == [Pulse(1, 2, 3, 4)]
    run = read_client_run(tmp_path)
    assert [(each.number, each.group, each.planned) for each in run.replicas] == [
        (0, "clients", 4),
        (1, "clients", 4),
    ]
    assert run.replicas[0].counts == BOOKS
    assert run.replicas[0].messages["sent_ns"].tolist() == [1_100]
    assert run.replicas[0].connections["port"].tolist() == [40_000]
    assert run.gaps == ()
    assert run.lost == ()


def test_what_other_machines_answer_at_the_begin_and_the_end_of_the_load_is_stored(
    tmp_path: Path,
) -> None:
    asked_s: list[float] = []

    def read_host() -> HostReading:
        asked_s.append(10.0 * len(asked_s))
        cpus = Cpus.all_of(4)
        there = HostTimes(asked_s[-1], cpus, KernelTimes(idle_s=asked_s[-1]), 0.0, {"server": 1.0})
        far = AskedMachine("far", "kernel", [lambda: there])
        return HostReading(HostTimes.elsewhere(cpus), [far])

    def script(channel: Channel) -> None:
        channel.send("started", start_ns=1_000)
        channel.send("over")
        report(channel)
        channel.send("done")

    played(script, tmp_path, [], read_host=read_host)
    (machine,) = read_client_run(tmp_path).machines
    assert (machine.name, machine.boot_id, machine.reason) == ("far", "kernel", "")
    assert (machine.times["wall_s"], machine.times["server_s"]) == (10.0, 0.0)
    assert len(asked_s) == 3  # also before the start, in case there is none


def test_a_ping_is_answered_with_the_instant_of_the_orchestrator(tmp_path: Path) -> None:
    answers: list[tuple[int, Any, int]] = []

    def script(channel: Channel) -> None:
        for _ in range(2):
            before_ns = time.monotonic_ns()
            channel.send("ping")
            answers.append((before_ns, channel.receive(), time.monotonic_ns()))
        channel.send("started", start_ns=1_000)
        report(channel, 0)
        channel.send("done")

    played(script, tmp_path, [])
    assert [answer["type"] for _, answer, _ in answers] == ["pong", "pong"]
    assert all(before <= answer["t_ns"] <= after for before, answer, after in answers)


def test_a_hopeless_load_is_stopped_once_and_its_results_are_kept(tmp_path: Path) -> None:
    received: list[str] = []

    def script(channel: Channel) -> None:
        channel.send("started", start_ns=1_000)
        channel.send("progress", **vars(Pulse(errors=3)))
        channel.send("progress", **vars(Pulse(errors=4)))
        received.append(channel.receive()["type"])
        channel.send("progress", **vars(Pulse(errors=5)))
        channel.send("over")
        report(channel, 0)
        report(channel, 1)
        channel.send("done")
        channel.settimeout(0.1)
        with contextlib.suppress(WireError):
            received.append(channel.receive()["type"])

    asked: list[tuple[int, int]] = []

    def is_hopeless(pulse: Pulse, start_ns: int) -> bool:
        asked.append((pulse.errors, start_ns))
        return pulse.errors > 3

    played(script, tmp_path, [], is_hopeless=is_hopeless)
    assert received == ["stop"]
    assert asked == [(3, 1_000), (4, 1_000)]
    assert len(read_client_run(tmp_path).replicas) == 2


def test_a_lost_replica_is_named_with_its_share_beside_the_results_of_the_others(
    tmp_path: Path,
) -> None:
    def script(channel: Channel) -> None:
        lose(channel, 1, host="there", pid=9, reason="left before its result came")
        channel.send("started", start_ns=1_000)
        report(channel)
        channel.send("done")

    played(script, tmp_path, [])
    run = read_client_run(tmp_path)
    assert [each.number for each in run.replicas] == [0]
    assert run.lost == (LostReplica(1, "clients", "there", "left before its result came", 2),)
    (told,) = json.loads((tmp_path / CLIENTS).read_text())["lost"]
    assert told["pid"] == 9


def test_a_replica_that_is_lost_amid_its_samples_leaves_none(tmp_path: Path) -> None:
    def script(channel: Channel) -> None:
        channel.send("started", start_ns=1_000)
        channel.send("result", **a_result(1))
        channel.send("part", b"some", bytes=4)
        lose(channel, 1, reason="left before the rest of its samples came")
        report(channel)
        channel.send("done")

    played(script, tmp_path, [])
    assert [each.number for each in read_client_run(tmp_path).replicas] == [0]
    names = {"clients.json", "samples-000.npy", "connections-000.npy"}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_another_replica_may_be_lost_amid_the_samples_of_one(tmp_path: Path) -> None:
    def script(channel: Channel) -> None:
        channel.send("started", start_ns=1_000)
        channel.send("result", **a_result(0))
        channel.send("part", SAMPLES[:1], bytes=1)
        lose(channel, 1)
        channel.send("part", SAMPLES[1:], bytes=len(SAMPLES) - 1)
        channel.send("part", CONNECTIONS, bytes=len(CONNECTIONS))
        channel.send("done")

    played(script, tmp_path, [])
    run = read_client_run(tmp_path)
    assert run.gaps == ()
    assert ([each.number for each in run.replicas], run.lost[0].number) == ([0], 1)


def test_a_conductor_that_vanishes_amid_samples_is_named(tmp_path: Path) -> None:
    def script(channel: Channel) -> None:
        channel.send("started", start_ns=1_000)
        channel.send("result", **a_result(0))
        channel.send("part", b"some", bytes=5)

    with pytest.raises(BackendError, match="was lost: the peer closed the connection after 4 of 5"):
        played(script, tmp_path, [])
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_no_replica_is_left_of_is_named_with_the_losses(tmp_path: Path) -> None:
    def script(channel: Channel) -> None:
        lose(channel, 0, reason="refused: not here")
        lose(channel, 1)
        channel.send("done")

    with pytest.raises(
        BackendError, match=r"no client replica is left: replica 0 refused: not here; .* 1 left"
    ):
        played(script, tmp_path, [])
    assert not (tmp_path / CLIENTS).exists()


def test_an_order_that_the_conductor_refuses_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="the clients failed: no order"):
        played(lambda channel: channel.send("failed", reason="no order"), tmp_path, [])


def test_a_conductor_that_vanishes_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"conductor at 127\.0\.0\.1:\d+ was lost"):
        played(lambda _channel: None, tmp_path, [])


@pytest.mark.parametrize("is_started", [False, True])
def test_a_conductor_that_falls_silent_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_started: bool
) -> None:
    monkeypatch.setattr("orchestrator.execution.load_driver.READY_DEADLINE_S", -0.95)
    monkeypatch.setattr("orchestrator.execution.load_driver.RESULT_DEADLINE_S", -4.95)

    def script(channel: Channel) -> None:
        channel.send("enrolled", count=1)
        if is_started:
            channel.send("started", start_ns=1_000)
        with contextlib.suppress(WireError):
            channel.receive()  # the orchestrator's end of it

    expected = "reported nothing for" if is_started else "only 1 of 2 client replicas enrolled"
    with pytest.raises(BackendError, match=expected):
        played(script, tmp_path, [])


def test_a_conductor_that_is_not_there_is_named(
    tmp_path: Path, refusing_address: tuple[str, int]
) -> None:
    with pytest.raises(BackendError, match="was lost"):
        drive(
            refusing_address, LOAD, tmp_path, Watch(lambda _ns: None, lambda _pulse: None), SECRET
        )


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("health", {**HEALTH, "wall_s": "abc"}, "health.wall_s"),
        ("health", {**HEALTH, "wall_s": float("nan")}, "health.wall_s"),
        ("books", {**BOOKS, "acked": 10**400}, "books.acked"),
        ("end_ns", None, "end_ns"),
        ("errors", [], "errors"),
    ],
)
def test_a_replica_whose_result_is_invalid_is_lost_and_the_others_are_kept(
    tmp_path: Path, field: str, value: object, named: str
) -> None:
    def script(channel: Channel) -> None:
        channel.send("started", start_ns=1_000)
        report(channel, 1, **{field: value})
        report(channel)
        channel.send("done")

    assert played(script, tmp_path, []) == HEALTH["wall_s"]
    run = read_client_run(tmp_path)
    assert [each.number for each in run.replicas] == [0]
    (lost,) = run.lost
    assert (lost.number, lost.host) == (1, "there")
    assert lost.reason.startswith(f"sent a result that is invalid: {named}")


@pytest.mark.parametrize(
    ("field", "value"),
    [("replica", 2), ("replica", "0"), ("samples_bytes", 10**12), ("connections_bytes", -1)],
)
def test_a_result_that_cannot_be_read_to_its_end_breaks_the_run(
    tmp_path: Path, field: str, value: object
) -> None:
    changes: dict[str, Any] = {field: value}

    def script(channel: Channel) -> None:
        channel.send("started", start_ns=1_000)
        with contextlib.suppress(OSError):  # the driver has left
            report(channel, **changes)

    with pytest.raises(BackendError, match=f"{field} is not a whole number from 0 to"):
        played(script, tmp_path, [])


@pytest.mark.parametrize("is_waiting", [True, False])
def test_a_program_that_ends_before_the_start_is_quoted_at_once(
    tmp_path: Path, is_waiting: bool
) -> None:
    def script(channel: Channel) -> None:
        if is_waiting:
            channel.send("waiting")
            with contextlib.suppress(WireError, OSError):
                channel.receive()

    def check() -> None:
        raise BackendError("client-003 ended too early, exit code 2")

    with pytest.raises(BackendError, match="client-003 ended too early, exit code 2"):
        played(script, tmp_path, [], check_programs=check)
