"""Small loads, worked out by hand, on workers that keep a connection each; times in ms."""

import numpy as np
import pytest

from orchestrator.twin.clients import Script, Scripted, Step
from orchestrator.twin.demands import Work
from orchestrator.twin.parameters import KEEPING, NONE, Discipline, Kind, Overhead
from orchestrator.twin.simulate import simulate
from tests.unit.orchestrator.twin.load_fixtures import (
    FOREVER_NS,
    MS,
    SEVEN,
    case_of,
    ended_ms,
    simulated,
)

FIVE = "{workers: 5}"


def test_one_at_a_time() -> None:
    found = ended_ms(simulated(Kind.PROCESS, case_of(SEVEN)))
    assert found == {(u, m): 200 * u + 100 * (m + 1) for u in range(7) for m in range(2)}


SHARING = [kind for kind in KEEPING if kind not in (Kind.PROCESS, Kind.PROCESSES_SPLIT)]
"""The kinds of which several workers share one queue of connections."""


@pytest.mark.parametrize("kind", SHARING)
def test_five_at_a_time(kind: Kind) -> None:
    found = ended_ms(simulated(kind, case_of(SEVEN, server=FIVE)))
    assert found == {(u, m): 200 * (u // 5) + 100 * (m + 1) for u in range(7) for m in range(2)}


def test_who_thinks_keeps_the_worker() -> None:
    thinks = "[{executor: closed, users: 2, messages: 2, demand: sleep=10ms, think_time: 100ms}]"
    alone = ended_ms(simulated(Kind.PROCESS, case_of(thinks)))
    assert alone == {(0, 0): 10, (0, 1): 120, (1, 0): 130, (1, 1): 240}


def test_a_full_queue_of_threads_leaves_the_rest_in_the_accept_queue() -> None:
    """One worker, a queue of one, and one in the main thread's hand: the fourth is not accepted."""
    four = case_of(
        "[{executor: closed, users: 5, messages: 1, demand: sleep=100ms}]", server="{workers: 1}"
    )
    connections = simulated(Kind.THREADS, four).connections
    assert (connections["accepted_ns"] / MS).tolist() == [0, 0, 0, 100, 200]
    assert (connections["taken_ns"] / MS).tolist() == [0, 100, 200, 300, 400]


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


def test_a_connection_of_a_pool_without_an_arrival_left_frees_its_worker_at_once() -> None:
    """Connecting takes 30 ms, so all three are there when both arrivals have come.

    The third connection has nothing to send: the worker takes it at 40 ms, and is free for the
    user of the other group, which connects at 36 ms.
    """
    groups = """[
      {name: pool, executor: open, rate: 100/s, duration: 20ms, connections: 3, demand: sleep=5ms},
      {name: other, executor: closed, users: 1, messages: 1, demand: sleep=5ms, start: 6ms}]"""
    found = simulated(Kind.PROCESS, case_of(groups), Overhead(connect_ns=30 * MS))
    assert (found.connections["taken_ns"] / MS).tolist() == [30, 35, 40, 40]
    assert (found.messages["ended_ns"] / MS).tolist() == [35, 40, 45]


def test_a_turnover_is_longer_while_another_thread_computes() -> None:
    """Two workers, three users: the first computes until 400 ms, so that all threads switch.

    The second thread gets its user at 20 ms, and is done at 120. It needs 7 ms, and 20 ms more to
    get the lock: it takes the third user at 147 ms. Processes share no lock: 100 + 7 ms.
    """
    groups = """[
      {name: a, executor: closed, users: 1, messages: 1, demand: cpu=400ms},
      {name: b, executor: closed, users: 1, messages: 1, demand: sleep=100ms},
      {name: c, executor: closed, users: 1, messages: 1, demand: sleep=1ms, start: 1ms}]"""
    overhead = Overhead(turnover_ns=7 * MS, switch_ns=20 * MS)
    for kind, taken_ms in ((Kind.THREADS, 147), (Kind.PROCESSES, 107)):
        found = simulated(kind, case_of(groups, server="{workers: 2}"), overhead).connections
        assert (found["taken_ns"][found["group"] == 2] / MS).tolist() == [taken_ms]


def test_a_thread_waits_no_longer_for_the_lock_than_another_computes() -> None:
    """The first computes until 22 ms. At 20 ms the second is done, and its thread needs 7 ms.

    It gets the lock at 22 ms at the latest: it takes the third user at 29 ms, and not at 47.
    """
    groups = """[
      {name: a, executor: closed, users: 1, messages: 1, demand: cpu=22ms},
      {name: b, executor: closed, users: 1, messages: 1, demand: sleep=20ms},
      {name: c, executor: closed, users: 1, messages: 1, demand: sleep=1ms, start: 25ms}]"""
    overhead = Overhead(turnover_ns=7 * MS, switch_ns=20 * MS)
    found = simulated(Kind.THREADS, case_of(groups, server="{workers: 2}"), overhead).connections
    assert (found["taken_ns"][found["group"] == 2] / MS).tolist() == [29]


def test_a_connection_joins_the_queue_later_while_another_thread_computes() -> None:
    """The main thread accepts what comes at 10 ms after a switch of 20 ms."""
    groups = """[
      {name: a, executor: closed, users: 1, messages: 1, demand: cpu=400ms},
      {name: b, executor: closed, users: 1, messages: 1, demand: sleep=1ms, start: 10ms}]"""
    for kind, accepted_ms in ((Kind.THREADS, 30), (Kind.PROCESSES, 10)):
        case = case_of(groups, server="{workers: 2}")
        found = simulated(kind, case, Overhead(switch_ns=20 * MS)).connections
        assert (found["accepted_ns"] / MS).tolist() == [0, accepted_ms]


BEGINS_BEFORE = """[
  {name: a, executor: closed, users: 1, messages: 1, demand: sleep=100ms},
  {name: b, executor: closed, users: 1, messages: 1, demand: cpu=400ms, start: 5ms},
  {name: last, executor: closed, users: 1, messages: 1, demand: sleep=1ms, start: 6ms}]"""
ENDS_AFTER = """[
  {name: b, executor: closed, users: 1, messages: 1, demand: cpu=50ms},
  {name: a, executor: closed, users: 1, messages: 1, demand: sleep=100ms, start: 1ms},
  {name: c, executor: closed, users: 1, messages: 1, demand: sleep=500ms, start: 2ms},
  {name: last, executor: closed, users: 1, messages: 1, demand: sleep=1ms, start: 3ms}]"""


@pytest.mark.parametrize(
    ("clients", "taken_ms"),
    [
        # a sleeps until 100 ms. By then b computes, so that the turnover takes 7 and 20 ms.
        (BEGINS_BEFORE, 127),
        # While b computes until 50 ms, a connects: it is accepted at 21 ms and sleeps until 121.
        # Nothing computes then, so that the turnover takes 7 ms. c has the other thread.
        (ENDS_AFTER, 128),
    ],
    ids=["begins before", "ends after"],
)
def test_a_turnover_depends_on_what_computes_when_it_begins(clients: str, taken_ms: int) -> None:
    overhead = Overhead(turnover_ns=7 * MS, switch_ns=20 * MS)
    case = case_of(clients, server="{workers: 2}")
    found = simulated(Kind.THREADS, case, overhead).connections
    assert found["taken_ns"][-1] / MS == taken_ms


@pytest.mark.parametrize("kind", [Kind.PROCESSES, Kind.THREADS])
def test_many_workers_answer_no_faster_than_the_cpus_do_the_overhead(kind: Kind) -> None:
    """200 workers could answer 200 in 2 ms; two CPUs with 0.1 ms for each need 10 ms."""
    group = "[{executor: closed, users: 200, messages: 20, demand: sleep=1ms}]"
    overhead = Overhead(service_ns=MS // 2, answer_ns=MS // 2, cpu_ns=MS // 10)
    found = simulated(kind, case_of(group, server="{workers: 200}"), overhead).messages
    per_s = len(found) / (int(found["ended_ns"].max()) / 1e9)
    assert per_s == pytest.approx(20_000, rel=0.02)


TWO_PARTS = "[{executor: closed, users: 4, messages: 1, demand: sleep=10ms+cpu=4ms}]"


@pytest.mark.parametrize(
    ("kind", "workers", "ended"),
    [
        # One worker keeps its message for both parts.
        (Kind.PROCESS, 1, [14, 28, 42, 56]),
        # Two of four wait 10 ms together and compute on a CPU each, then the other two.
        (Kind.PROCESSES, 2, [14, 14, 28, 28]),
        # All wait together; four computations share two CPUs, each at half the speed.
        (Kind.PROCESSES, 4, [18, 18, 18, 18]),
        # All wait together; four computations share the interpreter lock.
        (Kind.THREADS, 4, [26, 26, 26, 26]),
        # Two wait together, and their computations share the lock.
        (Kind.THREADS, 2, [18, 18, 36, 36]),
    ],
)
def test_parts_keep_a_worker_and_share_the_cpus_while_they_compute(
    kind: Kind, workers: int, ended: list[int]
) -> None:
    found = ended_ms(simulated(kind, case_of(TWO_PARTS, server=f"{{workers: {workers}}}")))
    assert sorted(found.values()) == ended


def test_a_computation_that_comes_first_shares_the_cpu_before_the_wait() -> None:
    """Two threads compute 4 ms each on one lock until 8 ms, wait until 18, compute until 20."""
    group = "[{executor: closed, users: 2, messages: 1, demand: cpu=4ms+sleep=10ms+cpu=1ms}]"
    found = ended_ms(simulated(Kind.THREADS, case_of(group, server="{workers: 2}")))
    assert found == {(0, 0): 20, (1, 0): 20}


def test_the_overhead_of_a_message_is_added_once_however_many_parts_it_has() -> None:
    """Read at 1, served until 1 + 10 + 4 + 3 + 2, answered at 23; the next from 24 on."""
    overhead = Overhead(request_ns=1 * MS, service_ns=2 * MS, answer_ns=3 * MS)
    group = "[{executor: closed, users: 1, messages: 2, demand: sleep=10ms+cpu=4ms+sleep=3ms}]"
    found = simulated(Kind.PROCESS, case_of(group), overhead)
    assert ended_ms(found) == {(0, 0): 23, (0, 1): 46}
    assert (found.messages["started_ns"] / MS).tolist() == [1, 24]


THREE = "[{executor: closed, users: 3, messages: 1, demand: sleep=100ms}]"


def test_threads_that_accept_leave_what_waits_in_the_accept_queue() -> None:
    """One thread: the others are accepted when it takes them, not before."""
    found = simulated(Kind.THREADS_ACCEPTING, case_of(THREE, server="{workers: 1}")).connections
    assert (found["accepted_ns"] / MS).tolist() == [0, 100, 200]
    assert (found["accepted_ns"] == found["taken_ns"]).all()


@pytest.mark.parametrize(
    ("kind", "accepted_ms", "taken_ms"),
    [
        (Kind.PROCESSES_EACH, [0, 5, 10], [5, 10, 15]),  # 2 ms, and a fork of 3
        (Kind.THREADS_EACH, [0, 2, 4], [2, 4, 6]),
        (Kind.PROCESSES_PASSED, [0, 2, 4], [2, 4, 6]),
        (Kind.PROCESSES, [0, 0, 0], [0, 0, 0]),  # each worker accepts by itself
        (Kind.THREADS, [0, 0, 0], [0, 0, 0]),  # by a queue
    ],
)
def test_connections_that_come_at_once_are_handed_over_one_after_another(
    kind: Kind, accepted_ms: list[int], taken_ms: list[int]
) -> None:
    overhead = Overhead(handover_ns=2 * MS, fork_ns=3 * MS)
    found = simulated(kind, case_of(THREE, server="{workers: 3}"), overhead).connections
    assert (found["accepted_ns"] / MS).tolist() == accepted_ms
    assert (found["taken_ns"] / MS).tolist() == taken_ms


def test_the_parent_accepts_the_next_before_the_child_runs_if_it_can() -> None:
    """A child has its connection after 5 ms, and its parent forks one every 2 ms."""
    overhead = Overhead(handover_ns=2 * MS, fork_ns=3 * MS, dispatch_ns=2 * MS)
    found = simulated(Kind.PROCESSES_EACH, case_of(THREE), overhead).connections
    assert (found["accepted_ns"] / MS).tolist() == [0, 2, 4]
    assert (found["taken_ns"] / MS).tolist() == [5, 7, 9]


@pytest.mark.parametrize("kind", [Kind.PROCESSES_EACH, Kind.THREADS_EACH])
def test_at_the_bound_nothing_is_accepted_until_a_place_is_free(kind: Kind) -> None:
    """Handed over at 2 and 4 ms and served until 102: the third is accepted 7 ms later."""
    overhead = Overhead(handover_ns=2 * MS, turnover_ns=7 * MS)
    found = simulated(kind, case_of(THREE, server="{workers: 2}"), overhead).connections
    assert (found["accepted_ns"] / MS).tolist() == [0, 2, 109]
    assert (found["taken_ns"] / MS).tolist() == [2, 4, 111]


def test_a_thread_is_handed_a_connection_later_while_another_computes() -> None:
    """The main thread waits twice for the lock: to accept, and to start the thread."""
    groups = """[
      {name: a, executor: closed, users: 1, messages: 1, demand: cpu=400ms},
      {name: b, executor: closed, users: 1, messages: 1, demand: sleep=1ms, start: 10ms}]"""
    overhead = Overhead(handover_ns=2 * MS, switch_ns=20 * MS)
    found = simulated(Kind.THREADS_EACH, case_of(groups), overhead).connections
    assert (found["accepted_ns"] / MS).tolist() == [0, 30]
    assert (found["taken_ns"] / MS).tolist() == [2, 52]


def test_with_a_listener_each_a_connection_waits_for_its_worker_although_another_is_idle() -> None:
    """Workers 1, 2, 1, 1: the third is served from 100 ms, the fourth from 200 ms."""
    steps = [[Step(row, 0, 0)] for row in range(4)]
    scripts = [Script(0, step, worker) for step, worker in zip(steps, [1, 2, 1, 1], strict=True)]
    clients = Scripted(0, scripts, [Work(100 * MS, is_computing=False)] * 4)
    served_by = Discipline.of(Kind.PROCESSES_SPLIT, case_of(THREE, server="{workers: 2}"), 2.0)
    found = simulate([clients], served_by, NONE, FOREVER_NS).connections
    assert (found["taken_ns"] / MS).tolist() == [0, 0, 100, 200]
    assert found["worker"].tolist() == [1, 2, 1, 1]


def test_with_a_listener_each_a_worker_of_a_planned_connection_is_drawn_evenly() -> None:
    """Of 1,000 connections each of four workers gets 250, give or take four sigma, 55."""
    many = "[{executor: open, rate: 1000/s, duration: 1s, connections: each, demand: sleep=0ms}]"
    served_by = "{workers: 4}"
    drawn, again, other = (
        simulated(Kind.PROCESSES_SPLIT, case_of(many, server=served_by, seed=seed)).connections
        for seed in (1, 1, 2)
    )
    assert np.bincount(drawn["worker"])[1:] == pytest.approx([250] * 4, abs=55)
    assert (drawn["worker"] == again["worker"]).all()
    assert (drawn["worker"] != other["worker"]).any()


def test_workers_with_a_listener_each_share_the_cpus() -> None:
    """Three computations of 10 ms on two CPUs, each by another worker."""
    scripts = [Script(0, [Step(row, 0, 0)], 1 + row) for row in range(3)]
    clients = Scripted(0, scripts, [Work(10 * MS, is_computing=True)] * 3)
    served_by = Discipline.of(Kind.PROCESSES_SPLIT, case_of(THREE, server="{workers: 3}"), 2.0)
    found = simulate([clients], served_by, NONE, FOREVER_NS).messages
    assert (found["ended_ns"] / MS).tolist() == [15, 15, 15]
