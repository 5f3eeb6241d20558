"""Demands and think times of the twin are those of the clients."""

import pytest

from client.message_format import MessageFormat
from labkit.protocol.work import CPU, SLEEP, Demand, parse_demand
from labkit.workload.load_order import CLOSED, OPEN, GroupOrder, Share
from orchestrator.twin.demands import GroupDemands, Thinking, Work, group_demands
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


def test_a_drawn_demand_is_cut_to_the_limit() -> None:
    demands = GroupDemands(group("cpu=exponential(100s)", demand_limit_s=0.02), SEED, DEFAULT)
    drawn = {demands.of(user, 0) for user in range(50)}
    assert max(drawn) == Work(20 * MS, is_computing=True)


@pytest.mark.parametrize("loop", [CLOSED, OPEN])
@pytest.mark.parametrize(
    "text", ["sleep=exponential(10ms)", "cpu=exponential(10ms), sleep=3ms", "sleep=0.5ms"]
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
                read.kind == CPU,
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
