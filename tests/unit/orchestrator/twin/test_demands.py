"""Demands and think times of the twin are those of the clients."""

import numpy as np
import pytest

from client.message_format import MessageFormat
from labkit.protocol.work import CPU, SLEEP, Demand, parse_demand
from labkit.workload.load_order import CLOSED, OPEN, GroupOrder, Share
from orchestrator.analysis.join import REQUEST
from orchestrator.results.client_samples import ACKED
from orchestrator.results.tables import Table
from orchestrator.twin.demands import (
    GroupDemands,
    Thinking,
    Work,
    faster_than_demanded,
    group_demands,
)
from tests.unit.orchestrator.twin.load_fixtures import MS, case_of

DEFAULT = Demand(SLEEP, 0.25)
SEED = 7


def group(demand: str | None = None, loop: str = CLOSED, **changes: str | float) -> GroupOrder:
    fields: dict[str, object] = {"demand_limit_s": 60.0, **changes}
    return GroupOrder("clients", 1, loop, initial=3, messages=4, demand=demand, **fields)  # type: ignore[arg-type]


def test_messages_without_a_demand_have_that_of_the_server() -> None:
    demands = GroupDemands(group(), SEED, DEFAULT)
    assert demands.of(0, 0) == demands.of(2, 3) == Work(250 * MS, is_computing=False)


def test_a_group_of_a_case_has_its_demand_else_the_setting_of_the_server() -> None:
    clients = """[{name: own, executor: closed, users: 1, messages: 1, demand: sleep=5ms},
                  {name: none, executor: closed, users: 1, messages: 1}]"""
    case = case_of(clients, server="{work: cpu, service_time: 30ms}")
    assert [demands.of(0, 0) for demands in group_demands(case)] == [
        Work(5 * MS, is_computing=False),
        Work(30 * MS, is_computing=True),
    ]


def test_demands_take_turns_by_message() -> None:
    demands = GroupDemands(group("sleep=10ms, cpu=5ms"), SEED, DEFAULT)
    short, computing = Work(10 * MS, is_computing=False), Work(5 * MS, is_computing=True)
    assert [demands.of(1, message) for message in range(4)] == [short, computing] * 2


def test_parts_are_done_in_order_and_their_sum_is_the_demand() -> None:
    demands = GroupDemands(group("sleep=10ms+cpu=2ms+sleep=3ms"), SEED, DEFAULT)
    wait, compute = Work(10 * MS, is_computing=False), Work(2 * MS, is_computing=True)
    after = Work(3 * MS, is_computing=False)
    assert demands.of(0, 0) == Work(15 * MS, is_computing=True, parts=(wait, compute, after))


def test_random_parts_are_those_that_the_client_sends() -> None:
    order = group("sleep=exponential(10ms)+cpu=exponential(2ms)")
    demands = GroupDemands(order, SEED, DEFAULT)
    sent = MessageFormat(Share(0, 0, order, "server:3000", SEED, timeout_s=1.0))
    for message in range(20):
        read = parse_demand(sent.suffix(1, message).decode().strip(" \x03"))
        assert read is not None
        found = [part.demand_ns for part in demands.of(1, message).parts]
        assert found == [round(step.duration_s * 1e9) for step in read.steps]


@pytest.mark.parametrize(
    ("text", "work"),
    [
        ("sleep=1ms+sleep=2ms", Work(3 * MS, is_computing=False)),
        ("cpu=1ms+cpu=2ms", Work(3 * MS, is_computing=True)),
        ("sleep=0ms+cpu=2ms", Work(2 * MS, is_computing=True)),
        ("cpu=2ms+sleep=0ms+cpu=1ms", Work(3 * MS, is_computing=True)),
        ("cpu=0ms+sleep=2ms", Work(2 * MS, is_computing=False)),
        ("sleep=0ms+cpu=0ms", Work(0, is_computing=False)),
    ],
)
def test_parts_of_one_kind_in_a_row_are_one_and_empty_ones_none(text: str, work: Work) -> None:
    assert GroupDemands(group(text), SEED, DEFAULT).of(0, 0) == work


def test_a_drawn_demand_is_cut_to_the_limit() -> None:
    demands = GroupDemands(group("cpu=exponential(100s)", demand_limit_s=0.02), SEED, DEFAULT)
    drawn = {demands.of(user, 0) for user in range(50)}
    assert max(drawn) == Work(20 * MS, is_computing=True)


@pytest.mark.parametrize("loop", [CLOSED, OPEN])
@pytest.mark.parametrize(
    "text",
    [
        "sleep=exponential(10ms)",
        "cpu=exponential(10ms), sleep=3ms",
        "sleep=0.5ms",
        "cpu=exponential(10ms)+cpu=2ms",
    ],
)
def test_a_message_has_the_demand_that_its_client_sends(text: str, loop: str) -> None:
    order = group(text, loop)
    demands = GroupDemands(order, SEED, DEFAULT)
    sent = MessageFormat(Share(0, 0, order, "server:3000", SEED, timeout_s=1.0))
    for user in range(3):
        for message in range(4):
            word = sent.suffix(user, message).decode().strip(" \x03")
            read = parse_demand(word)
            assert read is not None
            found = demands.of(user, message)
            assert (found.demand_ns, found.is_computing) == (
                round(read.duration_s * 1e9),
                read.kind.startswith(CPU),
            )


def test_in_an_open_loop_the_demand_belongs_to_the_arrival_and_not_to_the_connection() -> None:
    text = "sleep=exponential(10ms)"
    is_open = GroupDemands(group(text, OPEN), SEED, DEFAULT)
    closed = GroupDemands(group(text, CLOSED), SEED, DEFAULT)
    assert len({is_open.of(user, 5) for user in range(10)}) == 1
    assert len({closed.of(user, 5) for user in range(10)}) == 10


