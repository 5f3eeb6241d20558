"""Connects that find the accept queue full, worked out by hand; times in ms."""

from dataclasses import replace

import pytest

from labkit.workload.profile import NS_PER_S
from orchestrator.twin.connector import SYN_INSTANTS_NS
from orchestrator.twin.core import NEVER
from orchestrator.twin.parameters import NONE, Discipline, Kind
from orchestrator.twin.simulate import Simulated, simulate, sources_of
from tests.unit.orchestrator.twin.load_fixtures import CPUS, FOREVER_NS, MS, case_of

TEN = "[{executor: open, rate: 100/s, duration: 100ms, connections: each, demand: sleep=150ms}]"
EIGHT = "[{executor: closed, users: 8, messages: 1, demand: sleep=300ms}]"
COMPUTING = TEN.replace("sleep=150ms", "cpu=300ms").replace("duration: 100ms", "duration: 50ms")


def limited(kind: Kind, clients: str, backlog: int | None, workers: int = 1) -> Simulated:
    """Simulate a server of that kind with a limited accept queue, without overhead."""
    case = case_of(clients, server=f"{{workers: {workers}}}")
    served_by = replace(Discipline.of(kind, case, CPUS), backlog=backlog)
    return simulate(sources_of(case), served_by, NONE, FOREVER_NS)


def connected_ms(found: Simulated) -> list[int]:
    """Return when each connection was established, in whole milliseconds."""
    return [int(each) // MS for each in found.connections["connected_ns"]]


def test_a_syn_is_sent_again_at_the_instants_of_linux() -> None:
    """Measured on 6.18: room after 1.2, 2.2, 5.2 and 7.2 s, and connected after 2, 3, 7 and 11."""
    instants_s = [each / NS_PER_S for each in SYN_INSTANTS_NS]
    assert instants_s == [1, 2, 3, 4, 5, 7, 11, 19, 35, 67, 131]


def test_the_seventh_lesson() -> None:
    """One is served, four wait; five come back after 1 s, and the last waits for those before."""
    found = limited(Kind.PROCESS, TEN, backlog=3)
    at_once, again = [10 * user for user in range(5)], [1000 + 10 * user for user in range(5, 10)]
    assert connected_ms(found) == at_once + again
    last = found.messages[-1]
    assert round((last["started_ns"] - last["due_ns"]) / MS) == 1560
    assert found.messages["ended_ns"].max() // MS == 1050 + 5 * 150


def test_a_place_that_gets_free_at_the_instant_of_a_try_is_taken() -> None:
    """At 0, 10 and 20: the second is served from 500 to 1020, when the third tries again."""
    clients = TEN.replace("100ms", "30ms").replace("150ms", "510ms")
    found = limited(Kind.PROCESS, clients, backlog=0)
    assert connected_ms(found) == [0, 10, 1020]
    assert found.messages["ended_ns"].max() // MS == 1020 + 510


def test_without_a_limit_all_are_connected_at_once() -> None:
    for backlog in (None, 7):
        assert connected_ms(limited(Kind.PROCESS, EIGHT, backlog)) == [0] * 8


ALL_KINDS = pytest.mark.parametrize("kind", list(Kind))


@ALL_KINDS
def test_connects_of_one_instant_come_before_any_is_accepted(kind: Kind) -> None:
    """Measured on processes: of twelve at once with a backlog of 2, three connect, nine after 1 s.

    Those nine try again together and find the queue empty.
    """
    found = limited(kind, EIGHT, backlog=2)
    assert connected_ms(found) == [0] * 3 + [1000] * 5


def test_loops_that_sleep_and_workers_enough_serve_what_comes_apart() -> None:
    for kind in (Kind.LOOP, Kind.LOOPS, Kind.LOOP_AND_POOL, Kind.THREADS_EACH):
        found = limited(kind, TEN, backlog=0, workers=10)
        assert connected_ms(found) == [10 * user for user in range(10)]


def test_a_loop_that_computes_lets_connections_wait() -> None:
    """While it computes the first, the queue holds one; of three that come back it is so again."""
    found = limited(Kind.LOOP, COMPUTING, backlog=0)
    assert connected_ms(found) == [0, 10, 1020, 1030, 2040]


def test_each_listener_has_a_queue() -> None:
    found = limited(Kind.PROCESSES_SPLIT, EIGHT, backlog=0, workers=2).connections
    for worker in (1, 2):
        own = found["connected_ns"][found["worker"] == worker] // MS
        assert own[0] == 0
        assert (own[1:] == 1000).all()
    assert set(found["worker"].tolist()) == {1, 2}


def test_a_connect_fails_if_the_queue_is_full_at_each_try() -> None:
    """At 0, 10 and 20: one is served, one waits, and the third finds no room."""
    clients = TEN.replace("100ms", "30ms").replace("sleep=150ms", "sleep=59s")
    assert connected_ms(limited(Kind.PROCESS, clients, backlog=0)) == [0, 10, 67_020]
    threes = ", ".join(
        f"{{name: {name}, start: {start}ms, executor: closed, users: 1, messages: 3, "
        "demand: sleep=50s}"
        for name, start in (("a", 0), ("b", 10), ("c", 20))
    )
    found = limited(Kind.PROCESS, f"[{threes}]", backlog=0)
    assert found.connections["connected_ns"].tolist() == [0, 10 * MS, NEVER]
    assert found.connections["given_up_ns"][2] // MS == 131_020
    assert len(found.messages) == 6
