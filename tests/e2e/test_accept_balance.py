"""Which worker gets a connection: 400 of them, one after another, and four workers."""

import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conformance.server_process import RunningServer, starting
from conformance.target import Client

WORKERS, CONNECTIONS = 4, 400
TURN = CONNECTIONS // WORKERS


@contextmanager
def server_of(model: str, **settings: str) -> Iterator[RunningServer]:
    with starting(f"services.{model}.server") as start:
        yield start(LAB_WORKERS=str(WORKERS), **settings)


def balance(server: RunningServer) -> list[int]:
    """Return how many connections each worker gets, in order of size.

    A connection begins when the worker of the last one waits again, else it is not in the line.
    """
    stats = [Path(f"/proc/{pid}/stat") for pid in server.process_ids()[1:]]
    for _ in range(CONNECTIONS):
        server.await_true(lambda: all(map(_sleeps, stats)), "all workers sleep")
        server.serves()
    server.stop()
    accepted = Counter(event["worker"] for event in server.of("accepted"))
    return sorted(accepted[worker] for worker in range(1, WORKERS + 1))


def _sleeps(stat: Path) -> bool:
    """Whether a process waits, by its ``/proc/PID/stat``."""
    return stat.read_bytes().rpartition(b") ")[2].startswith(b"S")


def test_workers_that_block_in_accept_take_turns() -> None:
    """The kernel wakes the one that has waited for longest."""
    with server_of("prefork") as server:
        fewest, *_, most = balance(server)
    assert fewest >= 0.9 * TURN
    assert most <= 1.1 * TURN


def test_a_listener_each_is_as_even_as_dice() -> None:
    """The standard deviation is 8.7; a right server fails this once in a million times."""
    with server_of("reuseport") as server:
        fewest, *_, most = balance(server)
    assert fewest >= TURN - 5 * 8.7
    assert most <= TURN + 5 * 8.7


def test_the_hash_of_the_ports_decides_whoever_is_busy() -> None:
    with server_of("reuseport") as server:
        ports = [_visit(server, 0) for _ in range(20)]
        for port in ports:
            _visit(server, port)
        server.stop()
    workers = [event["worker"] for event in server.of("accepted")]
    by_port: dict[str, set[int]] = {}
    for event in server.of("accepted"):
        by_port.setdefault(event["peer"], set()).add(event["worker"])
    assert len(workers) == 2 * len(ports)
    assert {len(each) for each in by_port.values()} == {1}


def _visit(server: RunningServer, port: int) -> int:
    """Connect from ``port``, 0 for any, and leave by a reset, so that the port is free at once."""
    client = Client.__new__(Client)
    client.sock = socket.create_connection(server.address, 20, ("127.0.0.1", port))
    port = int(client.sock.getsockname()[1])
    client.send(b"a sleep=0ms\x03")
    client.await_ack()
    client.reset()
    return port