def test_a_constant_think_time_is_the_same_for_all() -> None:
    thinking = Thinking(group(think_time="20ms"), SEED)
    assert {thinking.after(user, message) for user in range(3) for message in range(3)} == {20 * MS}


def test_a_drawn_think_time_depends_on_seed_user_and_message_alone() -> None:
    order = group(think_time="exponential(20ms)")
    thinking, again = Thinking(order, SEED), Thinking(order, SEED)
    pauses = [thinking.after(user, message) for user in range(5) for message in range(5)]
    assert len(set(pauses)) == 25
    assert [again.after(4, 4), again.after(0, 0)] == [pauses[-1], pauses[0]]
    assert Thinking(order, SEED + 1).after(0, 0) != pauses[0]


def acked(*rows: tuple[int, int, float, float, float]) -> Table:
    """Return acknowledged requests: user, message, sent, ended, and service, in ms."""
    found: Table = np.zeros(len(rows), REQUEST)
    found["outcome"] = ACKED
    for place, (user, message, sent_ms, ended_ms, service_ms) in enumerate(rows):
        found["user"][place], found["message"][place] = user, message
        found["sent_ns"][place], found["ended_ns"][place] = sent_ms * MS, ended_ms * MS
        found["started_ns"][place] = sent_ms * MS
        found["finished_ns"][place] = (sent_ms + service_ms) * MS if service_ms else 0
    return found


TWENTY = "[{executor: closed, users: 2, messages: 4, demand: sleep=20ms}]"


def too_fast(requests: Table, clients: str = TWENTY, *, has_default: bool = True) -> list[str]:
    return [*faster_than_demanded(case_of(clients), requests, has_default=has_default)]


def test_messages_that_take_their_demands_or_more_are_possible() -> None:
    assert too_fast(acked((0, 0, 1, 21.1, 20), (1, 0, 1, 20.95, 19.9), (0, 1, 30, 900, 0))) == []


def test_a_server_that_acks_without_serving_is_caught() -> None:
    """It acks a message of 20 ms after 47 us, and logs nothing."""
    found = too_fast(acked((0, 0, 1, 1.047, 0), (1, 0, 1, 21.1, 0)))
    assert found == ["clients: 1 message was acked faster than the demand allows"]


def test_a_second_ack_that_is_taken_for_that_of_the_next_message_is_caught() -> None:
    """The first message is acked at 21 ms and, doubled, at 22 ms, when the second was sent."""
    found = too_fast(acked((0, 0, 1, 21, 20), (0, 1, 21.5, 22, 20)))
    assert found == ["clients: 1 message was acked faster than the demand allows"]


def test_an_ack_before_the_last_byte_of_a_slow_sender_could_be_served_is_caught() -> None:
    """r0.c0.m0, a space, sleep=20ms and ETX are 20 bytes, so the last is sent after 190 ms."""
    slow = TWENTY.replace("users: 2", "users: 1, behaviour: slow-sender, pace: 10ms")
    found = too_fast(acked((0, 0, 1, 190, 0), (0, 1, 300, 511, 0)), slow)
    assert found == ["clients: 1 message was acked faster than the demand allows"]


def test_a_log_of_services_shorter_than_their_demands_is_caught() -> None:
    found = too_fast(acked((0, 0, 1, 30, 3)))
    assert found == ["clients: 1 message was logged as served in less time than the demand"]


def test_a_message_that_was_served_in_less_than_the_sum_of_its_parts_is_caught() -> None:
    parts = TWENTY.replace("sleep=20ms", "sleep=15ms+cpu=5ms")
    assert too_fast(acked((0, 0, 1, 21.1, 20)), parts) == []
    found = too_fast(acked((0, 0, 1, 30, 15), (1, 0, 1, 16, 0)), parts)
    assert found == [
        "clients: 1 message was acked faster than the demand allows",
        "clients: 1 message was logged as served in less time than the demand",
    ]


def test_a_drawn_demand_is_compared_with_the_message_that_carried_it() -> None:
    clients = "[{executor: closed, users: 2, messages: 4, demand: sleep=exponential(20ms)}]"
    (demands,) = group_demands(case_of(clients))
    took_ms = [demands.of(0, message).demand_ns / MS for message in range(4)]
    rows = [(0, message, 0, each_ms, 0) for message, each_ms in enumerate(took_ms)]
    assert too_fast(acked(*rows), clients) == []
    swapped = [(0, message, 0, each_ms, 0) for message, each_ms in enumerate(reversed(took_ms))]
    assert too_fast(acked(*swapped), clients) != []


def test_a_message_without_a_demand_has_that_of_our_servers_only() -> None:
    clients = "[{executor: closed, users: 1, messages: 1}]"
    requests = acked((0, 0, 1, 2, 0))
    assert len(too_fast(requests, clients)) == 1
    assert too_fast(requests, clients, has_default=False) == []


def test_what_was_not_acked_has_no_law() -> None:
    requests = acked((0, 0, 1, 1.1, 0))
    requests["outcome"] = 0
    assert too_fast(requests) == []


def test_tables_of_garbage_break_the_law() -> None:
    """Of 300 tables with random instants in 100 ms, none passes as eight messages of 20 ms."""
    random = np.random.default_rng(1)
    for _ in range(300):
        instants = random.uniform(0, 100, (8, 3))
        rows = [(n % 2, n // 2, *each) for n, each in enumerate(instants.tolist())]
        assert too_fast(acked(*rows)) != []
