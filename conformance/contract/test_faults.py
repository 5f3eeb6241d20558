"""Faults from clients, the kernel and signals: the server goes on, and serves the next client."""

import contextlib
import os
import re
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conformance.contract.test_peers import refuses_to_vanish
from conformance.server_process import RunningServer, Starter, is_process
from conformance.target import Client

SPIN_CPU_S = 0.1  # far below a loop that spins, far above one that waits
CROWD = 12
"""Clients at once: twice as many as a backlog of 4 holds with a worker. In 20 s the kernels try at
0, 1, 3, 7 and 15 s, each time with room for 3 at least: in a backlog of 1, and with the worker."""
BOUND_BYTES = 80 << 20  # a server process needs 16 MB
BEYOND_FD_SETSIZE = 1100
MANY_REFUSALS = 100  # far more than ten a second, far fewer than those of a loop that spins


def test_a_reset_between_messages(server: RunningServer) -> None:
    client = server.connect()
    client.send(b"a sleep=0ms\x03")
    client.await_ack()
    client.reset()
    server.serves()
    server.await_true(lambda: bool(server.of("connection_failed")), "the reset, in its log")
    server.stop()
    assert server.of("connection_failed")[0]["reason"] == "reset by the peer"


def test_a_reset_inside_a_message(server: RunningServer) -> None:
    client = server.connect()
    client.send(b"a sleep=0ms\x03unfin")
    client.await_ack()
    client.reset()
    server.serves()
    server.stop()


def test_a_reset_during_service(server: RunningServer) -> None:
    client = server.connect()
    client.send(b"a sleep=0ms\x03b sleep=150ms\x03c\x03d\x03")
    client.await_ack()
    client.reset()
    server.serves()
    server.stop()
    assert len(server.of("connection_failed")) == 1


def test_a_reset_while_waiting_to_be_accepted(server: RunningServer) -> None:
    clients = [server.connect() for _ in range(server.workers + 5)]
    for client in clients:
        client.reset()
    server.serves()
    server.stop()


@pytest.mark.parametrize("leave", [Client.half_close, lambda client: client.sock.close()])
def test_a_peer_that_leaves_during_service_does_not_make_it_spin(
    server: RunningServer, leave: object
) -> None:
    """The end of the stream stays readable, and must not wake an event loop repeatedly."""
    assert callable(leave)
    with server.connect() as client:
        client.send(b"a sleep=0ms\x03b sleep=500ms\x03")
        client.await_ack()
        before_s = server.cpu_s()
        leave(client)
        server.await_event("request_acked", 2)
        assert server.cpu_s() - before_s < SPIN_CPU_S
        server.serves()
    server.stop()


def test_messages_behind_one_in_service_do_not_make_it_spin(server: RunningServer) -> None:
    with server.connect() as client:
        client.send(b"a sleep=0ms\x03b sleep=500ms\x03")
        client.await_ack()
        before_s = server.cpu_s()
        client.send(b"c sleep=0ms\x03goodbye\x03")
        assert client.read_to_end() == b"ackack"
        assert server.cpu_s() - before_s < SPIN_CPU_S


def test_a_silent_client_does_not_make_it_spin(server: RunningServer) -> None:
    with server.connect() as client:
        client.send(b"a sleep=0ms\x03unfinished")
        client.await_ack()
        before_s, before_ns = server.cpu_s(), time.monotonic_ns()
        server.await_true(lambda: time.monotonic_ns() - before_ns > 500e6, "half a second")
        assert server.cpu_s() - before_s < SPIN_CPU_S


def test_a_silent_client_is_closed_after_the_idle_time_out(start: Starter) -> None:
    server = start(LAB_IDLE_TIMEOUT="150ms")
    with server.connect() as client:
        connected_ns = time.monotonic_ns()
        assert client.read_to_end() == b""
        assert time.monotonic_ns() - connected_ns >= 100e6
    server.stop()
    assert server.of("connection_closed")[0]["reason"] == "idle"


