"""The client program against real server processes."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labkit.wire import Channel, Message
from orchestrator.backends.process import Program
from orchestrator.collect import read_client_run
from orchestrator.conductor import Load, drive
from orchestrator.models import discover_models
from tests.e2e.lab import ROOT

DEADLINE_S = 60.0
Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a program of the lab; all of them end with the test."""
    programs: list[Program] = []

    def started(name: str, *arguments: str, **settings: str) -> Program:
        log = tmp_path / f"{name}-{len(programs)}.log"
        programs.append(Program(name, list(arguments), settings, log))
        return programs[-1]

    yield started
    for program in programs:
        program.kill()


@pytest.fixture
def serve(start: Start) -> Callable[..., str]:
    """Start a server and return its address."""

    def served(model: str, **settings: str) -> str:
        where = {"LAB_HOST": "127.0.0.1", "LAB_PORT": "0", "LAB_LOG_FORMAT": "json"}
        server = start("server", "-m", f"services.{model}.server", **where, **settings)
        return f"127.0.0.1:{server.listening_port()}"

    return served


def client(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(ROOT / "client/client.py"), *arguments],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


@pytest.mark.parametrize("model", discover_models())
def test_three_clients_tell_their_story(model: str, serve: Callable[..., str]) -> None:
    ended = client("3", "--target", serve(model, LAB_SERVICE_TIME="5ms"))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    lines = ended.stdout.splitlines()
    assert sum("connected to" in line for line in lines) == 3
    assert sum("sends message 5: r0.c" in line for line in lines) == 3
    assert sum("ack of message" in line for line in lines) == 15
    assert sum("says goodbye" in line for line in lines) == 3
    assert sum("the server closed the connection, as asked" in line for line in lines) == 3
    assert lines[-2] == "15 sent, 15 acked, 0 failed"
    assert lines[-1].startswith("response time: min 0.0")


def test_a_demand_travels_in_the_message(serve: Callable[..., str]) -> None:
    target = serve("epoll", LAB_SERVICE_TIME="60s")
    ended = client("2", "--messages", "1", "--demand", "sleep=1ms", "--target", target)
    assert ended.returncode == 0
    assert "sends message 1: r0.c1.m0 sleep=1ms" in ended.stdout


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = f"127.0.0.1:{listener.getsockname()[1]}"
    ended = client("2", "--target", target)
    assert ended.returncode == 1
    assert f"nobody listens at {target}; start a server" in ended.stderr
    assert "10 never sent; errors: refused 2" in ended.stdout


