"""A service in the test's process: its listener, its log, and its drain by signals."""

import errno
import json
import os
import platform
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import pytest

from labkit.clock import Clock, own_clock
from labkit.server.connection import IDLE
from labkit.server.handover import Handover
from labkit.server.listener import ListenError
from labkit.server.passing import Inlet, Passing
from labkit.server.service import ACCEPT_RETRY_S, LEAVE, Service
from labkit.server.settings import Settings
from tests.unit.labkit.server.program_fixtures import (
    events_in,
    kept_signals,
    no_descriptor_is_left,
)

Capture = pytest.CaptureFixture[str]
Make = Callable[..., Service]
DEADLINE_S = 20.0


class ExitedError(Exception):
    """The process would have ended; the argument is its exit code."""


@pytest.fixture
def timers_s(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Collect the drain's time-outs; the interval timer itself is that of the test."""
    found: list[float] = []
    monkeypatch.setattr(signal, "setitimer", lambda _which, seconds: found.append(seconds))
    return found


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, timers_s: list[float]) -> Iterator[Make]:
    """Make services that listen; what would end the process raises `ExitedError`."""
    assert timers_s == []
    made: list[Service] = []

    def leave(code: int) -> None:
        raise ExitedError(code)

    def make(**changes: object) -> Service:
        settings = {"host": "127.0.0.1", "port": 0, "log_format": "json", **changes}
        made.append(Service("m", Settings(**settings)))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(os, "_exit", leave)
    with kept_signals():
        yield make
    for service in made:
        service.listener.close()


def client_of(service: Service) -> socket.socket:
    return socket.create_connection(service.listener.getsockname(), DEADLINE_S)


