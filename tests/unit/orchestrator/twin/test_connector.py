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
    clients = "[{executor: closed, users: 3, messages: 1, demand: sleep=500ms}]"
    found = limited(Kind.PROCESS, clients, backlog=0)
    assert connected_ms(found) == [0, 0, 1000]
    assert found.messages["ended_ns"].max() // MS == 1500


def test_without_a_limit_all_are_connected_at_once() -> None:
    for backlog in (None, 6):
        assert connected_ms(limited(Kind.PROCESS, EIGHT, backlog)) == [0] * 8


@pytest.mark.parametrize("kind", [Kind.LOOP_AND_POOL, Kind.LOOP, Kind.LOOPS])
def test_a_loop_that_does_not_wait_accepts_all(kind: Kind) -> None:
    assert connected_ms(limited(kind, EIGHT, backlog=0)) == [0] * 8


def test_a_loop_that_computes_lets_connections_wait() -> None:
    """While it computes the first, the queue holds one; of three that come back it is so again."""
    found = limited(Kind.LOOP, COMPUTING, backlog=0)
    assert connected_ms(found) == [0, 10, 1020, 1030, 2040]


def test_each_listener_has_a_queue() -> None:
    found = limited(Kind.PROCESSES_SPLIT, EIGHT, backlog=0, workers=2).connections
    for worker in (1, 2):
        own = found["connected_ns"][found["worker"] == worker] // MS
        assert (own[:2] == 0).all()
        assert (own[2:] >= 1000).all()
    assert set(found["worker"].tolist()) == {1, 2}


def test_a_connect_fails_if_the_queue_is_full_at_each_try() -> None:
    clients = "[{executor: closed, users: 3, messages: 1, demand: sleep=50s}]"
    long = limited(Kind.PROCESS, clients.replace("50s", "59s"), backlog=0)
    assert connected_ms(long) == [0, 0, 67_000]
    several = clients.replace("messages: 1", "messages: 3")
    found = limited(Kind.PROCESS, several, backlog=0)
    assert found.connections["connected_ns"].tolist() == [0, 0, NEVER]
    assert found.connections["given_up_ns"][2] // MS == 131_000
    assert len(found.messages) == 6