@pytest.mark.parametrize(
    ("reply", "kind"), [(b"", "closed_early 1"), (b"nak", "bad_reply 1"), (None, "reset 1")]
)
def test_what_a_server_does_wrong_is_named(reply: bytes | None, kind: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def misbehave() -> None:
            conn, _ = listener.accept()
            conn.recv(100)
            if reply is None:
                linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # on, 0 s: close resets
                conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            elif reply:
                conn.sendall(reply)
                conn.recv(100)
            conn.close()

        server = threading.Thread(target=misbehave)
        server.start()
        ended = client("--target", f"127.0.0.1:{listener.getsockname()[1]}")
        server.join()
    assert ended.returncode == 1
    assert f"1 sent, 0 acked, 1 failed, 0 in flight, 4 never sent; errors: {kind}" in ended.stdout


def test_a_server_that_never_answers_times_out(serve: Callable[..., str]) -> None:
    target = serve("single", LAB_SERVICE_TIME="50s")
    ended = client("2", "--timeout", "200ms", "--target", target)
    assert ended.returncode == 1
    assert (
        "2 sent, 0 acked, 0 failed, 2 in flight, 8 never sent; errors: timed_out 2" in ended.stdout
    )


def test_ctrl_c_ends_with_the_sum(serve: Callable[..., str]) -> None:
    target = serve("single", LAB_SERVICE_TIME="50s")
    with subprocess.Popen(
        [sys.executable, "client/client.py", "--target", target],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        while "sends message 1" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130
    assert "1 sent, 0 acked, 0 failed, 1 in flight, 4 never sent" in out
    assert err == ""


def test_nobody_reads_to_the_end(serve: Callable[..., str]) -> None:
    """As behind ``| head -1``: the run goes on in silence."""
    target = serve("epoll", LAB_SERVICE_TIME="1ms")
    with subprocess.Popen(
        [sys.executable, "client/client.py", "--target", target],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(DEADLINE_S) == 0


def test_a_bad_option_is_one_line() -> None:
    ended = client("--messages", "many")
    assert ended.returncode == 2
    assert ended.stderr == ("client: --messages: 'many' is not a whole number from 1 to 1000000\n")


@pytest.fixture
def conductor(start: Start) -> tuple[str, int]:
    settings = {"LAB_CONDUCTOR_HOST": "127.0.0.1", "LAB_CONDUCTOR_PORT": "0"}
    program = start("conductor", "client/client.py", "conductor", **settings)
    return "127.0.0.1", program.listening_port()


def enlist(start: Start, conductor: tuple[str, int], count: int) -> list[Program]:
    address = f"{conductor[0]}:{conductor[1]}"
    return [start("replica", "client/client.py", LAB_CONDUCTOR=address) for _ in range(count)]


def load(target: str, **changes: object) -> Load:
    fields: dict[str, object] = {
        "replicas": 3,
        "users": 7,
        "messages": 4,
        "demand": "sleep=1ms",
        "think_time_s": 0.002,
        "target": target,
        "seed": 1,
        "timeout_s": 30.0,
        "margin_s": 0.1,
    }
    return Load(**fields | changes)  # type: ignore[arg-type]


def test_replicas_share_a_load_and_start_at_one_instant(
    start: Start, serve: Callable[..., str], conductor: tuple[str, int], tmp_path: Path
) -> None:
    replicas = enlist(start, conductor, 3)
    told: list[int] = []
    drive(conductor, load(serve("epoll")), tmp_path, told.append)
    run = read_client_run(tmp_path)
    assert run.gaps == ()
    assert run.books == {"sent": 28, "acked": 28, "failed": 0, "unsent": 0, "in_flight": 0}
    assert sorted({each.user for each in run.samples}) == list(range(7))
    assert len({each.request for each in run.samples}) == 28
    assert all(first >= run.start_ns for first in run.started_ns)
    first_due = {each.due_ns for each in run.samples if each.message == 0}
    assert first_due == {run.start_ns}
    think_ns = 2_000_000
    by_place = {(each.user, each.message): each for each in run.samples}
    for (user, message), each in by_place.items():
        assert each.due_ns <= each.sent_ns <= each.ended_ns
        if message:
            assert each.due_ns == by_place[user, message - 1].ended_ns + think_ns
    assert [replica.wait(DEADLINE_S) for replica in replicas] == [0, 0, 0]


def test_a_replica_that_dies_is_named(
    start: Start, serve: Callable[..., str], conductor: tuple[str, int]
) -> None:
    replicas = enlist(start, conductor, 2)
    target = serve("single", LAB_SERVICE_TIME="50s")
    with Channel(socket.create_connection(conductor, DEADLINE_S)) as channel:
        channel.send("run", **vars(load(target, replicas=2, demand=None)))
        receive_until(channel, "started")
        replicas[0].kill()
        replicas[1].kill()
        assert "left before its result" in receive_until(channel, "failed")["reason"]


def test_replicas_end_when_the_orchestrator_goes_away(
    start: Start, serve: Callable[..., str], conductor: tuple[str, int]
) -> None:
    replicas = enlist(start, conductor, 2)
    target = serve("single", LAB_SERVICE_TIME="50s")
    with Channel(socket.create_connection(conductor, DEADLINE_S)) as channel:
        channel.send("run", **vars(load(target, replicas=2, demand=None)))
        receive_until(channel, "started")
    assert [replica.wait(DEADLINE_S) for replica in replicas] == [3, 3]


def receive_until(channel: Channel, kind: str) -> Message:
    while (message := channel.receive())["type"] != kind:
        assert message["type"] != "done"
    return message