def test_listening_is_logged_and_then_the_file_is_there(
    make: Make, capfd: Capture, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    service = make(ready_file=str(ready))
    service.listening(workers=5)
    (event,) = events_in(capfd.readouterr().out)
    assert (event["event"], event["host"], event["workers"]) == ("listening", "127.0.0.1", 5)
    assert event["port"] == service.listener.getsockname()[1]
    assert (event["python"], event["interpreter_lock"]) == (platform.python_version(), True)
    assert Clock.read(event["clock"]) == own_clock()
    assert ready.exists()
    service.handle_signal(signal.SIGTERM)
    assert not ready.exists()


def test_a_signal_during_the_start_leaves_no_ready_file(
    make: Make, capfd: Capture, tmp_path: Path
) -> None:
    ready = tmp_path / "ready"
    service = make(ready_file=str(ready))
    service.handle_signal(signal.SIGTERM)
    service.listening(workers=5)
    assert [event["event"] for event in events_in(capfd.readouterr().out)] == ["drain_begun"]
    assert not ready.exists()


def test_a_ready_file_that_cannot_be_created_is_named(make: Make, tmp_path: Path) -> None:
    service = make(ready_file=str(tmp_path / "missing" / "ready"))
    with pytest.raises(ListenError, match="LAB_READY_FILE: cannot create it: "):
        service.listening(workers=1)


def test_connections_are_numbered_for_each_worker(make: Make, capfd: Capture) -> None:
    service = make(workers=2)
    with client_of(service), client_of(service), client_of(service):
        conns = [service.accept(worker) for worker in (1, 2, 1)]
        assert [conn.id for conn in conns] == ["1.1", "2.1", "1.2"]
        for conn in conns:
            conn.reset("the test is over", service.log(1))
    service.log(1).flush()
    service.log(2).flush()
    events = [event["event"] for event in events_in(capfd.readouterr().out)]
    assert sorted(events) == ["accepted"] * 3 + ["connection_failed"] * 3


def test_a_lack_of_descriptors_is_logged_and_accepting_is_tried_again(
    make: Make, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = make()
    waits_s: list[float] = []
    accept = service.accept

    def fail_once(worker: int) -> object:
        if not waits_s:
            raise OSError(errno.EMFILE, "too many open files")
        return accept(worker)

    monkeypatch.setattr(service, "accept", fail_once)
    monkeypatch.setattr(time, "sleep", waits_s.append)
    with client_of(service):
        conn = next(service.connections())
        assert conn.id == "1.1"
        conn.reset("the test is over", service.log(1))
    assert waits_s == [ACCEPT_RETRY_S]
    (refused,) = events_in(capfd.readouterr().out)
    assert (refused["event"], refused["error"]) == ("accept_refused", "EMFILE")


def test_an_error_of_the_listener_itself_is_a_defect(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda _pid, signum: sent.append(signum))
    service, error = make(), OSError(errno.EBADF, "bad descriptor")
    assert not service.refuse(error, worker=1)
    assert service.failure == "cannot accept: EBADF, a broken listener; giving up"
    assert sent == [signal.SIGTERM]


def test_a_drain_resets_what_waits_and_ends_accepting(
    make: Make, capfd: Capture, timers_s: list[float]
) -> None:
    service = make(drain_timeout_s=3.0)
    with client_of(service) as first, client_of(service):
        accepting = service.connections()
        conn = next(accepting)
        service.handle_signal(signal.SIGINT)
        assert service.draining
        assert list(accepting) == []
        assert conn.sock.recv(1) == b""  # no more is read from those that are open
        service.serve_connection(conn)
        with pytest.raises(ConnectionResetError):
            first.recv(1)
    service.log(1).flush()
    begun, accepted, failed = events_in(capfd.readouterr().out)
    assert (begun["signal"], begun["accept_queue_reset"]) == ("SIGINT", 1)
    assert accepted["event"] == "accepted"
    assert failed["reason"] == "reset by the drain, unread"
    assert timers_s == [3.0]
    assert service.listener.fileno() == -1


@pytest.mark.parametrize(
    ("signum", "code", "reason"),
    [
        (signal.SIGTERM, 143, "second signal, connections cut: 1"),
        (signal.SIGINT, 130, "second signal, connections cut: 1"),
        (signal.SIGALRM, 1, "drain time-out, connections cut: 1"),
    ],
)
def test_a_second_signal_or_the_time_out_stops_at_once(
    make: Make, capfd: Capture, signum: signal.Signals, code: int, reason: str
) -> None:
    service = make()
    with client_of(service):
        conn = service.accept(1)
        service.handle_signal(signal.SIGTERM)
        with pytest.raises(ExitedError) as left:
            service.handle_signal(signum)
        conn.sock.close()
    assert left.value.args == (code,)
    assert events_in(capfd.readouterr().out)[-1]["reason"] == reason


def test_a_workers_drain_leaves_the_queue_and_the_second_signal_to_its_parent(
    make: Make, capfd: Capture, tmp_path: Path
) -> None:
    service = make(ready_file=str(tmp_path / "ready"))
    service.listening(workers=1)
    shared = service.listener.dup()
    service.become_worker()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    with shared, socket.create_connection(shared.getsockname(), DEADLINE_S):
        service.handle_signal(signal.SIGTERM)
        service.handle_signal(signal.SIGTERM)
        assert service.draining
        shared.settimeout(DEADLINE_S)
        shared.accept()[0].close()  # the parent's listener still has the connection
    assert (tmp_path / "ready").exists()
    assert [event["event"] for event in events_in(capfd.readouterr().out)] == ["listening"]
    with pytest.raises(ExitedError):
        service.handle_signal(signal.SIGALRM)


def test_silent_connections_are_those_beyond_the_time_out(make: Make) -> None:
    service = make(idle_timeout_s=5.0)
    with client_of(service), client_of(service):
        silent, fresh = service.accept(1), service.accept(1)
        silent.active_ns -= 6_000_000_000
        assert list(service.silent_connections()) == [(silent, IDLE)]
        service.leaving = True  # then the drain's time-out counts, 10 s
        assert list(service.silent_connections()) == []
        for conn in (silent, fresh):
            conn.reset("the test is over", service.log(1))
    assert list(service.silent_connections()) == []


def test_giving_up_drains_once_and_keeps_the_first_reason(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, sent = make(), []
    monkeypatch.setattr(os, "kill", lambda pid, signum: sent.append((pid, signum)))
    service.give_up("worker 1 dies whenever it starts")
    service.give_up("worker 2 dies whenever it starts")
    assert sent == [(os.getpid(), signal.SIGTERM)]
    assert service.failure == "worker 1 dies whenever it starts; giving up"


def test_a_worker_that_leaves_passes_its_connection_to_the_next(make: Make, capfd: Capture) -> None:
    service, successor = make(), make()
    service.handover = successor.handover = Handover()
    service.become_worker()
    with client_of(service) as client:
        (conn,) = islice(service.connections(2), 1)
        client.sendall(b"a sleep=0ms\x03")
        os.kill(os.getpid(), LEAVE)
        service.serve_connection(conn, 2)
        assert list(service.connections(2)) == []
        (taken,) = islice(successor.connections(2), 1)
        assert taken.id == conn.id
        client.sendall(b"b sleep=0ms\x03goodbye\x03")
        successor.serve_connection(taken, 2)
        assert client.recv(64) == b"ackack"
    service.log(2).flush()
    successor.log(2).flush()
    events = [event for event in capfd.readouterr().out.splitlines() if "conn" in event]
    assert [json.loads(event)["event"] for event in events] == [
        "accepted", "request_acked", "request_acked", "connection_closed",
    ]  # fmt: skip
    service.handover.close()


def test_a_connection_that_has_said_goodbye_is_closed_not_passed_on(make: Make) -> None:
    service = make()
    service.handover = Handover()
    service.become_worker()
    with client_of(service) as client:
        (conn,) = islice(service.connections(2), 1)
        conn.session.receive(b"goodbye\x03", 1)
        assert conn.session.next_request() is None
        os.kill(os.getpid(), LEAVE)
        service.serve_connection(conn, 2)
        assert client.recv(64) == b""
    service.handover.close()


def test_a_drain_closes_the_connections_that_no_worker_has_taken(
    make: Make, capfd: Capture
) -> None:
    service = make()
    service.handover = Handover()
    with client_of(service) as client:
        (conn,) = islice(service.connections(2), 1)
        assert service.handover.give(conn)
        service.handle_signal(signal.SIGTERM)
        service.close_handed_over()
        assert client.recv(64) == b""
    service.log(0).flush()
    assert '"reason":"drain"' in capfd.readouterr().out
    service.handover.close()


def test_without_a_descriptor_a_worker_tries_again_to_take_a_connection(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, pauses_s = make(), []
    service.handover = Handover()
    with client_of(service):
        (conn,) = islice(service.connections(2), 1)
        assert service.handover.give(conn)
        limit = ExitStack()
        limit.enter_context(no_descriptor_is_left())

        def pause(wait_s: float) -> None:
            pauses_s.append(wait_s)
            limit.close()

        monkeypatch.setattr(time, "sleep", pause)
        (taken,) = islice(service.connections(2), 1)
        assert (taken.id, pauses_s) == (conn.id, [ACCEPT_RETRY_S])
        taken.forget()
    service.handover.close()


def test_a_drain_without_descriptors_leaves_what_no_worker_has_taken_for_later(make: Make) -> None:
    service = make()
    service.handover = Handover()
    with client_of(service) as client:
        (conn,) = islice(service.connections(2), 1)
        assert service.handover.give(conn)
        service.handle_signal(signal.SIGTERM)
        with no_descriptor_is_left():
            service.close_handed_over()
        service.close_handed_over()
        assert client.recv(64) == b""
    service.handover.close()


def _passing_one(parent: Service) -> tuple[Passing, Inlet]:
    """Return a passing whose one worker has been passed the connection that ``parent`` accepts."""
    passing = Passing()
    inlet = passing.open_inlet(1)
    with pytest.raises(BlockingIOError):
        inlet.take()
    passing.update(missing=())
    passing.pass_on(parent.accept(0), parent.log(0))
    return passing, inlet


def test_a_worker_to_which_connections_are_passed_takes_those_only(
    make: Make, capfd: Capture
) -> None:
    parent, worker = make(), make(workers=1)
    with client_of(parent) as client:
        passing, inlet = _passing_one(parent)
        worker.take_from(inlet)
        assert worker.listener.fileno() == -1
        (conn,) = islice(worker.connections(1), 1)
        client.sendall(b"a sleep=0ms\x03goodbye\x03")
        worker.serve_connection(conn, 1)
        assert client.recv(64) == b"ack"
    for log in (parent.log(0), worker.log(1)):
        log.flush()
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines() if "conn" in line]
    assert [(line["event"], line["worker"], line["conn"]) for line in lines] == [
        ("accepted", 0, "0.1"), ("dequeued", 1, "0.1"),
        ("request_acked", 1, "0.1"), ("connection_closed", 1, "0.1"),
    ]  # fmt: skip
    passing.close()


@pytest.mark.parametrize("signum", [LEAVE, signal.SIGTERM])
def test_a_worker_that_ends_takes_no_more_passed_connections(
    make: Make, signum: signal.Signals
) -> None:
    service, passing = make(), Passing()
    service.install_signal_handlers()
    service.become_worker()
    service.take_from(passing.open_inlet(1))
    os.kill(os.getpid(), signum)
    assert list(service.connections(1)) == []
    passing.close()


def test_a_passed_connection_that_no_worker_took_is_reset_at_the_drain(
    make: Make, capfd: Capture
) -> None:
    service = make()
    with client_of(service) as client:
        passing, _ = _passing_one(service)
        service.handle_signal(signal.SIGTERM)
        for passed in passing.untaken():
            service.serve_connection(service.resumed(passed), worker=0)
        with pytest.raises(ConnectionResetError):
            client.recv(64)
    service.log(0).flush()
    assert "reset by the drain, unread" in capfd.readouterr().out
    passing.close()


def test_each_worker_s_own_listener_is_counted_at_the_drain(make: Make, capfd: Capture) -> None:
    service = make(workers=2)
    service.split_listener()
    for worker in (1, 2):
        service.open_listener_of(worker)
    service.listening(workers=2)
    address = service.listener.getsockname()
    clients = [socket.create_connection(address, DEADLINE_S) for _ in range(20)]
    service.handle_signal(signal.SIGTERM)
    listening, begun = events_in(capfd.readouterr().out)
    assert listening["accept_queues"] == 2
    assert begun["accept_queue_reset"] == len(clients)
    for client in clients:
        with client, pytest.raises(ConnectionResetError):
            client.recv(1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, DEADLINE_S)


def test_a_worker_that_has_ended_takes_its_listener_with_it_and_that_is_logged(
    make: Make, capfd: Capture
) -> None:
    service = make(workers=1)
    service.close_listener_of(1)  # it is shared: nothing closes
    service.split_listener()
    service.open_listener_of(1)
    address = service.listener.getsockname()
    with socket.create_connection(address, DEADLINE_S) as client:
        service.close_listener_of(1)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    (closed,) = events_in(capfd.readouterr().out)
    assert (closed["event"], closed["index"]) == ("listener_closed", 1)
    assert (closed["accept_queue_reset"], closed["accept_queue_migrated"]) == (1, 0)
    service.open_listener_of(1)
    socket.create_connection(address, DEADLINE_S).close()
    service.handle_signal(signal.SIGTERM)
