"""Small loads, worked out by hand, on an event loop; times in ms."""

import pytest

from orchestrator.twin.event_loop import ACCEPTS_PER_TURN
from orchestrator.twin.parameters import NONE, Discipline, Kind, Overhead
from orchestrator.twin.simulate import simulate, sources_of
from tests.unit.orchestrator.twin.load_fixtures import (
    FOREVER_NS,
    MS,
    SEVEN,
    case_of,
    ended_ms,
    simulated,
)


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


def test_a_sleep_of_a_busy_loop_is_answered_when_its_turn_ends() -> None:
    """A timer for 50 ms, and a computation from 10 to 110 ms: the timer fires after that."""
    groups = """[
      {name: waits, executor: closed, users: 1, messages: 1, demand: sleep=50ms},
      {name: computes, executor: closed, users: 1, messages: 1, demand: cpu=100ms, start: 10ms}]"""
    found = simulated(Kind.LOOP, case_of(groups)).messages
    assert sorted((found["ended_ns"] / MS).tolist()) == [110.0, 110.0]


def test_a_loop_is_busy_with_each_message_itself() -> None:
    """Both are accepted at 0, read at 0 and 4, due at 100 and 104."""
    two = case_of("[{executor: closed, users: 2, messages: 1, demand: sleep=100ms}]")
    found = simulated(Kind.LOOP, two, Overhead(turn_ns=4 * MS)).messages
    assert (found["started_ns"] / MS).tolist() == [0, 4]
    assert (found["ended_ns"] / MS).tolist() == [100, 104]


def test_a_loop_with_half_a_cpu_computes_at_half_its_speed_and_sleeps_as_ever() -> None:
    discipline = Discipline(Kind.LOOP, workers=1, places=0, cpus=0.5)
    for kind, expected_ms in (("cpu", 200.0), ("sleep", 100.0)):
        case = case_of(f"[{{executor: closed, users: 1, messages: 1, demand: {kind}=100ms}}]")
        found = simulate(sources_of(case), discipline, NONE, FOREVER_NS)
        assert ended_ms(found) == {(0, 0): expected_ms}


def test_a_loop_accepts_a_limited_number_in_one_turn() -> None:
    """The first user computes until 100 ms; 134 others come at 10 ms. An accept takes 1 ms.

    The first turn accepts 64 from 100 ms on, the second 64 from 164 on and serves the first 64
    from 228 on, for 1 ms each. The third begins at 292 and accepts the last 6.
    """
    others = 2 * ACCEPTS_PER_TURN + 6
    groups = f"""[
      {{name: first, executor: closed, users: 1, messages: 1, demand: cpu=100ms}},
      {{name: others, executor: closed, users: {others}, messages: 1, demand: cpu=1ms,
        start: 10ms}}]"""
    found = simulated(Kind.LOOP, case_of(groups), Overhead(turn_ns=MS)).connections
    accepted_ms = (found["accepted_ns"][found["group"] == 1] / MS).tolist()
    assert accepted_ms == [*range(100, 228), *range(292, 298)]


def test_the_answer_of_a_sleep_takes_a_turn_of_the_loop_and_of_a_computation_its_resumption() -> (
    None
):
    """Two users each; both are read in one turn.

    Sleeps of 10 ms are read at 0 and 2 ms and due at 10 and 12. Computations of 10 ms begin at 0
    and after the first and its resumption, at 13.
    """
    overhead = Overhead(turn_ns=2 * MS, resume_ns=3 * MS)
    two = "[{{executor: closed, users: 2, messages: 1, demand: {}=10ms}}]"
    sleeps = simulated(Kind.LOOP, case_of(two.format("sleep")), overhead)
    assert ended_ms(sleeps) == {(0, 0): 10, (1, 0): 12}
    computes = simulated(Kind.LOOP, case_of(two.format("cpu")), overhead)
    assert ended_ms(computes) == {(0, 0): 10, (1, 0): 23}


def test_a_message_without_a_demand_costs_one_turn_and_no_timer() -> None:
    """Two turns accept and read at 5 ms each; ten messages, 2 ms each until finished."""
    group = "[{executor: closed, users: 10, messages: 1, demand: sleep=0ms}]"
    overhead = Overhead(request_ns=1 * MS, service_ns=2 * MS, turn_ns=5 * MS)
    found = simulated(Kind.LOOP, case_of(group), overhead).messages
    started_ns, finished_ns = found["started_ns"], found["finished_ns"]
    assert set((finished_ns - started_ns) / MS) == {2}
    assert (started_ns[1:] - started_ns[:-1] == 5 * MS).all()


def test_a_loop_overlaps_the_waits_of_messages_and_computes_one_after_another() -> None:
    """All four timers are due at 10 ms; then the loop computes 4 ms for each."""
    group = "[{executor: closed, users: 4, messages: 1, demand: sleep=10ms+cpu=4ms}]"
    assert ended_ms(simulated(Kind.LOOP, case_of(group))) == {
        (0, 0): 14, (1, 0): 18, (2, 0): 22, (3, 0): 26,
    }  # fmt: skip


def test_a_loop_computes_before_it_waits_if_the_message_asks_for_that() -> None:
    """Computed from 0 to 4 and from 4 to 8; timers of 10 ms; computed again, 1 ms each."""
    group = "[{executor: closed, users: 2, messages: 1, demand: cpu=4ms+sleep=10ms+cpu=1ms}]"
    assert ended_ms(simulated(Kind.LOOP, case_of(group))) == {(0, 0): 15, (1, 0): 19}


def test_a_timer_that_is_due_while_the_loop_computes_waits_for_its_end() -> None:
    """The second comes at 9 ms and computes from 9 to 29: the first goes on at 29."""
    groups = """[
      {name: parts, executor: closed, users: 1, messages: 1, demand: sleep=10ms+cpu=2ms},
      {name: computes, executor: closed, users: 1, messages: 1, demand: cpu=20ms, start: 9ms}]"""
    found = simulated(Kind.LOOP, case_of(groups)).messages
    assert sorted((found["ended_ns"] / MS).tolist()) == [29.0, 31.0]


def test_a_loop_that_sleeps_does_all_parts_of_a_message_before_the_next() -> None:
    group = "[{executor: closed, users: 2, messages: 1, demand: sleep=10ms+cpu=4ms}]"
    case = case_of(group, server="{blocking_sleep: true}")
    assert ended_ms(simulated(Kind.LOOP, case)) == {(0, 0): 14, (1, 0): 28}


def test_each_part_costs_the_loop_what_its_kind_costs_and_the_service_is_late_once() -> None:
    """Read in a turn of 2 ms each, at 0 and 2 ms. Timers are 1 ms late: due at 11 and 13.

    The first computes from 11 to 15 and is finished; the loop resumes at 18, and the second
    computes from 18 to 22.
    """
    overhead = Overhead(service_ns=1 * MS, turn_ns=2 * MS, resume_ns=3 * MS)
    group = "[{executor: closed, users: 2, messages: 1, demand: sleep=10ms+cpu=4ms}]"
    assert ended_ms(simulated(Kind.LOOP, case_of(group), overhead)) == {(0, 0): 15, (1, 0): 22}