def test_a_vanished_client_is_closed_after_the_idle_time_out(start: Starter) -> None:
    """No ack is due, so no packet ever shows that the peer is gone."""
    if refuses_to_vanish():
        pytest.skip("vanishing takes CAP_NET_ADMIN, for TCP_REPAIR")
    server = start(LAB_IDLE_TIMEOUT="150ms")
    for _ in range(server.workers):
        client = server.connect_to_idle()
        client.send(b"a sleep=0ms\x03unfin")
        client.await_ack()
        client.vanish()
    server.await_event("connection_closed", server.workers)
    server.serves()
    server.stop()
    assert {event["reason"] for event in server.of("connection_closed")} == {"idle", "goodbye"}


def test_a_client_in_service_is_not_idle(start: Starter) -> None:
    server = start(LAB_IDLE_TIMEOUT="150ms")
    with server.connect() as client:
        client.send(b"a sleep=400ms\x03")
        client.await_ack()
        client.send(b"b sleep=400ms\x03goodbye\x03")
        assert client.read_to_end() == b"ack"


def test_a_client_that_never_reads_costs_one_connection_and_no_memory(start: Starter) -> None:
    server = start(LAB_SERVICE_TIME="0s", LAB_IDLE_TIMEOUT="300ms", LAB_LOG_LEVEL="connections")
    with server.connect() as client:
        client.buffer_little()
        client.sock.settimeout(0.1)
        messages = b"\x03" * 65_536
        with contextlib.suppress(OSError):
            for _ in range(1000):
                client.sock.send(messages)
        for _ in range(20):
            server.serves()
        assert server.peak_memory_bytes() < BOUND_BYTES
    server.stop()
    ended = [*server.of("connection_closed"), *server.of("connection_failed")]
    assert len(ended) == 21


def test_a_dead_worker_is_replaced(server: RunningServer) -> None:
    """If workers are processes. Connection ids stay unique, and other clients are served."""
    workers = [event["worker_pid"] for event in server.of("worker_started")]
    workers = [pid for pid in workers if is_process(pid)]
    for _ in range(2 * server.workers):
        server.serves()
    for number, pid in enumerate(workers, start=1):
        os.kill(pid, signal.SIGKILL)
        assert server.await_event("worker_exited", number)["reason"] == "SIGKILL"
        server.await_event("worker_started", server.workers + number)
    for _ in range(2 * server.workers):
        server.serves()
    server.send_signal(signal.SIGTERM)
    assert server.wait() == 0
    accepted = [event["conn"] for event in server.of("accepted")]
    assert len(accepted) == len(set(accepted))


def test_nothing_outlives_a_killed_server(start: Starter) -> None:
    server = start()
    pids = server.process_ids()
    server.send_signal(signal.SIGKILL)
    server.await_true(lambda: not any(is_process(pid) for pid in pids), "all processes end")
    start(LAB_PORT=str(server.port)).serves()


def test_out_of_descriptors_it_waits_and_recovers(server: RunningServer) -> None:
    limits = {pid: resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in server.process_ids()}
    _exhaust_descriptors(server)
    with server.connect() as client:
        before_s = server.cpu_s()
        before_ns = time.monotonic_ns()
        server.await_true(lambda: time.monotonic_ns() - before_ns > 500e6, "half a second")
        assert server.cpu_s() - before_s < SPIN_CPU_S
        for pid, limit in limits.items():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)
        client.send(b"a\x03goodbye\x03")
        assert client.read_to_end() == b"ack"
    server.stop()
    assert server.of("accept_refused")[0]["error"] == "EMFILE"


def test_out_of_descriptors_open_connections_are_served(server: RunningServer) -> None:
    with contextlib.ExitStack() as stack:
        inside = server.served_by_each_queue(stack)
        server.await_event("request_acked", len(inside))
        _lower_descriptor_limit(server, one_more=_passing_on(server))
        outside = [stack.enter_context(server.connect()) for _ in range(3)]
        for client in inside * 10:
            client.send(b"b sleep=1ms\x03")
            client.await_ack()
        for client in inside:
            client.send(b"goodbye\x03")
            assert client.read_to_end() == b""
        for client in outside:  # with the descriptors of the closed ones
            client.send(b"c sleep=0ms\x03goodbye\x03")
            assert client.read_to_end() == b"ack"
    server.stop()


