"""The client program against real server processes."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conformance import ROOT
from labkit.wire.progress import Pulse
from labkit.workload.load_order import CLOSED, GroupOrder, Order
from orchestrator.analysis.join import merge
from orchestrator.execution.load_driver import Watch, drive
from orchestrator.execution.process.program import Program
from orchestrator.results.client_samples import read_client_run
from orchestrator.results.replica_report import MESSAGE_COUNTS
from orchestrator.results.server_log import log_of
from orchestrator.scenario.models import discover_models

pytestmark = pytest.mark.together

DEADLINE_S = 60.0
Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start programs of the lab; all of them are ended with the test."""
    programs: list[Program] = []

    def started(name: str, *arguments: str, **settings: str) -> Program:
        log = tmp_path / f"{name}-{len(programs)}.log"
        programs.append(
            Program(name, [sys.executable, *arguments], {**os.environ, **settings}, log)
        )
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


def client(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    ended = subprocess.run(
        [sys.executable, str(ROOT / "client/client.py"), *arguments],
        cwd="/",
        env=clean_environment() | settings,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert "Traceback" not in ended.stderr
    return ended


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("LAB_")}


@contextmanager
def running_client(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "client/client.py", *arguments],
        cwd=ROOT,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def await_line(process: "subprocess.Popen[str]", part: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if part in line:
            return line
    pytest.fail(f"the client never printed {part!r}")


def sum_of(out: str) -> dict[str, int]:
    """Return the final summary, whose counts must add up."""
    (line,) = [line for line in out.splitlines() if " sent, " in line]
    counts = line.partition(";")[0].replace("in flight", "in_flight").replace("never ", "un")
    found = {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", counts)}
    books = dict.fromkeys(("sent", "acked", "failed", "in_flight", "unsent"), 0) | found
    assert books["sent"] == books["acked"] + books["failed"] + books["in_flight"]
    return books


@pytest.mark.parametrize("model", discover_models())
def test_three_clients_print_their_steps(model: str, serve: Callable[..., str]) -> None:
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


def test_no_server_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = f"127.0.0.1:{listener.getsockname()[1]}"
    ended = client("2", "--target", target)
    assert ended.returncode == 1
    assert f"no server listens at {target}; start one" in ended.stderr
    assert "10 never sent; errors: refused 2" in ended.stdout


@pytest.mark.parametrize(
    ("reply", "kind"), [(b"", "closed_early 1"), (b"nak", "bad_reply 1"), (None, "reset 1")]
)
def test_an_error_of_the_server_is_named(reply: bytes | None, kind: str) -> None:
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
        "2 sent, 0 acked, 2 failed, 0 in flight, 8 never sent; errors: timed_out 2" in ended.stdout
    )


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_with_a_summary(
    serve: Callable[..., str], signum: signal.Signals
) -> None:
    target = serve("single", LAB_SERVICE_TIME="50s")
    with running_client("--target", target) as process:
        await_line(process, "sends message 1")
        process.send_signal(signum)
        out, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130
    assert "1 sent, 0 acked, 0 failed, 1 in flight, 4 never sent" in out
    assert err == ""


def test_an_interrupt_amid_the_fastest_of_loops_leaves_counts_that_add_up(
    serve: Callable[..., str],
) -> None:
    target = serve("epoll", LAB_SERVICE_TIME="0s", LAB_LOG_LEVEL="lifecycle")
    with running_client("20", "--messages", "1000000", "--target", target) as process:
        await_line(process, "ack of message 20 ")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130
    assert err == ""
    books = sum_of(out)
    assert books["sent"] + books["unsent"] == 20_000_000
    assert books["failed"] == 0


def test_a_server_that_dies_midway(start: Start) -> None:
    settings = {"LAB_HOST": "127.0.0.1", "LAB_PORT": "0", "LAB_LOG_FORMAT": "json"}
    server = start("server", "-m", "services.epoll.server", **settings)
    target = f"127.0.0.1:{server.listening_port()}"
    arguments = ("4", "--messages", "1000", "--demand", "sleep=5ms", "--target", target)
    with running_client(*arguments) as process:
        await_line(process, "ack of message 3 ")
        server.kill()
        out, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 1
    assert "client: the server at" in err
    books = sum_of(out)
    assert books["sent"] + books["unsent"] == 4000
    assert books["failed"] <= 4
    ends = re.search(r"errors: (.*)", out)
    assert ends is not None
    kinds = dict(part.split() for part in ends[1].split(", "))
    assert sum(map(int, kinds.values())) == 4
    assert kinds.keys() <= {"reset", "closed_early"}


def test_some_clients_get_no_descriptor(serve: Callable[..., str]) -> None:
    target = serve("epoll", LAB_SERVICE_TIME="1ms")
    limited = 'ulimit -n 20; exec "$@"'
    ended = subprocess.run(
        ["sh", "-c", limited, "sh", sys.executable, "client/client.py", "30", "--target", target],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert ended.returncode == 1
    books = sum_of(ended.stdout)
    assert books["sent"] + books["unsent"] == 150
    assert books["acked"] == books["sent"] > 0
    assert "no descriptor or local port left" in ended.stderr


@pytest.mark.slow
def test_a_long_wait_is_reported(serve: Callable[..., str]) -> None:
    target = serve("single", LAB_SERVICE_TIME="50s")
    with running_client("2", "--target", target) as process:
        await_line(process, "... clients: 2 waiting for an ack")


def test_quiet_prints_the_summary_only(serve: Callable[..., str]) -> None:
    target = serve("epoll", LAB_SERVICE_TIME="1ms")
    ended = client("--quiet", LAB_TARGET=target, LAB_CONNECTIONS="3", LAB_MESSAGES="2")
    assert ended.returncode == 0
    assert ended.stdout.splitlines()[0] == "6 sent, 6 acked, 0 failed"
    assert len(ended.stdout.splitlines()) == 2


def test_a_target_without_an_address() -> None:
    ended = client("--target", f"{'x' * 70}:3000")
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1


def test_help_has_examples() -> None:
    ended = client("--help")
    assert ended.returncode == 0
    assert "python client/client.py 3" in ended.stdout


def test_a_reader_of_the_output_may_leave(serve: Callable[..., str]) -> None:
    """As with ``| head -1``: the run continues without output."""
    with running_client("--target", serve("epoll", LAB_SERVICE_TIME="1ms")) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(DEADLINE_S) == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--messages", "many"), "--messages: 'many' is not a whole number from 1 to 1000000"),
        (("--mesages", "3"), "unrecognized arguments: --mesages; see --help"),
    ],
)
def test_a_bad_option_is_one_line(arguments: tuple[str, ...], said: str) -> None:
    ended = client(*arguments)
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[0].startswith(f"client: {said[:20]}")
    assert len(ended.stderr.splitlines()) == 1


SECRET = {"LAB_RUN_SECRET": "5ec7e7"}


@pytest.fixture
def conducting(start: Start) -> Program:
    settings = {"LAB_CONDUCTOR_HOST": "127.0.0.1", "LAB_CONDUCTOR_PORT": "0", **SECRET}
    return start("conductor", "client/client.py", "conductor", **settings)


@pytest.fixture
def conductor(conducting: Program, tmp_path: Path) -> Iterator[tuple[str, int]]:
    """Yield a conductor's address; its stderr must stay empty."""
    yield "127.0.0.1", conducting.listening_port()
    (complaints,) = tmp_path.glob("conductor-*.stderr")
    assert complaints.read_text() == ""


def enlist(start: Start, conductor: tuple[str, int], count: int) -> list[Program]:
    address = f"{conductor[0]}:{conductor[1]}"
    settings = {"LAB_CONDUCTOR": address, **SECRET}
    return [start("replica", "client/client.py", **settings) for _ in range(count)]


def load(target: str) -> Order:
    group = GroupOrder(
        name="clients",
        replicas=3,
        loop=CLOSED,
        initial=7,
        messages=4,
        demand="sleep=1ms",
        think_time="2ms",
    )
    return Order((group,), target, seed=1, timeout_s=30.0, margin_s=0.1, enrol_s=10.0)


def test_replicas_share_a_load_and_start_at_one_instant(
    start: Start, serve: Callable[..., str], conductor: tuple[str, int], tmp_path: Path
) -> None:
    replicas = enlist(start, conductor, 3)
    pulses: list[Pulse] = []
    begun: list[int] = []
    watch = Watch(begun.append, pulses.append)
    drive(conductor, load(serve("epoll")), tmp_path, watch, SECRET["LAB_RUN_SECRET"]).store(
        tmp_path
    )
    run = read_client_run(tmp_path)
    assert (run.gaps, run.lost) == ((), ())
    assert begun == [run.start_ns]
    for each in run.replicas:
        share = each.planned
        assert each.counts == {**dict.fromkeys(MESSAGE_COUNTS, 0), "sent": share, "acked": share}
        assert each.begun_ns >= run.start_ns
    sent = merge(run, log_of([])).requests
    assert sorted(set(sent["user"].tolist())) == list(range(7))
    assert len({(each["user"], each["message"]) for each in sent}) == len(sent) == 28
    assert set(sent["due_ns"][sent["message"] == 0].tolist()) == {run.start_ns}
    think_ns = 2_000_000
    by_place = {(int(each["user"]), int(each["message"])): each for each in sent}
    for (user, message), each in by_place.items():
        assert each["begun_ns"] <= each["connected_ns"] <= each["sent_ns"]
        assert each["due_ns"] <= each["sent_ns"] <= each["first_byte_ns"] <= each["ended_ns"]
        if message:
            assert each["due_ns"] == by_place[user, message - 1]["ended_ns"] + think_ns
    assert [replica.wait(DEADLINE_S) for replica in replicas] == [0, 0, 0]
