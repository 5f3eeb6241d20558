"""Small loads, worked out by hand, on each kind of server; times in ms."""

import pytest

from orchestrator.twin.parameters import Kind, Overhead
from tests.unit.orchestrator.twin.load_fixtures import MS, case_of, ended_ms, simulated

SEVEN = "[{executor: closed, users: 7, messages: 2, demand: sleep=100ms}]"
FIVE = "{workers: 5}"


def test_one_at_a_time() -> None:
    found = ended_ms(simulated(Kind.PROCESS, case_of(SEVEN)))
    assert found == {(u, m): 200 * u + 100 * (m + 1) for u in range(7) for m in range(2)}


@pytest.mark.parametrize("kind", [Kind.PROCESSES, Kind.THREADS])
def test_five_at_a_time(kind: Kind) -> None:
    found = ended_ms(simulated(kind, case_of(SEVEN, server=FIVE)))
    assert found == {(u, m): 200 * (u // 5) + 100 * (m + 1) for u in range(7) for m in range(2)}


def test_all_at_once() -> None:
    found = ended_ms(simulated(Kind.LOOP, case_of(SEVEN)))
    assert found == {(u, m): 100 * (m + 1) for u in range(7) for m in range(2)}


def test_a_loop_that_sleeps_takes_turns() -> None:
    """All are accepted while the loop wakes up, and served in turns: nobody's second comes early.

    Whoever was served last in a turn has sent again before the loop polls, in 300 µs.
    """
    us = 1_000
    overhead = Overhead(request_ns=100 * us, answer_ns=100 * us, resume_ns=300 * us)
    case = case_of(SEVEN, server="{blocking_sleep: true}")
    rows = simulated(Kind.LOOP, case, overhead).messages
    order = rows["connection"][rows["started_ns"].argsort()]
    assert order.tolist() == [*range(7), *range(7)]
    assert rows["started_ns"].max() / MS == pytest.approx(0.1 + 13 * 100.3)


def test_who_is_alone_in_a_loop_is_served_again_before_who_came_meanwhile() -> None:
    """Level-triggered: user 0, reported at 0, stays on the list in front of who comes at 10 ms."""
    groups = """[
      {name: first, executor: closed, users: 1, messages: 2, demand: cpu=100ms},
      {name: later, executor: closed, users: 1, messages: 1, demand: cpu=100ms, start: 10ms}]"""
    us = 1_000
    overhead = Overhead(answer_ns=100 * us, resume_ns=300 * us)
    found = simulated(Kind.LOOP, case_of(groups), overhead)
    rows = found.messages
    order = found.connections["group"][rows["connection"][rows["started_ns"].argsort()]]
    assert order.tolist() == [0, 0, 1]


def test_threads_share_one_cpu_and_processes_two() -> None:
    """Four compute 100 ms each: at a half of their speed on two CPUs, at a quarter on one."""
    four = case_of("[{executor: closed, users: 4, messages: 1, demand: cpu=100ms}]", server=FIVE)
    assert set(ended_ms(simulated(Kind.PROCESSES, four)).values()) == {200.0}
    assert set(ended_ms(simulated(Kind.THREADS, four)).values()) == {400.0}
    assert ended_ms(simulated(Kind.LOOP, four)) == {(u, 0): 100 * (u + 1) for u in range(4)}


def test_cpus_are_shared_anew_when_one_is_done() -> None:
    """100 and 300 ms on one CPU: both at half speed until 200 ms, then one alone for 200 more."""
    groups = """[
      {name: short, executor: closed, users: 1, messages: 1, demand: cpu=100ms},
      {name: long, executor: closed, users: 1, messages: 1, demand: cpu=300ms}]"""
    found = simulated(Kind.THREADS, case_of(groups, server=FIVE)).messages
    assert sorted((found["ended_ns"] / MS).tolist()) == [200.0, 400.0]


def test_a_sleep_of_a_busy_loop_is_answered_when_its_turn_ends() -> None:
    """A timer for 50 ms, and a computation from 10 to 110 ms: the timer fires after that."""
    groups = """[
      {name: waits, executor: closed, users: 1, messages: 1, demand: sleep=50ms},
      {name: computes, executor: closed, users: 1, messages: 1, demand: cpu=100ms, start: 10ms}]"""
    found = simulated(Kind.LOOP, case_of(groups)).messages
    assert sorted((found["ended_ns"] / MS).tolist()) == [110.0, 110.0]


def test_who_thinks_keeps_the_worker() -> None:
    thinks = "[{executor: closed, users: 2, messages: 2, demand: sleep=10ms, think_time: 100ms}]"
    alone = ended_ms(simulated(Kind.PROCESS, case_of(thinks)))
    assert alone == {(0, 0): 10, (0, 1): 120, (1, 0): 130, (1, 1): 240}


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


def test_a_full_queue_of_threads_leaves_the_rest_in_the_accept_queue() -> None:
    """One worker, a queue of one, and one in the main thread's hand: the fourth is not accepted."""
    four = case_of(
        "[{executor: closed, users: 5, messages: 1, demand: sleep=100ms}]", server="{workers: 1}"
    )
    connections = simulated(Kind.THREADS, four).connections
    assert (connections["accepted_ns"] / MS).tolist() == [0, 0, 0, 100, 200]
    assert (connections["taken_ns"] / MS).tolist() == [0, 100, 200, 300, 400]


def test_what_would_end_after_the_end_is_not_acked() -> None:
    found = simulated(Kind.PROCESS, case_of(SEVEN), end_ns=350 * MS)
    assert sorted(ended_ms(found).values()) == [100, 200, 300]
    assert (found.connections["ended_ns"] >= 0).sum() == 1


def test_overhead_of_messages_and_connections_adds_up() -> None:
    """Two users of two messages one after another; all in ms, counted by hand.

    Connected at 5, sent, read at 6, served until 6 + 100 + 2, acked at 108 + 3 = 111. Read again at
    112, acked at 217. After a turnover of 7 the next is taken at 224, read, and acked at 330.
    """
    overhead = Overhead(
        request_ns=1 * MS,
        service_ns=2 * MS,
        answer_ns=3 * MS,
        connect_ns=5 * MS,
        turnover_ns=7 * MS,
    )
    two = case_of("[{executor: closed, users: 2, messages: 2, demand: sleep=100ms}]")
    found = ended_ms(simulated(Kind.PROCESS, two, overhead))
    assert found == {(0, 0): 111, (0, 1): 217, (1, 0): 330, (1, 1): 436}


def test_a_loop_is_busy_with_each_message_itself() -> None:
    """Both are accepted at 0, read at 0 and 4, due at 100 and 104."""
    two = case_of("[{executor: closed, users: 2, messages: 1, demand: sleep=100ms}]")
    found = simulated(Kind.LOOP, two, Overhead(turn_ns=4 * MS)).messages
    assert (found["started_ns"] / MS).tolist() == [0, 4]
    assert (found["ended_ns"] / MS).tolist() == [100, 104]