@pytest.mark.alone
@pytest.mark.parametrize("backlog", ["1", "4"])
def test_every_client_beyond_the_backlog_is_served(start: Starter, backlog: str) -> None:
    """The kernel drops a SYN while the backlog is full; the client's kernel sends it again.

    On a busy host all clients try at the same instants, and the queue has room for few of them.
    """
    server = start(LAB_BACKLOG=backlog)
    with ThreadPoolExecutor(CROWD) as crowd:
        visits = [crowd.submit(server.serves) for _ in range(40)]
        for visit in visits:
            visit.result()
    server.stop()
    assert len(server.of("request_acked")) == 40


def test_out_of_descriptors_it_still_drains(server: RunningServer) -> None:
    """It also counts the connections that it could not accept."""
    visits = _exhaust_descriptors(server)
    clients = [server.connect() for _ in range(5)]
    server.stop()
    reset = server.of("drain_begun")[0]["accept_queue_reset"]
    assert len(server.of("accepted")) + reset == visits + len(clients)
    for client in clients:
        with client, contextlib.suppress(ConnectionResetError):
            assert client.read_to_end() == b""


def test_it_drains_even_below_the_descriptors_it_holds(server: RunningServer) -> None:
    server.await_waiting()
    for pid in server.process_ids():
        resource.prlimit(
            pid, resource.RLIMIT_NOFILE, (3, resource.prlimit(pid, resource.RLIMIT_NOFILE)[1])
        )
    server.stop()


def _exhaust_descriptors(server: RunningServer) -> int:
    """Lower the limit of each process of ``server``, and connect until each has reached it.

    An ``accept`` that blocks already has its descriptor, so each accepts one more connection. If
    worker 0 accepts, it accepts for all others. Return how many connections that took.
    """
    visits = 0
    _lower_descriptor_limit(server)

    def is_refused() -> bool:
        nonlocal visits
        visits += 1
        with server.connect() as visitor:
            visitor.send(b"goodbye\x03")
        refused = server.of("accept_refused")
        is_last = any(event["worker"] == 0 for event in refused)
        return is_last or len({event["pid"] for event in refused}) >= accepting

    accepting = max(len(server.process_ids()) - 1, 1)
    server.await_true(is_refused, "accept_refused")
    return visits


def _passing_on(server: RunningServer) -> set[int]:
    """Return the processes that pass each connection on to another one, so they hold none."""
    serving = {event["pid"] for event in server.of("dequeued")}
    return {event["pid"] for event in server.of("accepted")} - serving if serving else set()


