"""The clients of the twin: users, arrivals, and the replay of a run; worked out by hand."""

import numpy as np
import pytest

from labkit.protocol.work import SLEEP, Demand
from labkit.wire.samples import OUTCOMES
from labkit.workload.load_order import CLOSED, OPEN, GroupOrder, Share
from orchestrator.analysis.join import REQUEST
from orchestrator.results.tables import Table
from orchestrator.twin.clients import Arrivals, PooledArrivals, Users, replay
from orchestrator.twin.core import Source
from orchestrator.twin.demands import GroupDemands, Thinking, Work
from orchestrator.twin.parameters import NONE, Discipline, Kind
from orchestrator.twin.simulate import simulate
from tests.unit.orchestrator.twin.load_fixtures import FOREVER_NS, MS, case_of, ended_ms, simulated
from tests.unit.orchestrator.twin.run_fixtures import START_NS

SEED = 1
LOOP = Discipline(Kind.LOOP, workers=1, places=0, cpus=1.0)


def demands_of(order: GroupOrder) -> GroupDemands:
    return GroupDemands(order, SEED, Demand(SLEEP, 0.01))


def users_of(order: GroupOrder) -> Users:
    return Users(0, order, demands_of(order), Thinking(order, SEED))


def test_users_connect_at_the_start_of_their_group_and_send_at_once() -> None:
    users = users_of(GroupOrder("clients", 1, CLOSED, initial=3, messages=2, start_s=0.25))
    connections = list(users.connections())
    assert [(conn.user, conn.begun_ns) for conn in connections] == [(n, 250 * MS) for n in range(3)]
    (conn, *_) = connections
    conn.connected_ns = 251 * MS
    assert users.on_connected(conn)
    assert (conn.message, conn.due_ns, conn.sent_ns) == (0, 250 * MS, 251 * MS)
    assert conn.demand_ns == 10 * MS


def test_a_user_thinks_between_two_messages_and_closes_after_the_last() -> None:
    order = GroupOrder("clients", 1, CLOSED, initial=1, messages=2, think_time="30ms")
    users = users_of(order)
    (conn,) = users.connections()
    conn.connected_ns = MS
    users.on_connected(conn)
    assert users.on_acked(conn, 100 * MS)
    assert (conn.message, conn.due_ns, conn.sent_ns) == (1, 130 * MS, 130 * MS)
    assert users.on_acked(conn, 200 * MS) is False


@pytest.mark.parametrize(
    ("acked_ms", "expected"),
    [
        (169, True),  # due at 199 ms
        (170, False),  # due at 200 ms, when the user leaves
        (250, False),  # the ack comes after that
    ],
)
def test_a_user_sends_nothing_more_once_its_time_is_over(acked_ms: int, expected: bool) -> None:
    order = GroupOrder("clients", 1, CLOSED, initial=1, stages=((0.2, 1),), think_time="30ms")
    users = users_of(order)
    (conn,) = users.connections()
    conn.connected_ns = 0
    users.on_connected(conn)
    assert users.on_acked(conn, acked_ms * MS) is expected


def test_each_arrival_has_a_connection_and_one_message() -> None:
    order = GroupOrder("clients", 1, OPEN, initial=100, stages=((0.03, 100),), start_s=1.0)
    arrivals = Arrivals(0, order, SEED, demands_of(order))
    connections = list(arrivals.connections())
    begun_ms = [conn.begun_ns / MS for conn in connections]
    assert begun_ms == [1000, 1010, 1020]  # 100 a second for 30 ms
    assert [conn.message for conn in connections] == [0, 1, 2]
    conn = connections[1]
    conn.connected_ns = 1013 * MS
    assert arrivals.on_connected(conn)
    assert (conn.due_ns, conn.sent_ns) == (1010 * MS, 1013 * MS)
    assert arrivals.on_acked(conn, 1020 * MS) is False


def test_a_replica_has_every_second_arrival_and_connection_of_two() -> None:
    order = GroupOrder("clients", 2, OPEN, initial=100, stages=((0.05, 100),), connections=3)
    share = Share(1, 1, order, "server:3000", SEED, timeout_s=1.0)
    pool = PooledArrivals.planned(0, share, demands_of(order))
    assert [conn.user for conn in pool.connections()] == [1]
    found = simulate([pool], LOOP, NONE, FOREVER_NS).messages
    assert found["message"].tolist() == [1, 3]
    assert (found["due_ns"] / MS).tolist() == [10, 30]


def test_who_came_in_time_is_served_after_the_duration_and_begins_nothing_more() -> None:
    lasting = "[{executor: closed, users: 3, duration: 250ms, demand: sleep=100ms}]"
    found = ended_ms(simulated(Kind.PROCESS, case_of(lasting)))
    assert found == {(0, 0): 100, (0, 1): 200, (0, 2): 300, (1, 0): 400, (2, 0): 500}


