"""10,000 idle connections: the memory of each, and the p99 of 100 active ones beside them."""

import contextlib
import socket
from collections.abc import Iterator

from benchmarks.contestants import Contestant, lab, limit, peer
from benchmarks.load import Load, drive
from benchmarks.machine import allow_many_descriptors, resident_bytes
from benchmarks.rounds import Effort, interleave
from benchmarks.running import Running, running
from benchmarks.tables import Table, Target

IDLE = 10_000
ACTIVE = 100
SPARE_DESCRIPTORS = 1000


def measure(effort: Effort) -> list[Table]:
    """Return a table for the memory and one for p99 with and without the idle ones."""
    idle = min(IDLE, allow_many_descriptors() - SPARE_DESCRIPTORS)
    load = Load("steady", ACTIVE, 1, effort.seconds)

    def burden(contestant: Contestant) -> tuple[float, float, float]:
        with running(contestant) as server:
            alone_us = drive(load, server).p99_us
            before = resident_bytes(server.pid)
            with _held(server, idle):
                each_bytes = (resident_bytes(server.pid) - before) / idle
                beside_us = drive(load, server).p99_us
        return each_bytes, alone_us, beside_us

    contestants = [lab("epoll"), limit(), peer("uvloop_protocol"), peer("asyncio_protocol")]
    burdens = interleave(contestants, effort.rounds, burden)
    memory = {name: [one[0] for one in rounds] for name, rounds in burdens.items()}
    alone = {f"{name} alone": [one[1] for one in rounds] for name, rounds in burdens.items()}
    beside = {f"{name} + idle": [one[2] for one in rounds] for name, rounds in burdens.items()}
    return [
        Table(
            f"resident memory of each of {idle:,} idle connections",
            "bytes",
            memory,
            [Target("epoll", 500, at_least=False)],
        ),
        Table(
            f"p99 of {ACTIVE} active connections, alone and beside {idle:,} idle ones",
            "us",
            alone | beside,
            [Target("epoll + idle", 1.5, "epoll alone", at_least=False)],
        ),
    ]


@contextlib.contextmanager
def _held(server: Running, count: int) -> Iterator[None]:
    """Hold ``count`` connections, each of which the server has accepted and answered once."""
    with contextlib.ExitStack() as stack:
        for number in range(count):
            conn = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            conn.sendall(b"idle.%d\x03" % number)
            conn.recv(3)
        yield
