"""What all kinds of servers share: their CPUs and the end; times in ms, worked out by hand."""

from orchestrator.twin.parameters import Kind
from tests.unit.orchestrator.twin.load_fixtures import MS, SEVEN, case_of, ended_ms, simulated

FIVE = "{workers: 5}"


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


def test_what_would_end_after_the_end_is_not_acked() -> None:
    found = simulated(Kind.PROCESS, case_of(SEVEN), end_ns=350 * MS)
    assert sorted(ended_ms(found).values()) == [100, 200, 300]
    assert (found.connections["ended_ns"] >= 0).sum() == 1
