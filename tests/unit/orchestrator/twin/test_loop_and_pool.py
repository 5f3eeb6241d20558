"""Small loads, worked out by hand, on a loop in front of a pool of workers; times in ms."""

from orchestrator.twin.parameters import Kind, Overhead
from tests.unit.orchestrator.twin.load_fixtures import MS, SEVEN, case_of, ended_ms, simulated

TWO = "{workers: 2}"


def test_messages_wait_for_a_worker_and_connections_do_not() -> None:
    """Two workers, three users with two messages each: the six follow one another in pairs."""
    group = "[{executor: closed, users: 3, messages: 2, demand: sleep=100ms}]"
    found = simulated(Kind.LOOP_AND_POOL, case_of(group, server=TWO))
    assert ended_ms(found) == {
        (0, 0): 100, (1, 0): 100, (2, 0): 200, (0, 1): 200, (1, 1): 300, (2, 1): 300,
    }  # fmt: skip
    assert (found.connections["accepted_ns"] == 0).all()


def test_who_thinks_keeps_no_worker() -> None:
    """One worker: user 1 is served while user 0 thinks."""
    thinks = "[{executor: closed, users: 2, messages: 2, demand: sleep=10ms, think_time: 100ms}]"
    found = ended_ms(simulated(Kind.LOOP_AND_POOL, case_of(thinks, server="{workers: 1}")))
    assert found == {(0, 0): 10, (1, 0): 20, (0, 1): 120, (1, 1): 130}


def test_the_blocking_call_is_cured() -> None:
    """Seven calls that block a loop for 100 ms each: seven workers wait side by side."""
    case = case_of(SEVEN, server="{workers: 7, blocking_sleep: true}")
    assert max(ended_ms(simulated(Kind.LOOP_AND_POOL, case)).values()) == 200
    assert max(ended_ms(simulated(Kind.LOOP, case)).values()) == 1400


def test_computations_share_the_interpreter_lock() -> None:
    group = "[{executor: closed, users: 2, messages: 1, demand: cpu=10ms+sleep=5ms}]"
    found = ended_ms(simulated(Kind.LOOP_AND_POOL, case_of(group, server=TWO)))
    assert found == {(0, 0): 25, (1, 0): 25}


def test_the_loop_reads_and_answers_one_message_after_another() -> None:
    """A turn takes 4 ms: read at 0, 4, 8, begun 1 ms later, and 10 ms long.

    Finished at 11, 15, 19: answered after the turn before, and 2 ms later with the client.
    """
    group = "[{executor: closed, users: 3, messages: 1, demand: sleep=10ms}]"
    overhead = Overhead(request_ns=1 * MS, turn_ns=4 * MS, answer_ns=2 * MS)
    found = simulated(Kind.LOOP_AND_POOL, case_of(group, server="{workers: 3}"), overhead)
    assert (found.messages["started_ns"] / MS).tolist() == [1, 5, 9]
    assert ended_ms(found) == {(0, 0): 14, (1, 0): 18, (2, 0): 22}


def test_a_worker_begins_what_waits_after_it_has_resumed() -> None:
    group = "[{executor: closed, users: 2, messages: 1, demand: sleep=10ms}]"
    overhead = Overhead(resume_ns=3 * MS)
    found = simulated(Kind.LOOP_AND_POOL, case_of(group, server="{workers: 1}"), overhead)
    assert (found.messages["started_ns"] / MS).tolist() == [0, 13]


def test_a_message_without_a_demand_needs_no_worker() -> None:
    groups = """[
      {name: works, executor: closed, users: 1, messages: 1, demand: sleep=100ms},
      {name: asks, executor: closed, users: 1, messages: 1, demand: sleep=0ms, start: 5ms}]"""
    found = simulated(Kind.LOOP_AND_POOL, case_of(groups, server="{workers: 1}"))
    assert sorted((found.messages["ended_ns"] / MS).tolist()) == [5, 100]


def test_a_message_is_received_before_it_waits_for_a_worker() -> None:
    group = "[{executor: closed, users: 2, messages: 1, demand: sleep=10ms}]"
    found = simulated(
        Kind.LOOP_AND_POOL, case_of(group, server="{workers: 1}"), Overhead(request_ns=MS)
    ).messages
    assert (found["received_ns"] / MS).tolist() == [1, 1]
    assert (found["started_ns"] / MS).tolist() == [1, 11]
