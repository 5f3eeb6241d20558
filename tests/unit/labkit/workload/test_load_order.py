"""The shares of all replicas together are the load: each part once, for any number of replicas."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.message_format import MessageFormat
from labkit.wire.wire import WireError
from labkit.workload.load_order import CLOSED, OPEN, GroupOrder, Order, Share

LEVELS = st.integers(0, 30).map(float)
STAGES = st.lists(st.tuples(st.sampled_from([0.5, 1.0, 2.5]), LEVELS), max_size=4).map(tuple)
GROUPS = st.builds(
    GroupOrder,
    name=st.sampled_from(["clients", "others"]),
    replicas=st.integers(1, 12),
    loop=st.sampled_from([CLOSED, OPEN]),
    initial=LEVELS,
    stages=STAGES,
    messages=st.none() | st.integers(1, 5),
    arrivals=st.sampled_from(["constant", "poisson"]),
    connections=st.integers(0, 50),
)
ORDERS = st.builds(
    Order,
    groups=st.lists(GROUPS, min_size=1, max_size=3).map(tuple),
    target=st.just("127.0.0.1:3000"),
    seed=st.integers(0, 2**40),
    timeout_s=st.just(60.0),
    margin_s=st.just(0.5),
    enrol_s=st.just(20.0),
)
CLOSED_GROUP = GroupOrder("clients", 3, CLOSED, initial=7.0, messages=5)
OPEN_GROUP = GroupOrder("visitors", 2, OPEN, initial=10.0, stages=((1.0, 20.0),))
ORDER = Order((CLOSED_GROUP, OPEN_GROUP), "127.0.0.1:3000", 7, 60.0, 0.5, 20.0)


def shares_of(order: Order) -> list[Share]:
    return [Share.of(order, replica) for replica in range(order.replicas)]


def as_travelled(sent: Mapping[str, Any]) -> Any:  # noqa: ANN401 any JSON value
    return json.loads(json.dumps(sent))


def test_replicas_are_numbered_over_all_groups() -> None:
    assert ORDER.replicas == 5
    places = [(ORDER.place(replica)[0].name, ORDER.place(replica)[1]) for replica in range(5)]
    assert places == [*product(["clients"], range(3)), *product(["visitors"], range(2))]
    with pytest.raises(IndexError):
        ORDER.place(5)


def test_users_and_arrivals_are_dealt_out_in_turn() -> None:
    shares = shares_of(ORDER)
    assert [[number for number, _ in share.lifetimes()] for share in shares[:3]] == [
        [0, 3, 6], [1, 4], [2, 5],
    ]  # fmt: skip
    assert [share.planned for share in shares] == [15, 10, 10, 8, 7]
    first, second = (list(share.arrival_offsets_ns()) for share in shares[3:])
    assert sorted([*first, *second]) == list(OPEN_GROUP.arrival_offsets_ns(7))
    assert first[0] < second[0] < first[1] < second[1]


@given(ORDERS)
def test_every_user_arrival_and_connection_belongs_to_one_replica(order: Order) -> None:
    shares = iter(shares_of(order))
    for group in order.groups:
        own = [next(shares) for _ in range(group.replicas)]
        users = [user for share in own for user in share.lifetimes()]
        whole = Share(0, 0, replace(group, replicas=1), "", order.seed, 60.0)
        assert sorted(users, key=lambda user: user[0]) == whole.lifetimes()
        arrivals_ns = list(whole.arrival_offsets_ns())
        for place, share in enumerate(own):
            assert list(share.arrival_offsets_ns()) == arrivals_ns[place :: group.replicas]
        assert sum(share.connections for share in own) == group.connections
    assert not list(shares)


@given(ORDERS)
def test_what_the_replicas_plan_is_what_the_group_plans(order: Order) -> None:
    shares = iter(shares_of(order))
    for group in order.groups:
        planned = [next(shares).planned for _ in range(group.replicas)]
        whole = group.planned(order.seed)
        if whole is None:
            assert set(planned) == {None}
            assert group.loop == CLOSED
            assert group.stages or group.messages is None
        else:
            assert sum(own for own in planned if own is not None) == whole
            assert None not in planned


@pytest.mark.parametrize(
    ("group", "planned"),
    [
        (CLOSED_GROUP, 35),
        (OPEN_GROUP, 15),
        (GroupOrder("clients", 1, CLOSED, initial=7.0, stages=((1.0, 7.0),)), None),
        (
            GroupOrder("clients", 1, CLOSED, 7.0, ((1.0, 7.0),), messages=5),
            None,
        ),  # unknown before the run
        (GroupOrder("clients", 1, CLOSED, 7.0), None),
    ],
)
def test_what_is_planned_is_known_where_no_clock_ends_it(
    group: GroupOrder, planned: int | None
) -> None:
    assert group.planned(seed=7) == planned


@pytest.mark.parametrize("seed", [0, 7, 2**40])
@pytest.mark.parametrize("loop", [CLOSED, OPEN])
def test_a_message_asks_for_the_same_on_every_model_repeat_and_number_of_replicas(
    loop: str, seed: int
) -> None:
    """By user and message, in an open loop by arrival; only another seed or group is another."""
    alone = demands(loop, seed, replicas=1)
    assert len(set(alone.values())) == len(alone) == 60
    for replicas in (1, 2, 3, 7, 20, 50):
        assert demands(loop, seed, replicas) == alone
    assert demands(loop, seed, 3, target="another.model:3004") == alone
    assert not set(demands(loop, seed + 1, 3).values()) & set(alone.values())
    assert not set(demands(loop, seed, 3, name="others").values()) & set(alone.values())


def demands(
    loop: str, seed: int, replicas: int, target: str = "a:1", name: str = "clients"
) -> dict[tuple[int, int], bytes]:
    """Return what each message asks for, as the clients of all replicas word it."""
    group = GroupOrder(
        name, replicas, loop, initial=20.0, stages=((3.0, 20.0),), demand="sleep=exponential(10s)",
    )  # fmt: skip
    asked: dict[tuple[int, int], bytes] = {}
    for share in shares_of(Order((group,), target, seed, 60.0, 0.5, 20.0)):
        message_format = MessageFormat(share)
        if loop == OPEN:
            arrivals = range(share.place, 60, replicas)
            asked |= {
                (0, number): message_format.suffix(share.replica, number) for number in arrivals
            }
        else:
            users = [number for number, _ in share.lifetimes()]
            asked |= {key: message_format.suffix(*key) for key in product(users, range(3))}
    return asked


@given(ORDERS)
def test_an_order_and_its_shares_survive_the_wire(order: Order) -> None:
    assert Order.read(as_travelled(asdict(order))) == order
    for share in shares_of(order)[:3]:
        assert Share.read(as_travelled(share.fields())) == share
        assert Share.read(share.fields()) == share


@pytest.mark.parametrize("kind", ["order", "share"])
def test_what_lacks_a_field_is_refused_by_its_name(kind: str) -> None:
    read = Order.read if kind == "order" else Share.read
    whole = as_travelled(asdict(ORDER) if kind == "order" else Share.of(ORDER, 0).fields())
    for name in whole:
        lacking = {field: value for field, value in whole.items() if field != name}
        with pytest.raises(WireError, match=rf"invalid (Order|Share|GroupOrder): .*({name}|None)"):
            read(lacking)
    group = whole["groups"][0] if kind == "order" else whole["group"]
    for name in [field.name for field in fields(GroupOrder)]:
        value = group.pop(name)
        with pytest.raises(WireError, match=f"invalid GroupOrder: {name} is missing"):
            read(whole)
        group[name] = value
    assert read(whole)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", 7), ("replicas", "3"), ("replicas", 3.0), ("replicas", True), ("replicas", False),
        ("initial", "7"), ("initial", None), ("messages", 1.5), ("messages", True),
        ("demand", 5), ("think_time", None), ("start_s", "0s"), ("answer_timeout_s", "1"),
        ("stages", 5), ("stages", [5]), ("stages", [[1.0]]), ("stages", [[1.0, 2.0, 3.0]]),
        ("stages", [["a", 2.0]]), ("stages", [[1.0, None]]),
    ],
)  # fmt: skip
def test_a_field_of_another_type_is_refused_by_its_name(name: str, value: object) -> None:
    received = as_travelled(Share.of(ORDER, 0).fields())
    received["group"][name] = value
    with pytest.raises(WireError, match=f"invalid GroupOrder: {name} is "):
        Share.read(received)


@pytest.mark.parametrize("groups", [None, [], {}, "clients", [None], [[]], [5]])
def test_an_order_without_groups_is_none(groups: object) -> None:
    with pytest.raises(WireError, match=r"invalid Order|invalid GroupOrder"):
        Order.read({**as_travelled(asdict(ORDER)), "groups": groups})
