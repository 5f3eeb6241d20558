"""The event queue and the shared CPUs of the simulation, worked out by hand."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.twin.core import (
    NEVER,
    Connection,
    EventQueue,
    OverheadCpus,
    Processors,
    Record,
    Source,
    TooManyMessagesError,
)
from orchestrator.twin.demands import Work

ENDLESS_NS = 2**62
ROUNDING_NS = 1


class NoClients(Source):
    """The source of connections that a test makes itself."""

    def connections(self) -> Iterator[Connection]:
        return iter(())

    def on_connected(self, conn: Connection) -> bool | None:
        raise AssertionError(conn)

    def on_acked(self, conn: Connection, now_ns: int) -> bool | None:
        raise AssertionError(conn, now_ns)


def connection(user: int, demand_ns: int = 0) -> Connection:
    conn = Connection(NoClients(), user, 0, ENDLESS_NS)
    conn.set_work(Work(demand_ns, is_computing=True))
    return conn


def test_events_of_one_instant_come_in_scheduling_order() -> None:
    events, seen = EventQueue(), list[tuple[int, str]]()
    for at_ns, name in ((20, "c"), (10, "a"), (20, "d"), (10, "b")):
        events.schedule(at_ns, lambda now_ns, each: seen.append((now_ns, each)), name)
    events.run(100)
    assert seen == [(10, "a"), (10, "b"), (20, "c"), (20, "d")]


def test_events_run_until_an_instant_inclusive_and_the_later_ones_in_the_next_run() -> None:
    events, seen = EventQueue(), list[int]()
    for at_ns in (10, 11):
        events.schedule(at_ns, lambda now_ns, _: seen.append(now_ns))
    events.run(10)
    assert seen == [10]
    events.run(11)
    assert seen == [10, 11]


def test_an_event_that_is_scheduled_by_another_runs_in_its_turn() -> None:
    events, seen = EventQueue(), list[int]()

    def again(now_ns: int, left: int) -> None:
        seen.append(now_ns)
        if left:
            events.schedule(now_ns + 5, again, left - 1)

    events.schedule(0, again, 2)
    events.schedule(7, lambda now_ns, _: seen.append(now_ns))
    events.run(ENDLESS_NS)
    assert seen == [0, 5, 7, 10]


def completed(capacity: float, begun: list[tuple[int, int]]) -> list[int]:
    """Return when each computation is done; each has the instant it begins and its demand."""
    events, done_ns = EventQueue(), [NEVER] * len(begun)

    def on_done(now_ns: int, conn: Connection) -> None:
        done_ns[conn.user] = now_ns

    processors = Processors(events, capacity, on_done)
    for user, (at_ns, demand_ns) in enumerate(begun):
        events.schedule(at_ns, processors.begin, connection(user, demand_ns))
    events.run(ENDLESS_NS)
    assert not processors.is_busy
    return done_ns


@pytest.mark.parametrize(
    ("capacity", "begun", "expected"),
    [
        (1, [(0, 100)], [100]),
        (4, [(0, 100)], [100]),  # one computation uses one CPU at most
        (0.5, [(0, 100)], [200]),
        (1, [(0, 100), (0, 100)], [200, 200]),
        (2, [(0, 90), (0, 90), (0, 90)], [135, 135, 135]),  # 2/3 of a CPU each
        # Half a CPU each from 50 on; the first has 50 left, done at 150. Then 50 of 100 are left.
        (1, [(0, 100), (50, 100)], [150, 200]),
        # The short one takes 10 at half speed, until 30; the long one has 100 - 10 - 10 left.
        (1, [(0, 100), (10, 10)], [110, 30]),
        (1, [(0, 100), (500, 100)], [100, 600]),  # idle between them
        (1, [(0, 0), (0, 100)], [0, 100]),
    ],
)
def test_cpus_are_shared_evenly(
    capacity: float, begun: list[tuple[int, int]], expected: list[int]
) -> None:
    assert completed(capacity, begun) == expected


@pytest.mark.parametrize(
    ("capacity", "busy_ns"),
    [
        (1.0, 70 + 20),  # one after another
        (0.5, 140 + 40),
        (2.0, 70),  # side by side
        (np.inf, 70),
    ],
)
def test_processors_are_busy_until_all_are_done(capacity: float, busy_ns: int) -> None:
    """Nothing is done between the beginning of both and the question, at one instant."""
    processors = Processors(EventQueue(), capacity, lambda _now_ns, _conn: None)
    assert processors.busy_ns(0, 1_000) == 0
    for user, demand_ns in enumerate((70, 20)):
        processors.begin(10, connection(user, demand_ns))
    assert processors.busy_ns(10, 1_000) == busy_ns
    assert processors.busy_ns(10, 60) == 60
    alone = Processors(EventQueue(), 1.0, lambda _now_ns, _conn: None)
    alone.begin(10, connection(0, 70))
    assert alone.busy_ns(50, 1_000) == 30


@given(
    st.sampled_from([0.3, 1.0, 1.5, 2.0, 8.0]),
    st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=12),
)
def test_no_computation_is_faster_than_alone_nor_all_of_them_than_their_cpus(
    capacity: float, begun: list[tuple[int, int]]
) -> None:
    done_ns = completed(capacity, begun)
    rounding_ns = ROUNDING_NS * len(begun) + 1
    for (at_ns, demand_ns), ended_ns in zip(begun, done_ns, strict=True):
        assert ended_ns - at_ns >= demand_ns / min(1.0, capacity) - rounding_ns
    first_ns = min(at_ns for at_ns, _ in begun)
    work_ns = sum(demand_ns for _, demand_ns in begun)
    assert max(done_ns) - first_ns >= work_ns / capacity - rounding_ns
    # No CPU is idle once all have begun, so the end is not later than if they were then to start.
    last_ns = max(at_ns for at_ns, _ in begun)
    assert max(done_ns) <= last_ns + work_ns / min(1.0, capacity) + rounding_ns


def test_connections_are_numbered_as_they_begin_and_acks_recorded_as_they_come() -> None:
    record, first, second = Record(end_ns=100), connection(7), connection(8)
    record.begin(first)
    record.begin(second)
    second.message, second.due_ns, second.sent_ns = 3, 1, 2
    second.started_ns, second.finished_ns = 4, 5
    record.ack(second, 6)
    assert [first.number, second.number] == [0, 1]
    assert record.messages.tolist() == [1, 3, 1, 2, 4, 4, 5, 6]  # received when started


def test_overhead_that_finds_an_idle_cpu_delays_nothing() -> None:
    cpus = OverheadCpus(cpu_ns=100, capacity=2.0)
    assert [cpus.delay_ns(at_ns) for at_ns in (0, 0, 0, 0, 1_000)] == [0, 0, 50, 100, 0]


def test_a_record_takes_no_more_messages_than_its_limit() -> None:
    record = Record(end_ns=10, max_messages=0)
    with pytest.raises(TooManyMessagesError, match="more than 0 messages"):
        record.ack(connection(0), 1)
