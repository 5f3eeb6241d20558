"""After a defect of its own a server exits or replaces the worker, and logs which."""

import contextlib
import os
import signal
import time

import pytest

from conformance.server_process import (
    SETTINGS,
    RunningServer,
    Starter,
    has_process_pool,
    is_process,
    starting,
)  # fmt: skip

BACK_OFFS_S = 0.05 + 0.1 + 0.2 + 0.4 + 0.8


def test_a_defect_never_leaves_a_server_with_fewer_workers(start: Starter) -> None:
    with starting(
        f"conformance.defects.raises_in_service {start.program}", start.deadline_s
    ) as start_defective:
        server = start_defective()
        pool = len(server.of("worker_started"))
        with server.connect() as client, contextlib.suppress(ConnectionResetError):
            client.send(b"a cpu=250ms\x03")
            assert client.read_to_end() == b""
        server.await_true(
            lambda: server.has_ended() or bool(server.of("worker_exited")),
            "a worker or the server exits",
        )
        server.await_true(lambda: "RuntimeError: planted defect" in server.stderr, "a report")
        if server.of("worker_exited"):
            if pool:
                server.await_event("worker_started", server.workers + 1)
            _serves_with_all_workers(server)
        else:
            assert server.wait() == 1


def test_a_defect_loses_no_message_of_another_client(start: Starter) -> None:
    """If the server drains after the defect, what other clients have in service is finished."""
    with starting(
        f"conformance.defects.raises_in_service {start.program}", start.deadline_s
    ) as start_defective:
        server = start_defective()
        if server.workers < 2:
            pytest.skip("one worker: no other client is in service")
        with server.connect() as other, server.connect_to_idle() as client:
            other.send(b"b sleep=0ms\x03")
            other.await_ack()
            client.send(b"a cpu=250ms\x03")
            with contextlib.suppress(ConnectionResetError):
                client.read_to_end()
            server.await_true(
                lambda: server.has_ended() or bool(server.of("worker_exited")),
                "a worker or the server exits",
            )
        if server.has_ended():
            server.wait()  # until its log is read
            assert "met a defect; giving up" in server.of("stopped")[0]["reason"]
            server.assert_log_complete()


def _serves_with_all_workers(server: RunningServer) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect_to_idle()) for _ in range(server.workers)]
        for client in clients:
            client.send(b"a sleep=0ms\x03")
        for client in clients:
            client.await_ack()


def test_a_worker_that_dies_at_every_start_is_not_restarted_forever(start: Starter) -> None:
    if not has_process_pool(start()):
        pytest.skip("no worker processes")
    with starting(
        f"conformance.defects.dies_at_start {start.program}", start.deadline_s
    ) as start_defective:
        begun_s = time.monotonic()
        server = start_defective.launch()
        assert server.wait() == 1
        assert time.monotonic() - begun_s >= BACK_OFFS_S
        assert "dies whenever it starts; giving up" in server.stderr
        assert len(server.of("worker_started")) <= 7 * int(SETTINGS["LAB_WORKERS"])
        server.assert_log_complete()


@pytest.mark.parametrize("allowed", [0, 3])
def test_a_worker_that_cannot_be_started_ends_the_start_in_one_line(
    start: Starter, allowed: int
) -> None:
    with starting(
        f"conformance.defects.runs_out_of_processes {allowed} 99 {start.program}", start.deadline_s
    ) as start_without:
        server = start_without.launch(LAB_WORKERS="8")
        server.await_true(lambda: server.has_ended() or bool(server.of("listening")), "a start")
        if server.of("listening"):
            pytest.skip("no workers are started before it listens")
        assert server.wait() == 1
        (line,) = server.stderr.splitlines()
        assert f"cannot start worker {allowed + 1} of 8: " in line
        assert "limit" in line
        assert "LAB_WORKERS" in line
        server.assert_log_complete()
        pids = [event["worker_pid"] for event in server.of("worker_started")]
        assert len(pids) == allowed
        assert not any(is_process(pid) for pid in pids)


@pytest.mark.parametrize("limit", [8, 10])
def test_too_few_descriptors_for_the_start_are_reported_in_lines(
    start: Starter, limit: int
) -> None:
    """A loop, its signals, a queue of each worker: each model needs some before any client."""
    server = start.launch(wrapper=["sh", "-c", f'ulimit -n {limit} && exec "$@"', "sh"])
    server.await_true(lambda: server.has_ended() or bool(server.of("listening")), "a start")
    if server.of("listening"):
        server.send_signal(signal.SIGTERM)
        server.wait()
    else:
        assert server.wait() == 1
        assert f"Too many open files (limit of descriptors: ulimit -n {limit})" in server.stderr
    assert "Traceback" not in server.stderr


def test_a_restart_that_fails_is_tried_again_while_the_others_serve(start: Starter) -> None:
    if not has_process_pool(start()):
        pytest.skip("no worker processes")
    with starting(
        f"conformance.defects.runs_out_of_processes 2 4 {start.program}", start.deadline_s
    ) as start_scarce:
        server = start_scarce()
        os.kill(int(server.of("worker_started")[0]["worker_pid"]), signal.SIGKILL)
        server.await_true(lambda: "cannot start worker 1 of 2: " in server.stderr, "a report")
        server.serves()
        server.await_event("worker_started", 3)
        _serves_with_all_workers(server)
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0
        assert len(server.stderr.splitlines()) == 1


def test_a_client_whose_worker_cannot_be_started_is_served_when_it_can(start: Starter) -> None:
    """If a worker is started for each connection. The client waits, and one line says why."""
    with starting(
        f"conformance.defects.runs_out_of_processes 1 2 {start.program}", start.deadline_s
    ) as start_scarce:
        server = start_scarce.launch()
        server.await_true(lambda: server.has_ended() or bool(server.of("listening")), "a start")
        if not server.of("listening"):
            pytest.skip("all workers are started before it listens")
        for _ in range(3):
            server.serves()
        server.send_signal(signal.SIGTERM)
        assert server.wait() == 0
        server.assert_log_complete()
        if not server.stderr:
            pytest.skip("it starts no worker")
        (line,) = server.stderr.splitlines()
        assert "cannot start worker " in line
        assert "limit" in line
        assert "LAB_" in line