def _lower_descriptor_limit(server: RunningServer, one_more: Collection[int] = ()) -> None:
    """Set the limit to the lowest descriptor that is free; those of ``one_more`` still get it."""
    server.await_waiting()
    for pid in server.process_ids():
        held = {int(fd.name) for fd in Path(f"/proc/{pid}/fd").iterdir()}
        lowest = min(set(range(len(held) + 1)) - held)
        _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        limit = lowest + (pid in one_more)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, hard))


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    """Allow the test, and the servers that it starts, more descriptors than FD_SETSIZE."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2 * BEYOND_FD_SETSIZE:
        pytest.skip(f"takes {2 * BEYOND_FD_SETSIZE} descriptors: ulimit -Hn is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * BEYOND_FD_SETSIZE, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.usefixtures("many_descriptors")
def test_more_connections_than_select_can_watch_are_no_end(start: Starter) -> None:
    """Those beyond what a model can hold wait, and all are accounted for in a drain."""
    server = start(LAB_BACKLOG="4096")
    with contextlib.ExitStack() as stack:
        inside = stack.enter_context(server.connect())
        for _ in range(BEYOND_FD_SETSIZE):
            stack.enter_context(server.connect())
        server.await_waiting()  # it has accepted as many as it can
        inside.send(b"a sleep=0ms\x03")
        inside.await_ack()
        server.stop()
    accepted, reset = server.of("accepted"), server.of("drain_begun")[0]["accept_queue_reset"]
    assert len(accepted) + reset == 1 + BEYOND_FD_SETSIZE
    ended = [*server.of("connection_closed"), *server.of("connection_failed")]
    assert len(ended) == len(accepted)
    assert len(server.of("accept_refused")) < MANY_REFUSALS


@pytest.mark.parametrize("error", ["EPERM", "ETIMEDOUT", "ENOSR", "ECONNRESET", "ENETDOWN"])
def test_an_odd_error_of_accept_is_no_end(start: Starter, error: str) -> None:
    """As a firewall or a network stack may cause; each process meets it at its third accept."""
    server = start.launch(wrapper=_third_accept_fails(error)).await_listening()
    pool = len(server.of("worker_started"))
    for _ in range(4 * server.workers):
        server.serves()
    assert server.await_event("accept_refused")["error"] == error
    server.serves()
    server.stop()
    assert {event["exit_code"] for event in server.of("worker_exited")} <= {0}
    forked = len(server.of("worker_started"))
    assert forked == pool or (pool == 0 and forked == len(server.of("accepted")))
    assert server.stderr == ""


@pytest.mark.parametrize("error", ["EBADF", "ENOTSOCK"])
def test_a_broken_listener_is_a_failure(start: Starter, error: str) -> None:
    """Of the server, also if only a worker process has it: the server ends with one line."""
    server = start.launch(wrapper=_third_accept_fails(error)).await_listening()
    server.await_true(lambda: _has_failed(server), "the server ends")
    assert server.wait() == 1
    (line,) = server.stderr.splitlines()
    assert re.match(r"\w+: (worker \d+ )?cannot accept: .*a broken listener; giving up", line)
    server.assert_log_complete()


def _has_failed(server: RunningServer) -> bool:
    """Whether it has ended; each question makes it accept."""
    with contextlib.suppress(OSError):
        server.connect().sock.close()
    return server.has_ended()


def _third_accept_fails(error: str) -> list[str]:
    """Return a wrapper that becomes the server, traced by strace in a process of its own."""
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("injecting errors of system calls takes strace")
    command = [strace, "-D", "-f", "-o", "/dev/null"]
    if subprocess.run([*command, "true"], check=False).returncode:
        pytest.skip("injecting errors of system calls takes the right to trace (ptrace)")
    return [*command, "-e", f"inject=accept4:error={error}:when=3"]


def test_a_thousand_visitors_leave_nothing_behind(start: Starter) -> None:
    server = start(LAB_BACKLOG="1024")  # a SYN beyond the backlog is sent again a second later
    _visit(server, 500)  # by then, each worker has opened what it needs
    before = server.descriptors()
    _visit(server, 500)
    server.await_true(lambda: server.descriptors() <= before, "descriptors are closed")
    assert server.peak_memory_bytes() < BOUND_BYTES
    server.stop()
    assert len(server.of("accepted")) >= 502  # a reset may overtake the accept
    assert server.open_connections() == 0


def _visit(server: RunningServer, visitors: int) -> None:
    """Connect and leave so often, every second time by a reset; return when all are closed."""
    for number in range(visitors):
        client = server.connect()
        if number % 2:
            client.reset()
        client.sock.close()
    server.serves()
    server.await_true(lambda: server.open_connections() == 0, "connections are closed")


def test_a_suspended_server_goes_on(server: RunningServer) -> None:
    with server.connect() as client:
        client.send(b"a sleep=0ms\x03b sleep=50ms\x03")
        client.await_ack()
        server.signal_group(signal.SIGSTOP)
        client.send(b"c\x03goodbye\x03")
        server.signal_group(signal.SIGCONT)
        assert client.read_to_end() == b"ackack"
    server.serves()
    server.stop()
