"""Worker processes, of a pool or of a connection each: one that ends leaves nothing behind."""

import contextlib
import os
import signal
from pathlib import Path

import pytest

from conformance.server_process import RunningServer, is_process, is_zombie


def test_a_killed_process_of_one_connection_takes_nothing_else_with_it(
    server: RunningServer,
) -> None:
    """If a process is forked for each connection. Its end is logged, and its place is free."""
    if server.of("worker_started") or server.workers < 2:
        pytest.skip("no process is forked for a connection")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(server.workers)]
        for client in clients:
            client.send(b"a sleep=0ms\x03")
            client.await_ack()
        server.await_event("accepted", server.workers)
        if not server.of("worker_started"):
            pytest.skip("no process is forked for a connection")
        victim = server.of("worker_started")[0]
        os.kill(victim["worker_pid"], signal.SIGKILL)
        assert clients[0].read_to_any_end() == b""
        exited = server.await_event("worker_exited")
        assert (exited["index"], exited["reason"]) == (victim["index"], "SIGKILL")
        server.serves()
        again = server.await_event("worker_started", server.workers + 1)
        assert again["index"] == victim["index"]
        for client in clients[1:]:
            client.send(b"b sleep=0ms\x03goodbye\x03")
            assert client.read_to_end() == b"ack"
    server.send_signal(signal.SIGTERM)
    assert server.wait() == 0


def test_a_process_that_has_ended_is_reaped(server: RunningServer) -> None:
    """If workers are processes. Else it fills the process table for as long as the server runs."""
    for _ in range(2):
        server.serves()
    server.await_true(lambda: len(server.of("accepted")) == 2, "the log of two visits")
    pids = [event["worker_pid"] for event in server.of("worker_started")]
    processes = [pid for pid in pids if is_process(pid) or is_zombie(pid)]
    for pid in processes:  # a process that was forked for a connection ends by itself
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    server.await_true(lambda: not any(map(_exists, processes)), "all that have ended are reaped")


def _exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
