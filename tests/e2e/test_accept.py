"""Which event loop gets a connection, by LAB_ACCEPT; with real processes, and the kernel."""

import os
import signal
from collections import Counter

from conformance.server_process import RunningServer, starting

VISITS = 40
WORKERS = 3


def _visit(server: RunningServer, visits: int) -> Counter[int]:
    """Connect again and again, each time all loops wait; return how often which accepted."""
    before = len(server.of("accepted"))
    for _ in range(visits):
        server.await_waiting()
        server.serves()
    server.await_event("accepted", before + visits)
    return Counter(int(event["worker"]) for event in server.of("accepted")[before:])


def test_exclusive_wakes_the_same_loop_again_and_again_and_after_its_end_another() -> None:
    """Not all of them, in turn or at once: that is what prefork and the default are for."""
    with starting("services.prefork_epoll.server") as start:
        server = start(LAB_ACCEPT="exclusive", LAB_WORKERS=str(WORKERS))
        ((first, visits),) = _visit(server, VISITS).most_common(1)
        assert visits >= VISITS * 0.9  # a loop that writes its log does not wait
        pids = {event["index"]: event["worker_pid"] for event in server.of("worker_started")}
        os.kill(pids[first], signal.SIGKILL)
        server.await_event("worker_started", WORKERS + 1)
        ((second, visits),) = _visit(server, VISITS).most_common(1)
        assert visits >= VISITS * 0.9
        assert second != first
        server.stop()


def test_with_a_listener_each_a_hash_chooses_the_loop() -> None:
    with starting("services.prefork_epoll.server") as start:
        server = start(LAB_ACCEPT="reuseport", LAB_WORKERS=str(WORKERS))
        found = _visit(server, VISITS)
        assert set(found) == set(range(1, WORKERS + 1))  # but for once in four million times
        assert max(found.values()) < VISITS * 0.9
        server.stop()
