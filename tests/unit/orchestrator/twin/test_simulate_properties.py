"""Properties of any load on any kind of server."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.protocol.work import parse_demand
from labkit.workload.distributions import Demands
from orchestrator.results.tables import Table
from orchestrator.scenario.plan import Case
from orchestrator.twin.demands import GroupDemands
from orchestrator.twin.parameters import KEEPING, NONE, Kind, Overhead
from orchestrator.twin.simulate import Simulated
from tests.unit.orchestrator.twin.load_fixtures import case_of, simulated

kinds = st.sampled_from(list(Kind))
works = st.sampled_from(
    [
        "sleep=10ms", "cpu=10ms", "sleep=exponential(10ms)", "cpu=exponential(10ms)",
        "sleep=20ms, cpu=5ms", "sleep=bimodal(1ms, 40ms, share=0.8)",
        "sleep=10ms+cpu=2ms", "cpu=exponential(3ms)+sleep=10ms+cpu=1ms",
        "sleep=5ms, cpu=1ms+cpu=2ms",
    ]
)  # fmt: skip
overheads = st.sampled_from([NONE, Overhead(*range(10_000, 100_000, 10_000))])


@st.composite
def closed(draw: st.DrawFn) -> str:
    users, messages = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    thinks = draw(st.sampled_from(["0ms", "7ms", "exponential(10ms)"]))
    return (
        f"{{name: closed, executor: closed, users: {users}, messages: {messages}, "
        f"think_time: {thinks}, demand: {draw(works)!r}}}"
    )


@st.composite
def arriving(draw: st.DrawFn) -> str:
    pool = draw(st.sampled_from(["each", "2", "5"]))
    return (
        f"{{name: arriving, executor: open, rate: {draw(st.integers(1, 400))}/s, duration: 200ms, "
        f"arrivals: {draw(st.sampled_from(['constant', 'poisson']))}, connections: {pool}, "
        f"demand: {draw(works)!r}}}"
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    groups = draw(st.lists(st.one_of(closed(), arriving()), min_size=1, max_size=1))
    more = draw(st.booleans())
    if more and "name: closed" in groups[0]:
        groups.append(draw(arriving()))
    server = (
        f"{{workers: {draw(st.integers(1, 4))}, "
        f"blocking_sleep: {str(draw(st.booleans())).lower()}}}"
    )
    return case_of(f"[{', '.join(groups)}]", server=server, seed=draw(st.integers(0, 99)))


def overlap(begun: Table, ended: Table) -> int:
    change = np.repeat([1, -1], len(begun))
    order = np.lexsort((change, np.concatenate([begun, ended])))
    return int(np.cumsum(change[order]).max(initial=0))


def demands_ns(case: Case, found: Simulated) -> list[int]:
    """Return the demand of each message, as its client would send it."""
    orders = case.orders
    drawn = [
        GroupDemands(order, case.seed, parse_demand("sleep=2s") or ("sleep", 2.0))  # type: ignore[arg-type]
        for order in orders
    ]
    connections = found.connections[found.messages["connection"]]
    triples = zip(connections["group"], connections["user"], found.messages["message"], strict=True)
    return [drawn[group].of(int(user), int(message)).demand_ns for group, user, message in triples]


@given(case=cases(), kind=kinds, overhead=overheads)
@settings(max_examples=150, deadline=None)
def test_every_message_is_served_once_for_its_demand_and_in_order(
    case: Case, kind: Kind, overhead: Overhead
) -> None:
    found = simulated(kind, case, overhead)
    rows = found.messages
    planned = [count for count in case.planned().values() if count is not None]
    assert len(rows) == sum(planned)
    keys = list(
        zip(
            found.connections["group"][rows["connection"]],
            rows["connection"],
            rows["message"],
            strict=True,
        )
    )
    assert len(set(keys)) == len(keys)
    steps = ["due_ns", "sent_ns", "started_ns", "finished_ns", "ended_ns"]
    for earlier, later in itertools.pairwise(steps):
        assert (rows[earlier] <= rows[later]).all()
    assert (found.connections["ended_ns"] >= 0).all()
    rounding_ns = 5  # of shared CPUs, at each change of their number
    served_ns = rows["finished_ns"] - rows["started_ns"]
    assert (served_ns >= np.array(demands_ns(case, found)) - rounding_ns).all()


keeping = st.sampled_from([kind for kind in KEEPING if kind is not Kind.PROCESSES_SPLIT])


@given(case=cases(), kind=keeping)
@settings(max_examples=150, deadline=None)
def test_workers_take_connections_first_come_first_served_and_none_idles_while_one_waits(
    case: Case, kind: Kind
) -> None:
    found = simulated(kind, case)
    connections = found.connections
    workers = 1 if kind is Kind.PROCESS else (case.server.workers or 0)
    assert (np.diff(connections["taken_ns"]) >= 0).all()  # they are numbered as they came
    assert overlap(connections["taken_ns"], connections["ended_ns"]) <= workers
    for connection in connections[connections["taken_ns"] > connections["connected_ns"]]:
        held = (connections["taken_ns"] <= connection["connected_ns"]) & (
            connections["ended_ns"] > connection["connected_ns"]
        )
        waiting = connections["connected_ns"] < connection["connected_ns"]
        waiting &= connections["taken_ns"] > connection["connected_ns"]
        assert held.sum() == workers or waiting.any() or _freed_then(connections, connection)
        if connection["taken_ns"] != connection["connected_ns"]:
            assert (
                connections["ended_ns"] == connection["taken_ns"]
            ).any()  # taken as soon as one is free


def _freed_then(connections: Table, connection: np.void) -> bool:
    """Whether a worker became free at the instant that ``connection`` was established."""
    return bool((connections["ended_ns"] == connection["connected_ns"]).any())


@given(case=cases())
@settings(max_examples=50, deadline=None)
def test_a_loop_computes_one_message_at_a_time(case: Case) -> None:
    found = simulated(Kind.LOOP, case)
    connections = found.connections[found.messages["connection"]]
    kinds_of = [
        _kinds_of(case, int(group), int(message))
        for group, message in zip(connections["group"], found.messages["message"], strict=True)
    ]
    blocking = np.array([kinds == {"cpu"} for kinds in kinds_of], dtype=bool)
    blocking |= bool(case.server.blocking_sleep)
    rows = found.messages[blocking]
    assert overlap(rows["started_ns"], rows["finished_ns"]) <= 1


def _kinds_of(case: Case, group: int, message: int) -> set[str]:
    turns = Demands.parse(case.orders[group].demand or "").parts
    return {part.kind for part in turns[message % len(turns)]}


@given(case=cases(), kind=kinds)
@settings(max_examples=30, deadline=None)
def test_the_same_load_comes_to_the_same(case: Case, kind: Kind) -> None:
    first, second = simulated(kind, case), simulated(kind, case)
    assert (first.messages == second.messages).all()
    assert (first.connections == second.connections).all()
