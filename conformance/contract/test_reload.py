"""SIGHUP to a server whose workers are processes: it replaces them, and no client notices."""

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from conformance.server_process import Event, RunningServer, Starter, is_process
from conformance.target import Client

NOHUP = [
    sys.executable,
    "-c",
    "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN);"
    "os.execvp(sys.argv[1], sys.argv[1:])",
]


def test_under_load_no_ack_is_lost_and_at_most_one_worker_is_missing(start: Starter) -> None:
    server = _started(start, LAB_WORKERS="3")
    with _load(server) as acks:
        for number in range(1, 4):
            acks.await_more()
            _reload(server, number)
    events = server.stop()
    assert acks.failures == []
    assert len(server.of("request_acked")) == acks.total
    pids = [event["worker_pid"] for event in server.of("worker_started")]
    assert len(set(pids)) == len(pids) == 4 * 3
    assert _most_missing(events, 3) == 1
    assert {event["reason"] for event in server.of("connection_closed")} == {"goodbye"}
    assert server.of("connection_failed") == []


def test_a_message_in_service_is_finished_and_its_connection_goes_on(start: Starter) -> None:
    """The old worker finishes the one in service; the new one begins what waits behind it."""
    server = _started(start, LAB_WORKERS="1")
    with server.connect() as client:
        client.send(b"a sleep=0ms\x03long sleep=200ms\x03behind sleep=0ms\x03")
        client.await_ack()
        _reload(server)
        client.send(b"last sleep=0ms\x03goodbye\x03")
        assert client.read_to_end() == b"ack" * 3
    server.stop()
    pids = {event["request"]: event["pid"] for event in server.of("request_acked")}
    assert pids["a"] == pids["long"] == server.of("worker_exited")[0]["worker_pid"]
    assert pids["behind"] == pids["last"] == server.of("worker_exited")[1]["worker_pid"]
    (closed,) = server.of("connection_closed")
    assert closed["requests"] == 4


def test_clients_between_messages_or_inside_one_go_on(start: Starter) -> None:
    server = _started(start, LAB_WORKERS="3")
    begins = (b"", b"a sleep=0ms\x03", b"a sleep=0ms\x03unfin")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect_to_idle()) for _ in begins]
        for client, begin in zip(clients, begins, strict=True):
            client.send(begin)
            if begin:
                client.await_ack()
        server.await_event("accepted", 3)
        for number in (1, 2):
            _reload(server, number)
        for client in clients:
            client.send(b"ished sleep=0ms\x03goodbye\x03")
            assert client.read_to_end() == b"ack"
    server.stop()


def test_a_hang_up_of_the_terminal_is_one_reload(start: Starter) -> None:
    """It signals each process of the group; the workers still leave one at a time."""
    server = _started(start)
    server.signal_group(signal.SIGHUP)
    server.await_event("reload_ended")
    server.serves()
    assert _most_missing(server.stop(), server.workers) == 1
    assert len(server.of("reload_begun")) == 1


def test_it_reloads_even_if_it_was_started_with_the_signal_ignored(start: Starter) -> None:
    """As nohup(1) does; the server outlives its terminal either way."""
    server = start.launch(wrapper=NOHUP).await_listening()
    _skip_without_processes(server)
    _reload(server)
    server.serves()
    server.stop()


def test_a_drain_within_a_reload_is_a_drain(start: Starter) -> None:
    server = _started(start, LAB_WORKERS="1")
    with server.connect() as client:
        client.send(b"a sleep=0ms\x03b sleep=300ms\x03c\x03")
        client.await_ack()
        server.send_signal(signal.SIGHUP)
        server.await_event("reload_begun")
        server.send_signal(signal.SIGTERM)
        assert client.read_to_end() == b"ack"
    assert server.wait() == 0
    server.assert_log_complete()
    assert server.of("reload_ended") == []


def _started(start: Starter, **settings: str) -> RunningServer:
    server = start(**settings)
    _skip_without_processes(server)
    return server


def _skip_without_processes(server: RunningServer) -> None:
    if not any(is_process(event["worker_pid"]) for event in server.of("worker_started")):
        pytest.skip("its workers are no processes, so none can be replaced alone")


def _reload(server: RunningServer, number: int = 1) -> None:
    server.send_signal(signal.SIGHUP)
    server.await_event("reload_ended", number)


def _most_missing(events: list[Event], workers: int) -> int:
    """Return how many of ``workers`` were missing at once while it served, at most."""
    present, least, is_listening = 0, workers, False
    for event in sorted(events, key=lambda each: int(each["t_ns"])):
        if event["event"] == "drain_begun":
            break
        is_listening |= event["event"] == "listening"
        present += {"worker_started": 1, "worker_exited": -1}.get(event["event"], 0)
        if is_listening:
            least = min(least, present)
    return workers - least


class _Acks:
    """What clients received while the server reloads."""

    def __init__(self, server: RunningServer) -> None:
        self.failures: list[str] = []
        self.is_over = threading.Event()
        self._server = server
        self._counts: dict[int, int] = {}

    @property
    def total(self) -> int:
        return sum(self._counts.values())

    def await_more(self) -> None:
        """Return when ten more messages are acknowledged."""
        before = self.total
        self._server.await_true(lambda: self.total >= before + 10 or bool(self.failures), "acks")

    def talk(self, number: int) -> None:
        """Send message after message on one connection."""
        with self._server.connect() as client:
            while not self.is_over.is_set():
                self._exchange(client, number)
            self._leave(client)

    def visit(self, number: int) -> None:
        """Send each message on a connection of its own."""
        while not self.is_over.is_set():
            with self._server.connect() as client:
                self._exchange(client, number)
                self._leave(client)

    def _exchange(self, client: Client, number: int) -> None:
        try:
            client.send(b"m sleep=2ms\x03")
            client.await_ack()
        except (OSError, AssertionError) as exc:
            self.failures.append(f"client {number}: {exc!r}")
            self.is_over.set()
        else:
            self._counts[number] = self._counts.get(number, 0) + 1

    def _leave(self, client: Client) -> None:
        try:
            client.send(b"goodbye\x03")
            assert client.read_to_end() == b""
        except (OSError, AssertionError) as exc:
            self.failures.append(f"after goodbye: {exc!r}")


@contextlib.contextmanager
def _load(server: RunningServer) -> Iterator[_Acks]:
    """Keep four clients busy: two that stay connected, and two that connect for each message."""
    acks = _Acks(server)
    threads = [
        threading.Thread(target=target, args=(number,))
        for number, target in enumerate((acks.talk, acks.talk, acks.visit, acks.visit))
    ]
    for thread in threads:
        thread.start()
    try:
        yield acks
    finally:
        acks.is_over.set()
        for thread in threads:
            thread.join()
