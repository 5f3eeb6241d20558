"""When things happen. Bounds are lower bounds only, because a busy machine makes things later."""

import contextlib
import itertools
import signal
import time
from operator import itemgetter

import pytest

from conformance.server_process import Event, RunningServer, Starter
from conformance.target import Target, has_room


def test_no_ack_before_the_service_time(target: Target) -> None:
    with target.connect() as client:
        sent_ns = time.monotonic_ns()
        client.send(b"a sleep=100ms\x03")
        client.await_ack()
        assert time.monotonic_ns() - sent_ns >= 100e6


def test_no_ack_before_the_sum_of_the_parts(target: Target) -> None:
    with target.connect() as client:
        sent_ns = time.monotonic_ns()
        client.send(b"a sleep=50ms+cpu=20ms+sleep=30ms\x03goodbye\x03")
        assert client.read_to_end() == b"ack"
        assert time.monotonic_ns() - sent_ns >= 100e6


def test_the_most_parts_are_served(target: Target) -> None:
    with target.connect() as client:
        client.send(b"a " + b"+".join([b"cpu=1ms", b"sleep=1ms"] * 4) + b"\x03goodbye\x03")
        assert client.read_to_end() == b"ack"


def test_each_part_is_done_and_logged(server: RunningServer) -> None:
    with server.connect() as client:
        client.send(b"a cpu=60ms+sleep=40ms+cpu=60ms\x03goodbye\x03")
        assert client.read_to_end() == b"ack"
    stopped = server.stop()[-1]
    assert stopped["cpu_user_s"] + stopped["cpu_system_s"] >= 0.12
    (served,) = server.of("request_acked")
    assert (served["demand"], served["demand_ns"]) == ("cpu+sleep+cpu", 160_000_000)
    assert served["parts_ns"] == [60_000_000, 40_000_000, 60_000_000]
    assert served["finished_ns"] - served["started_ns"] >= 160e6


def test_parts_that_sleep_overlap_and_parts_that_compute_need_a_worker_each(
    server: RunningServer,
) -> None:
    """One worker that serves two at once is an event loop: it computes for one after another."""
    if not has_room(server):
        pytest.skip("no worker for another client")
    with server.connect() as one, server.connect() as other:
        for client in (one, other):
            client.send(b"a sleep=300ms+cpu=40ms\x03goodbye\x03")
        assert [client.read_to_end() for client in (one, other)] == [b"ack", b"ack"]
    server.stop()
    served = [event for event in server.of("request_acked") if event["request"] == "a"]
    assert _peak_in_service(served) == 2
    if server.workers == 1:
        assert abs(served[0]["finished_ns"] - served[1]["finished_ns"]) >= 40e6


def test_a_message_without_demand_takes_the_default(start: Starter) -> None:
    server = start(LAB_SERVICE_TIME="80ms")
    with server.connect() as client:
        sent_ns = time.monotonic_ns()
        client.send(b"package 1\x03")
        client.await_ack()
        assert time.monotonic_ns() - sent_ns >= 80e6


def test_pipelined_services_do_not_overlap(target: Target) -> None:
    with target.connect() as client:
        sent_ns = time.monotonic_ns()
        client.send(b"a sleep=40ms\x03b sleep=40ms\x03c sleep=40ms\x03goodbye\x03")
        assert client.read_to_end() == b"ack" * 3
        assert time.monotonic_ns() - sent_ns >= 120e6


def test_one_connection_is_served_one_message_at_a_time(server: RunningServer) -> None:
    with server.connect() as client:
        client.send(b"a sleep=40ms\x03b sleep=40ms\x03c sleep=40ms\x03goodbye\x03")
        assert client.read_to_end() == b"ack" * 3
    server.stop()
    served = server.of("request_acked")
    assert [event["request"] for event in served] == ["a", "b", "c"]
    for earlier, later in itertools.pairwise(served):
        assert earlier["finished_ns"] <= later["started_ns"]


def test_each_pipelined_message_is_acked_before_the_next_long_service(
    server: RunningServer,
) -> None:
    with server.connect() as client:
        client.send(b"a sleep=0ms\x03b sleep=80ms\x03goodbye\x03")
        client.await_ack()
        acked_ns = time.monotonic_ns()
        assert client.read_to_end() == b"ack"
    server.stop()
    assert server.of("request_acked")[1]["finished_ns"] >= acked_ns


def test_a_cpu_demand_burns_that_much_cpu(server: RunningServer) -> None:
    with server.connect() as client:
        client.send(b"a cpu=150ms\x03goodbye\x03")
        assert client.read_to_end() == b"ack"
    stopped = server.stop()[-1]
    assert stopped["cpu_user_s"] + stopped["cpu_system_s"] >= 0.15


