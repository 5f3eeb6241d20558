"""A run in steps: what counts in which step, and that nothing is lost or counted twice."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.wire.samples import OUTCOMES
from orchestrator.analysis.join import CONNECTION, REQUEST, Merged
from orchestrator.analysis.over_time import MOST_STEPS, over_time, step_of
from orchestrator.results.summary import OverTime

START_NS = 5_000_000_000_000
MS = 1_000_000
S = 1_000 * MS
ACKED, IN_FLIGHT, RESET, RETRIED = map(OUTCOMES.index, ("acked", "in_flight", "reset", "retried"))

Message = tuple[int, int, int]
"""Due and ended, in ns from the start, and the outcome."""

MESSAGES = st.lists(
    st.tuples(st.integers(0, 200 * S), st.integers(0, 20 * S), st.integers(0, RETRIED - 1)).map(
        lambda each: (each[0], each[0] + each[1], each[2])
    ),
    min_size=1,
    max_size=300,
)
CONNECTIONS = st.lists(
    st.tuples(st.integers(0, 200 * S), st.integers(1, 5 * S), st.booleans()), max_size=20
)


def merged(
    messages: Sequence[Message], connections: Sequence[tuple[int, int, bool]] = ()
) -> Merged:
    """Return tables; a connection is begun, takes so long, and is established or not."""
    requests = np.zeros(len(messages), REQUEST)
    for row, (due_ns, ended_ns, outcome) in zip(requests, messages, strict=True):
        row["due_ns"], row["ended_ns"] = START_NS + due_ns, START_NS + ended_ns
        row["outcome"] = outcome
    table = np.zeros(len(connections), CONNECTION)
    for row, (begun_ns, took_ns, is_established) in zip(table, connections, strict=True):
        row["begun_ns"], row["ended_ns"] = START_NS + begun_ns, START_NS + begun_ns + took_ns
        row["connected_ns"] = row["begun_ns"] if is_established else 0
        row["outcome"] = 0 if is_established else 1
    return Merged(requests, table)


def found(
    messages: Sequence[Message], connections: Sequence[tuple[int, int, bool]] = ()
) -> OverTime:
    steps = over_time(merged(messages, connections), START_NS, 0.0)
    assert steps is not None
    return steps


def lengths_s(steps: OverTime) -> list[float]:
    ends_s = [*steps.begin_s[1:], steps.end_s]
    return [end - begin for begin, end in zip(steps.begin_s, ends_s, strict=True)]


def total(steps: OverTime, column: str) -> float:
    """Return a column of values per second, added up over all steps."""
    values: list[float] = getattr(steps, column)
    pairs = zip(lengths_s(steps), values, strict=True)
    return sum((length_s * value for length_s, value in pairs), 0.0)


def steady(count: int = 4000, stalls: Sequence[tuple[int, int]] = ()) -> list[Message]:
    """Return a message each ms that takes 1 ms, but those due in a stall until its end."""
    return [
        (due, max([due, *(end for begin, end in stalls if begin <= due < end)]) + MS, ACKED)
        for due in range(0, count * MS, MS)
    ]


@given(MESSAGES, CONNECTIONS)
def test_the_steps_add_up_to_the_run(
    messages: list[Message], connections: list[tuple[int, int, bool]]
) -> None:
    steps = found(messages, connections)
    never = sum(not is_established for *_, is_established in connections)
    acked = sum(outcome == ACKED for *_, outcome in messages)
    open_still = sum(outcome == IN_FLIGHT for *_, outcome in messages)
    near = pytest.approx
    assert total(steps, "offered_per_s") == near(len(messages) + never, abs=0.2)
    assert total(steps, "throughput_per_s") == near(acked, abs=0.2)
    assert total(steps, "failed_per_s") == near(len(messages) - acked - open_still, abs=0.2)
    assert total(steps, "errors_per_s") == near(never, abs=0.2)


@given(MESSAGES)
def test_little_s_law_holds(messages: list[Message]) -> None:
    """The messages in flight, over time, are all response times together."""
    waited_s = sum(ended_ns - due_ns for due_ns, ended_ns, _ in messages) / 1e9
    steps = found(messages)
    assert total(steps, "in_flight") == pytest.approx(waited_s, abs=0.001 * steps.end_s + 1e-6)


@given(MESSAGES, CONNECTIONS)
def test_the_steps_are_few_and_cover_the_run_without_gaps(
    messages: list[Message], connections: list[tuple[int, int, bool]]
) -> None:
    steps = found(messages, connections)
    assert len(steps.begin_s) <= MOST_STEPS
    assert steps.begin_s == pytest.approx(np.arange(len(steps.begin_s)) * steps.step_s)
    *whole, last = lengths_s(steps)
    assert whole == pytest.approx([steps.step_s] * len(whole))
    assert last <= 1.5 * steps.step_s + 1e-9
    columns = [each for each in steps.model_dump().values() if isinstance(each, list)]
    assert {len(column) for column in columns} == {len(steps.begin_s)}


@given(MESSAGES, st.randoms())
def test_the_order_of_the_records_does_not_matter(messages: list[Message], random: Random) -> None:
    shuffled = [*messages]
    random.shuffle(shuffled)
    assert found(shuffled) == found(messages)


@given(MESSAGES)
def test_the_slowest_message_is_in_one_step(messages: list[Message]) -> None:
    slowest_s = max(ended_ns - due_ns for due_ns, ended_ns, _ in messages) / 1e9
    known = [each for each in found(messages).response_time_max_s if each is not None]
    assert max(known) == pytest.approx(slowest_s)


@given(st.integers(1, 10**14))
def test_a_step_is_round_and_a_run_has_a_hundred_at_most(span_ns: int) -> None:
    step_ns = step_of(span_ns)
    assert str(step_ns).rstrip("0") in {"1", "2", "5"}
    assert step_ns * MOST_STEPS >= span_ns
    assert step_ns == MS or step_ns * MOST_STEPS < 2.5 * span_ns


@pytest.mark.parametrize(
    ("span_s", "step_s"),
    [
        (0.02, 0.001),  # no shorter than a millisecond
        (4.0, 0.05),
        (8.7, 0.1),
        (60.0, 1.0),
        (100.0, 1.0),
        (101.0, 2.0),
        (3600.0, 50.0),
    ],
)
def test_the_length_of_a_step(span_s: float, step_s: float) -> None:
    assert step_of(round(span_s * 1e9)) == round(step_s * 1e9)


def test_a_stall_is_seen_from_when_it_began_and_its_answers_when_they_came() -> None:
    """From 1 s to 1.5 s nothing is answered; steps are of 50 ms."""
    steps = found(steady(stalls=[(S, S + 500 * MS)]))
    step = {round(begin_s, 3): number for number, begin_s in enumerate(steps.begin_s)}
    assert steps.response_time_p50_s[step[0.95]] == 0.001
    assert steps.response_time_p50_s[step[1.0]] == pytest.approx(0.476, abs=0.002)
    assert steps.response_time_p50_s[step[1.45]] == pytest.approx(0.026, abs=0.002)
    assert steps.throughput_per_s[step[1.25]] == 0
    assert steps.throughput_per_s[step[1.5]] > 10_000
    assert steps.offered_per_s[step[1.25]] == 1000
    assert steps.in_flight[step[1.45]] == pytest.approx(476, abs=2)


@pytest.mark.parametrize(
    ("messages", "p50", "p99"), [(1, 0, 0), (2, 1, 0), (99, 1, 0), (100, 1, 1)]
)
def test_a_percentile_needs_a_message_beyond_it(messages: int, p50: int, p99: int) -> None:
    steps = found([(0, S, ACKED)] * messages)
    assert steps.response_time_p50_s[:1] == ([1.0] if p50 else [None])
    assert steps.response_time_p99_s[:1] == ([1.0] if p99 else [None])
    assert steps.response_time_max_s[0] == 1.0
    assert steps.response_time_max_s[1:] == [None] * (len(steps.begin_s) - 1)


def test_messages_without_an_ack_are_lower_bounds_of_the_step_in_which_they_were_due() -> None:
    """A tenth of the messages due from 2 s on is reset after 3 ms."""
    messages = [
        (due, ended + 2 * MS, RESET)
        if due >= 2 * S and due % (10 * MS) == 0
        else (due, ended, code)
        for due, ended, code in steady(10_000)
    ]
    steps = found(messages)
    after = [number for number, begin_s in enumerate(steps.begin_s) if begin_s >= 2]
    assert steps.lower_bounds == dict.fromkeys(
        ("response_time_p99_s", "response_time_max_s"), after
    )
    assert steps.response_time_p99_s[after[0]] == 0.003
    assert steps.response_time_p50_s[after[0]] == 0.001
    assert total(steps, "failed_per_s") == pytest.approx(800)


def test_while_a_server_is_down_the_load_goes_on() -> None:
    """No message is sent from 1 s to 2 s, because each connection is refused."""
    sent = [each for each in steady() if not S <= each[0] < 2 * S]
    steps = found(sent, [(due, MS // 10, False) for due in range(S, 2 * S, MS)])
    assert set(steps.offered_per_s) == {1000.0}
    assert max(steps.errors_per_s) == 1000
    number = steps.begin_s.index(1.5)
    assert steps.throughput_per_s[number] == 0
    assert number in steps.lower_bounds["response_time_p50_s"]


def test_the_warm_up_is_in_it_and_named() -> None:
    steps = over_time(merged(steady()), START_NS, 1.5)
    assert steps is not None
    assert steps.warmup_s == 1.5
    assert steps.offered_per_s[0] == 1000


def test_a_run_without_messages_has_none() -> None:
    assert over_time(merged([], [(0, S, True)]), START_NS, 0.0) is None


def test_a_message_that_was_sent_again_is_offered_once() -> None:
    """It is in flight from when it was first due until its last attempt ends."""
    steps = found([(0, 3 * S, RETRIED), (0, 9 * S, RETRIED), (0, 10 * S, ACKED)])
    assert steps == found([(0, 10 * S, ACKED)])