def test_arrivals_wait_for_a_connection_of_the_pool() -> None:
    """One arrival each 10 ms, 25 ms of service, one connection: due at 0, 10, 20, 30."""
    pooled = "[{executor: open, rate: 100/s, duration: 40ms, connections: 1, demand: sleep=25ms}]"
    found = simulated(Kind.LOOP, case_of(pooled)).messages
    assert (found["due_ns"] / MS).tolist() == [0, 10, 20, 30]
    assert (found["sent_ns"] / MS).tolist() == [0, 25, 50, 75]
    assert (found["ended_ns"] / MS).tolist() == [25, 50, 75, 100]


def test_a_pool_of_connections_starves_on_one_worker() -> None:
    """The worker keeps the first connection until no arrival is to come; the second waits so long.

    Due at 0, 10, 20, 30; the second connection takes the second arrival and is served at the end.
    """
    pooled = "[{executor: open, rate: 100/s, duration: 40ms, connections: 2, demand: sleep=5ms}]"
    found = simulated(Kind.PROCESS, case_of(pooled)).messages
    ended = dict(zip(found["message"].tolist(), (found["ended_ns"] / MS).tolist(), strict=True))
    assert ended == {0: 5, 1: 40, 2: 25, 3: 35}


def test_each_replica_has_its_share_of_the_pool() -> None:
    pooled = """[{executor: open, rate: 100/s, duration: 40ms, connections: 2, replicas: 2,
                  demand: sleep=25ms}]"""
    found = simulated(Kind.LOOP, case_of(pooled))
    sent = dict(
        zip(found.messages["message"].tolist(), found.messages["sent_ns"] // MS, strict=True)
    )
    assert sent == {0: 0, 1: 10, 2: 25, 3: 35}


def sent(*rows: tuple[int, float, float, float, float]) -> Table:
    """Return acknowledged requests: user, connected, due, sent, ended; in ms after the start."""
    found: Table = np.zeros(len(rows), REQUEST)
    found["outcome"] = OUTCOMES.index("acked")
    for place, (user, *instants_ms) in enumerate(rows):
        found["user"][place] = user
        columns = ("connected_ns", "due_ns", "sent_ns", "ended_ns")
        for column, ms in zip(columns, instants_ms, strict=True):
            found[column][place] = START_NS + round(ms * MS)
    return found


def replayed(requests: Table, order: GroupOrder, *demands_ms: float) -> list[tuple[float, ...]]:
    """Return connected, due, sent and ended of each row, in ms, with each ``demands_ms``."""
    works = [Work(round(ms * MS), is_computing=False) for ms in demands_ms]
    sources: list[Source] = replay(requests, [order], START_NS, works)
    found = simulate(sources, LOOP, NONE, FOREVER_NS)
    rows = np.sort(found.messages, order="message")
    connected_ns = found.connections["connected_ns"][rows["connection"]]
    columns = (connected_ns, rows["due_ns"], rows["sent_ns"], rows["ended_ns"])
    return [tuple(each) for each in np.stack([column / MS for column in columns], axis=1).tolist()]


def test_a_replayed_client_takes_as_long_after_an_ack_as_it_did() -> None:
    """In the run the first ack came at 50 ms, and the next message was due 20 ms later.

    Here the first takes 5 ms only: the next is due at 7 + 20 and sent 3 ms after that.
    """
    order = GroupOrder("clients", 1, CLOSED, initial=1, messages=2)
    run = sent((0, 1, 1, 2, 50), (0, 1, 70, 73, 90))
    assert replayed(run, order, 5, 5) == [(1, 1, 2, 7), (1, 27, 30, 35)]


def test_replayed_clients_of_one_run_keep_their_own_connections() -> None:
    order = GroupOrder("clients", 1, CLOSED, initial=2, messages=2)
    run = sent((1, 4, 4, 4, 20), (0, 1, 1, 1, 10), (1, 4, 20, 20, 30), (0, 1, 10, 10, 20))
    found = replayed(run, order, 10, 10, 10, 10)
    assert found == [(4, 4, 4, 14), (1, 1, 1, 11), (4, 14, 14, 24), (1, 11, 11, 21)]


def test_an_arrival_of_a_replayed_pool_waits_for_a_connection_and_keeps_its_client_s_lag() -> None:
    """One connection. The second arrival was sent when the first was acked at 60 ms.

    The third was due at 100 ms and sent 2 ms late, although the connection was free. With services
    of 30 ms, the second is sent at 40 ms and the third again at 102 ms.
    """
    order = GroupOrder("clients", 1, OPEN, initial=20, stages=((0.15, 20),), connections=1)
    run = sent((0, 0, 10, 10, 60), (0, 0, 20, 60, 90), (0, 0, 100, 102, 130))
    assert replayed(run, order, 30, 30, 30) == [
        (0, 10, 10, 40), (0, 20, 40, 70), (0, 100, 102, 132),
    ]  # fmt: skip


def test_nothing_to_replay_is_nobody() -> None:
    order = GroupOrder("clients", 1, CLOSED, initial=1, messages=2)
    assert replayed(sent(), order) == []
