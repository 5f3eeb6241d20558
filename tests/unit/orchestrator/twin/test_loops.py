"""Small loads, worked out by hand, on several event loops; times in ms."""

import pytest

from orchestrator.twin.clients import Script, Scripted, Step
from orchestrator.twin.demands import Work
from orchestrator.twin.parameters import Discipline, Kind, Overhead
from orchestrator.twin.predict import NoTwinError, discipline_of
from orchestrator.twin.simulate import simulate
from tests.unit.orchestrator.twin.load_fixtures import (
    CPUS,
    FOREVER_NS,
    MS,
    SEVEN,
    case_of,
    ended_ms,
    simulated,
)

TWO = "{workers: 2}"


def test_all_at_once() -> None:
    found = ended_ms(simulated(Kind.LOOPS, case_of(SEVEN, server=TWO)))
    assert found == {(u, m): 100 * (m + 1) for u in range(7) for m in range(2)}


def test_a_connection_stays_in_the_loop_that_accepted_it() -> None:
    """Loops 1, 1, 2: a turn takes 4 ms, so the second is read after the first, the last at 0."""
    scripts = [Script(0, [Step(row, 0, 0)], worker) for row, worker in enumerate([1, 1, 2])]
    clients = Scripted(0, scripts, [Work(100 * MS, is_computing=False)] * 3)
    served_by = Discipline.of(Kind.LOOPS, case_of(SEVEN, server=TWO), CPUS)
    found = simulate([clients], served_by, Overhead(turn_ns=4 * MS), FOREVER_NS).messages
    assert (found["started_ns"] / MS).tolist() == [0, 0, 4]
    assert (found["ended_ns"] / MS).tolist() == [100, 100, 104]


def test_a_planned_connection_goes_to_the_first_loop_that_is_idle() -> None:
    """At 0 and 1 ms; the first loop is busy with reading until 4 ms."""
    groups = """[
      {name: a, executor: closed, users: 1, messages: 1, demand: sleep=50ms},
      {name: b, executor: closed, users: 1, messages: 1, demand: sleep=50ms, start: 1ms},
      {name: c, executor: closed, users: 1, messages: 1, demand: sleep=50ms, start: 9ms}]"""
    found = simulated(Kind.LOOPS, case_of(groups, server=TWO), Overhead(turn_ns=4 * MS))
    assert found.connections["worker"].tolist() == [1, 2, 1]


@pytest.mark.parametrize(
    ("demand", "server"),
    [
        ("cpu=5ms", "{}"),
        ("sleep=50ms, sleep=10ms+cpu=2ms", "{}"),
        ("sleep=50ms", "{blocking_sleep: true}"),
    ],
)
def test_there_is_no_twin_of_several_loops_that_are_kept_busy(demand: str, server: str) -> None:
    case = case_of(
        f"[{{executor: closed, users: 2, messages: 1, demand: {demand!r}}}]", server=server
    )
    with pytest.raises(NoTwinError, match="any has a twin only for demands that sleep"):
        discipline_of(case, {"any": "loops"}, CPUS)
    discipline_of(case, {"any": "loop"}, CPUS)


def test_the_default_demand_of_the_server_counts() -> None:
    case = case_of("[{executor: closed, users: 2, messages: 1}]", server="{work: cpu}")
    with pytest.raises(NoTwinError):
        discipline_of(case, {"any": "loops"}, CPUS)