def test_as_many_sleeps_as_workers_overlap(server: RunningServer) -> None:
    clients = [server.connect_to_idle() for _ in range(server.workers)]
    for client in clients:
        client.send(b"a sleep=700ms\x03goodbye\x03")
    assert [client.read_to_end() for client in clients] == [b"ack"] * len(clients)
    for client in clients:
        client.sock.close()
    server.stop()
    assert _peak_in_service(server.of("request_acked")) == server.workers


def test_no_more_cpu_demands_than_workers_are_in_service(server: RunningServer) -> None:
    """A CPU demand occupies a worker, also in models in which a sleep does not."""
    clients = [server.connect() for _ in range(server.workers + 3)]
    for client in clients:
        client.send(b"a cpu=30ms\x03goodbye\x03")
    assert [client.read_to_end() for client in clients] == [b"ack"] * len(clients)
    for client in clients:
        client.sock.close()
    server.stop()
    assert _peak_in_service(server.of("request_acked")) <= server.workers


@pytest.mark.alone
def test_a_client_with_much_work_lets_others_take_their_turn(server: RunningServer) -> None:
    """Each message of a pipeline is one turn, so that no client occupies an event loop for long."""
    if not has_room(server):
        pytest.skip("no worker for another client")
    with server.connect() as greedy, server.connect() as other:
        for client in (other, greedy):  # epoll(7) reports the one that it reported last first
            client.send(b"a sleep=0ms\x03")
            client.await_ack()
        server.signal_group(signal.SIGSTOP)  # so that both wait when it polls
        greedy.send(b"".join(b"g%d cpu=5ms\x03" % number for number in range(40)))
        other.send(b"o cpu=1ms\x03")
        server.signal_group(signal.SIGCONT)
        other.await_ack()
        assert greedy.read(3 * 40) == b"ack" * 40
    server.stop()
    served = [event["request"] for event in sorted(_served(server), key=itemgetter("t_ns"))]
    assert served.index("o") < 20


@pytest.mark.alone
def test_a_client_is_served_while_one_worker_computes(server: RunningServer) -> None:
    """By another worker, also if each of them serves many clients in a loop."""
    if server.workers < 2:
        pytest.skip("one worker")
    with server.connect() as busy:
        busy.send(b"a sleep=0ms\x03long cpu=600ms\x03")
        busy.await_ack()
        with server.connect_to_idle() as other:
            other.send(b"short sleep=0ms\x03goodbye\x03")
            assert other.read_to_end().endswith(b"ack")
        busy.await_ack()
    server.stop()
    served = [event["request"] for event in sorted(_served(server), key=itemgetter("t_ns"))]
    assert served == ["short", "long"]


def _served(server: RunningServer) -> list[Event]:
    return [event for event in server.of("request_acked") if event["request"] not in ("a", "room")]


def test_a_burst_of_connections_does_not_delay_open_ones(start: Starter) -> None:
    server = start(LAB_BACKLOG="1024")
    with server.connect() as inside, contextlib.ExitStack() as stack:
        inside.send(b"a sleep=0ms\x03")
        inside.await_ack()
        server.signal_group(signal.SIGSTOP)
        for _ in range(500):
            stack.enter_context(server.connect())
        inside.send(b"b sleep=0ms\x03")
        server.signal_group(signal.SIGCONT)
        inside.await_ack()
        server.await_event("request_acked", 2)
        acked = server.of("request_acked")[1]
        let_in = [
            event
            for event in server.of("accepted")
            if event["pid"] == acked["pid"] and event["t_ns"] < acked["t_ns"]
        ]
        assert len(let_in) < 250


def test_the_instants_of_a_request_are_in_order(server: RunningServer) -> None:
    with server.connect() as client:
        sent_ns = time.monotonic_ns()
        client.send(b"a sleep=5ms\x03b cpu=5ms\x03c sleep=0ms\x03d cpu=0ms\x03goodbye\x03")
        assert client.read_to_end() == b"ack" * 4
        read_ns = time.monotonic_ns()
    server.stop()
    for event in server.of("request_acked"):
        instants = [event[name] for name in ("received_ns", "started_ns", "finished_ns", "t_ns")]
        assert [sent_ns, *instants, read_ns] == sorted([sent_ns, *instants, read_ns])
        assert event["finished_ns"] - event["started_ns"] >= event["demand_ns"]


def _peak_in_service(served: list[Event]) -> int:
    starts = [(event["started_ns"], 1) for event in served]
    ends = [(event["finished_ns"], -1) for event in served]
    peak = now = 0
    for _, change in sorted(starts + ends):
        now += change
        peak = max(peak, now)
    return peak
